"""The command line, in process: what it accepts, refuses and prints. Runs are stand-ins."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.__main__ import METHOD_NAMES, RECIPE_NAMES, main
from engine.cli.follow import ProgressLine
from engine.runs import paths, service, store
from tests.support import example_runs as examples
from tests.support.models import tiny_model_folder
from tests.support.runs import STUB, at_step, ended, kill_workers, make_run, wait_for

KEPT = ("runs.sqlite3", "runs.sqlite3-wal", "runs.sqlite3-shm", "errors.log")
"""Files of the data directory that belong to no run."""

pytestmark = pytest.mark.usefixtures("data_directory")


@pytest.fixture
def data_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("T2R_STUDIO_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    yield tmp_path / "data"
    kill_workers()


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_model_folder(tmp_path_factory.mktemp("models"), "llama"))


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("texts") / "notes.txt"
    file.write_text("\n\n".join(f"Note {i}: " + f"pump {i * 7} runs. " * 30 for i in range(80)))
    return str(file)


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[str, str]:
    """Error and hint of a command that must end with 2, print nothing and make nothing."""
    before = sorted(paths.data_directory().rglob("*"))
    capsys.readouterr()  # what making the input wrote
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    error, hint = err.splitlines()  # exactly two lines
    assert error.startswith("error: ") and hint.startswith("hint: ")
    after = [p for p in sorted(paths.data_directory().rglob("*")) if p.name not in KEPT]
    assert after == [p for p in before if p.name not in KEPT] and store.every() == []
    return error, hint


def _file(folder: Path, name: str, content: bytes) -> str:
    (folder / name).write_bytes(content)
    return str(folder / name)


BAD_DATA = {
    "empty": ("empty.txt", b"", "empty"),
    "binary": ("photo.txt", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(256)) * 200, ""),
    "one line": ("one.txt", b"A single line of text.\n", "too little text"),
    "no text column": ("table.csv", b"a,b\n" + b"1,2\n" * 30_000, ""),
    "no format": ("notes.odt", b"text" * 9000, ".odt"),
    "no Word document": ("notes.docx", b"text" * 9000, "Word"),
}


@pytest.mark.parametrize("case", BAD_DATA)
def test_bad_data_is_refused(
    case: str, tmp_path: Path, llama: str, capsys: pytest.CaptureFixture[str]
) -> None:
    name, content, message = BAD_DATA[case]
    error, _ = refused(capsys, "convert", llama, _file(tmp_path, name, content), "--out", "r")
    assert message in error and name in error


def test_a_file_of_200_mb_is_refused_unread(
    tmp_path: Path, llama: str, capsys: pytest.CaptureFixture[str]
) -> None:
    huge = tmp_path / "huge.txt"
    with huge.open("wb") as file:
        file.truncate(200_000_000)
    error, hint = refused(capsys, "convert", llama, str(huge), "--out", "r")
    assert "191 MiB" in error and "50" in error


def _without_weights(folder: Path) -> str:
    target = tiny_model_folder(folder, "llama")
    (target / "model.safetensors").unlink()
    return str(target)


def _pickle_only(folder: Path) -> str:
    target = Path(_without_weights(folder))
    (target / "pytorch_model.bin").write_bytes(b"\x80\x04pickle")
    return str(target)


def _encoder(folder: Path) -> str:
    target = tiny_model_folder(folder, "llama")
    bert = {"model_type": "bert", "architectures": ["BertForMaskedLM"]}
    (target / "config.json").write_text(json.dumps(bert))
    return str(target)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (_without_weights, "safetensors"),
        (_pickle_only, "pickle"),
        (_encoder, "encoder"),
        (lambda folder: "some-owner/some-model", "cannot be reached"),
        (lambda folder: str(folder / "nowhere"), "no folder"),
    ],
    ids=["no safetensors", "pickle only", "encoder", "unknown Hub id offline", "no such folder"],
)
def test_bad_models_are_refused(
    make, message: str, tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    error, _ = refused(capsys, "convert", make(tmp_path), text, "--out", "r")
    assert message in error


@pytest.mark.parametrize(
    ("arguments", "error", "hint"),
    [
        (["--set", "method.windo=3"], "'method.windo'", "method.window"),
        (["--set", "method"], "key=value", "method.feature_dim=64"),
        (["--set", "method=t2r"], "method is no one setting", "method.name"),
        (["--set", "seed=3"], "'seed'", "recipe."),
        (["--set", "recipe.finetune.steps.x=3"], "single value", "recipe.finetune.steps="),
        (["--set", "recipe.finetune.steps=many"], "recipe.finetune.steps=many", ""),
        (["--set", "recipe.finetune.steps=-1"], "greater than or equal to 0", ""),
        (["--set", "method.far.feature_dim=0"], "method.far.feature_dim=0", ""),
        (["--set", "kept.layers=0,9"], "[9]", "exist"),
        (["--set", "gates.quality_loss_percent=-1"], "gates.quality_loss_percent=-1", ""),
        (["--set", "gates.speed=2"], "'gates.speed'", "gates.decode_speedup"),
        (["--set", "encoding=sjis"], "encoding=sjis", ""),
        (["--set", "encoding.x=1"], "encoding is a single value", "encoding="),
        (["--set", "encoding=utf-16"], "not in UTF-16: what", "Choose UTF-8"),
        (["--set", "mask_personal_data=perhaps"], "mask_personal_data=perhaps", ""),
        (["--keep-softmax-every", "1"], "nothing is left to convert", "fewer"),
        (["--method", "hedgehog", "--set", "method.feature_dim=33"], "", ""),
        (["--method", "mamba"], "invalid choice", "--help"),
        (["--seed", "-4"], "seed=-4", ""),
        (["--out", "two words"], "'two words'", "letters"),
        (["--out", "20260101-000000000000"], "cannot be named", ""),
    ],
)  # fmt: skip
def test_bad_settings_are_refused(
    arguments: list[str], error: str, hint: str, llama: str, text: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    said, advised = refused(capsys, "convert", llama, text, *arguments)
    assert error in said and hint in advised


def test_a_full_folder_is_refused(
    tmp_path: Path, llama: str, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "file").touch()
    error, _ = refused(capsys, "convert", llama, text, "--out", str(own))
    assert "not an empty folder" in error
    assert [p.name for p in own.iterdir()] == ["file"]


def test_a_taken_name_is_refused(llama: str, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    make_run(name="mine")
    assert main(["convert", llama, text, "--out", "mine"]) == 2
    assert "'mine' already" in capsys.readouterr().err
    assert len(store.every()) == 1


@pytest.mark.parametrize("arguments", [[], ["fly"], ["convert", "m"], ["compare"], ["runs", "eat"]])
def test_usage_errors_are_errors_like_all_others(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    _, hint = refused(capsys, *arguments)
    assert "--help" in hint


def test_errors_as_json_are_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "nothing", "--json"]) == 2
    out, err = capsys.readouterr()
    assert json.loads(out)["error"]["message"] in err and len(err.splitlines()) == 2


def test_runs_are_listed_shown_and_deleted(capsys: pytest.CaptureFixture[str]) -> None:
    run_id = make_run(name="one", state="done")
    assert main(["runs", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert listed[0]["id"] == run_id and listed[0]["state"] == "done"
    assert main(["runs"]) == 0
    assert "one" in capsys.readouterr().out
    assert main(["runs", "show", "one"]) == 0
    assert run_id in capsys.readouterr().out
    assert main(["runs", "delete", "one", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"deleted": run_id}
    assert store.every() == []


def test_a_running_run_is_cancelled(capsys: pytest.CaptureFixture[str]) -> None:
    run_id = make_run(name="long", steps=200, step_s=0.05)
    service.start(run_id, STUB)
    wait_for(run_id, at_step(1))
    assert main(["--json", "runs", "cancel", "long"]) == 0
    assert json.loads(capsys.readouterr().out)["cancel_requested_at"] is not None
    assert wait_for(run_id, ended).state == "cancelled"


@pytest.mark.parametrize("lengths", ["512,x", "8", "-3", ""])
def test_bad_lengths_are_refused(lengths: str, capsys: pytest.CaptureFixture[str]) -> None:
    make_run(name="ready", state="done")
    assert main(["compare", "ready", f"--lengths={lengths}"]) == 2
    out, err = capsys.readouterr()
    assert out == "" and len(err.splitlines()) == 2 and "512,2048" in err
    assert "_lengths" not in err


def test_an_unfinished_run_has_no_comparison(capsys: pytest.CaptureFixture[str]) -> None:
    make_run(name="failed", state="failed", error_message="It broke.", error_hint="Mend it.")
    assert main(["compare", "failed"]) == 2
    assert capsys.readouterr().err == "error: It broke.\nhint: Mend it.\n"


def test_a_run_at_work_is_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    make_run(name="busy", state="queued")
    assert main(["compare", "busy"]) == 2
    error, hint = capsys.readouterr().err.splitlines()
    assert "at work" in error and "resume" not in hint and "runs show busy" in hint
    progress = io.StringIO()
    ProgressLine(progress).status(service.find("busy"))
    assert "lane" not in progress.getvalue() and "another run to end" in progress.getvalue()


def _python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


@pytest.mark.parametrize("program", [["-m", "engine", "runs"], ["app.py"]])
def test_a_python_without_the_packages_is_told_in_two_lines(program: list[str]) -> None:
    command = [sys.executable, "-S", *program]
    found = subprocess.run(command, cwd=paths.PROJECT, capture_output=True, text=True)
    error, hint = found.stderr.splitlines()
    assert error.startswith("error: The package '") and "is not installed" in error
    assert hint.startswith("hint: ") and "pip install -r requirements.txt" in hint
    assert found.returncode == 2 and found.stdout == ""


def test_an_unknown_method_is_refused_before_torch_is_imported() -> None:
    code = (
        "import sys; from engine.__main__ import main;"
        " status = main(['convert', 'business-2k', 'business-cases', '--method', 'magic']);"
        " print(status, 'torch' in sys.modules)"
    )
    found = _python(code)
    assert found.stdout == "2 False\n" and "magic" in found.stderr


def test_a_reader_that_leaves_early_gets_no_traceback() -> None:
    command = f"{sys.executable} -m engine models --json | head -c 1"
    found = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert found.stderr == ""
    code = (
        "import os, sys; from engine.cli.output import answer;"
        " r, w = os.pipe(); os.dup2(w, 1); os.close(r); os.close(w);"
        " sys.exit(answer({}, 'x' * 100, as_json=False))"
    )
    found = _python(code)
    assert (found.returncode, found.stderr) == (141, "")


def test_the_offered_names_are_the_engines(capsys: pytest.CaptureFixture[str]) -> None:
    from engine.configs import RECIPES
    from engine.methods import METHODS

    assert set(METHOD_NAMES) == set(METHODS) and list(RECIPE_NAMES) == list(RECIPES)
    with pytest.raises(SystemExit):
        main(["convert", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert ", ".join(METHOD_NAMES) in said and ", ".join(RECIPES) in said
    import engine

    for method in METHODS.values():
        assert getattr(engine, method.__name__) is method
    assert not hasattr(engine, "Nonsense")


class _Finished:
    """An executor whose worker is done at once, with a comparison."""

    def submit(self, run_id: str, log: Path, lock_fd: int) -> None:
        folder = store.get(run_id).folder
        (folder / "comparison.json").write_text(examples.comparison().model_dump_json(), "utf-8")
        store.update(run_id, state="done", timings={"preparing": 1.5})


@pytest.mark.parametrize(
    ("arguments", "kept"),
    [
        ([], {"every": 4, "layers": []}),
        (["--method", "t2r"], {"every": 0, "layers": []}),
        (["--keep-softmax-every", "3"], {"every": 3, "layers": []}),
        (["--set", "kept.layers=[0, 1]"], {"every": 4, "layers": [0, 1]}),
    ],
)
def test_convert_makes_a_run_and_shows_its_comparison(
    arguments: list[str], kept: dict[str, object], llama: str, text: str,
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(service, "LocalExecutor", _Finished)
    assert main(["convert", llama, text, "--out", "first", "--json", *arguments]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["run"]["name"] == "first" and document["run"]["config"]["kept"] == kept
    assert document["comparison"]["quality"]["kl"] == 0.0312
    assert main(["compare", "first"]) == 0
    said = capsys.readouterr().out
    assert "Divergence from the original: 0.0312 nats/token" in said
    assert "same first choice: 95.3 % of tokens" in said and "2 threads" in said


def test_how_the_data_is_read_can_be_set(
    llama: str, text: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "LocalExecutor", _Finished)
    wanted = ["encoding=UTF_8", "mask_personal_data=true"]
    assert main(["convert", llama, text, "--out", "first", "--json", "--set", *wanted]) == 0
    config = json.loads(capsys.readouterr().out)["run"]["config"]
    assert (config["encoding"], config["mask_personal_data"]) == ("utf-8", True)
    assert main(["convert", llama, text, "--json", "--set", "encoding=detect"]) == 0
    assert json.loads(capsys.readouterr().out)["run"]["config"]["encoding"] is None


def test_gates_are_set_sealed_and_judged_by(
    llama: str, text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    from engine.configs import RunConfig
    from engine.evidence.gates import seal_state

    monkeypatch.setattr(service, "LocalExecutor", _Finished)
    gates = ["gates.quality_loss_percent=1.5", "gates.decode_speedup=none"]
    assert main(["convert", llama, text, "--out", "first", "--json", "--set", *gates]) == 0
    config = RunConfig.model_validate(json.loads(capsys.readouterr().out)["run"]["config"])
    assert (config.gates.quality_loss_percent, config.gates.decode_speedup) == (1.5, None)
    assert seal_state(config.gates, config.gates_sha256) == "frozen"
    assert main(["compare", "first"]) == 0
    assert capsys.readouterr().out.startswith("Verdict: ")
    prices = tmp_path / "prices.json"
    prices.write_text("{}")
    assert main(["compare", "first", "--money", str(prices)]) == 2
    assert "Field required" in capsys.readouterr().err


def test_a_place_that_cannot_be_written_is_an_error_like_all_others(
    tmp_path: Path, llama: str, text: str, data_directory: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    (tmp_path / "file").touch()
    error, hint = refused(capsys, "convert", llama, text, "--out", str(tmp_path / "file" / "run"))
    assert "Not a directory" in error and "errors.log" in hint
    assert "Traceback" in (data_directory / "errors.log").read_text()


def test_a_data_directory_that_cannot_be_made_is_an_error_like_all_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    with monkeypatch.context() as broken:
        broken.setenv("T2R_STUDIO_DATA", str(tmp_path / "file" / "data"))
        assert main(["runs"]) == 2
    out, err = capsys.readouterr()
    assert out == "" and len(err.splitlines()) == 2 and "Not a directory" in err


def test_an_empty_prompt_file_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from engine.configs import RunConfig

    run_id = make_run(name="ready", state="done")
    config = RunConfig(model="m", data="source.txt").model_dump_json()
    store.update(run_id, config=config)
    (tmp_path / "prompt.txt").write_text("\n")
    assert main(["compare", "ready", "--prompt-file", str(tmp_path / "prompt.txt")]) == 2
    assert "The prompt is empty." in capsys.readouterr().err


def test_models_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--json"]) == 0
    assert isinstance(json.loads(capsys.readouterr().out), list)
