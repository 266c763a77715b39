"""What the command line refuses, and that nothing is made then."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.__main__ import main
from engine.runs import store
from tests.support.command import refused
from tests.support.models import tiny_model_folder
from tests.support.runs import make_run

pytestmark = pytest.mark.usefixtures("data_directory")



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


@pytest.mark.parametrize("lengths", ["512,x", "8", "-3", ""])
def test_bad_lengths_are_refused(lengths: str, capsys: pytest.CaptureFixture[str]) -> None:
    make_run(name="ready", state="done")
    assert main(["compare", "ready", f"--lengths={lengths}"]) == 2
    out, err = capsys.readouterr()
    assert out == "" and len(err.splitlines()) == 2 and "512,2048" in err
    assert "_lengths" not in err


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
