"""The command line, in process: what it accepts and prints. Runs are stand-ins."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from engine.__main__ import main
from engine.cli.follow import ProgressLine
from engine.cli.offered import METHOD_NAMES, RECIPE_NAMES
from engine.runs import paths, service, store
from tests.support import example_runs as examples
from tests.support.runs import STUB, at_step, ended, make_run, wait_for

pytestmark = pytest.mark.usefixtures("data_directory")



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


def test_models_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--json"]) == 0
    assert isinstance(json.loads(capsys.readouterr().out), list)
