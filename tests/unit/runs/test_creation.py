"""Making a run checks everything first; a run that ends early leaves nothing."""

from __future__ import annotations

import hashlib
import json
import stat
from pathlib import Path

import pytest

from engine.configs import KeptLayers, RunConfig
from engine.errors import BadDataset, BadRunConfig, IncompatibleMethod, ModelNotFound, RunBusy
from engine.methods import Rfa
from engine.runs import paths, service, store
from engine.runs.seal import recorded
from tests.support.models import tiny_model_folder


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model_folder(tmp_path_factory.mktemp("models"), "llama")


@pytest.fixture
def text(tmp_path: Path) -> Path:
    file = tmp_path / "my notes (α).txt"
    file.write_text("\n\n".join(f"Note {i}: " + f"pump {i * 7} runs. " * 30 for i in range(80)))
    return file


def _nothing_was_made(data_directory: Path) -> bool:
    return store.every() == [] and not (data_directory / "runs").exists()


def test_a_run_is_made_whole(llama: Path, text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(llama.parent)
    config = RunConfig(model=llama.name, data="anything", seed=3)
    run_id = service.create_run(config, text, name="first")
    run = service.get(run_id)
    assert (run.name, run.state, run.pid) == ("first", "queued", None)
    assert run.folder == paths.default_folder(run_id)
    assert stat.S_IMODE(run.folder.stat().st_mode) == 0o700
    copied = run.folder / "data" / text.name
    assert copied.read_bytes() == text.read_bytes()
    # What the worker reads elsewhere, later, from another working directory:
    assert run.config["model"] == str(llama) and run.config["data"] == text.name
    assert json.loads((run.folder / "config.json").read_text()) == run.config
    assert RunConfig.model_validate(run.config).seed == 3
    assert run.config["gates"]["context_tokens"] == 512  # what the tiny model was made for
    text.unlink()  # an upload may vanish: the run has its own copy
    assert copied.exists()


def test_the_originals_weights_are_kept_by_their_hash(llama: Path, text: Path) -> None:
    run = service.get(service.create_run(RunConfig(model=str(llama), data="d"), text))
    content = (llama / "model.safetensors").read_bytes()
    assert run.config["weights_sha256"] == hashlib.sha256(content).hexdigest()
    assert run.config["revision"] is None  # not from the Hub


def test_the_first_event_holds_the_seal_of_the_gates(llama: Path, text: Path) -> None:
    run = service.get(service.create_run(RunConfig(model=str(llama), data="d"), text))
    (event,) = service.events(run.id)
    assert event.values["gates_sha256"] == run.config["gates_sha256"] == recorded(run.id)
    assert event.seq == 1 and run.config["gates_sha256"] in event.values["text"]


def test_the_columns_that_were_found_are_kept(llama: Path, text: Path, tmp_path: Path) -> None:
    def columns(file: Path, **config: str) -> list[str]:
        made = RunConfig(model=str(llama), data="d", **config)
        kept = service.get(service.create_run(made, file)).config
        return [kept[name] for name in ("prompt_column", "reference_column")]

    rows = [{"Question": f"Pump {n} " * 40, "answer": f"Site {n}"} for n in range(80)]
    table = tmp_path / "tasks.jsonl"
    table.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert columns(table) == ["Question", "answer"]
    assert columns(table, text_column="Question") == columns(text) == ["", ""]


def test_bad_data_makes_nothing(llama: Path, tmp_path: Path, data_directory: Path) -> None:
    short = tmp_path / "short.txt"
    short.write_text("Too short.")
    with pytest.raises(BadDataset):
        service.create_run(RunConfig(model=str(llama), data="d"), short)
    assert _nothing_was_made(data_directory)


def test_a_missing_model_makes_nothing(text: Path, data_directory: Path) -> None:
    with pytest.raises(ModelNotFound):
        service.create_run(RunConfig(model="/no/such/model", data="d"), text)
    assert _nothing_was_made(data_directory)


def test_settings_that_do_not_fit_the_model_make_nothing(
    llama: Path, text: Path, data_directory: Path
) -> None:
    plain = RunConfig(model=str(llama), data="d")
    with pytest.raises(BadRunConfig, match="7"):
        kept = KeptLayers(layers=(7,))
        service.create_run(plain.model_copy(update={"kept": kept}), text)
    with pytest.raises(IncompatibleMethod):
        odd = Rfa(feature_dim=33)
        service.create_run(plain.model_copy(update={"method": odd}), text)
    assert _nothing_was_made(data_directory)


def test_lengths_out_of_reach_make_nothing(
    llama: Path, text: Path, tmp_path: Path, data_directory: Path
) -> None:
    gpt2 = tiny_model_folder(tmp_path, "gpt2")
    far = 10**11
    for model, changes, words in (
        (gpt2, {"gates": {"context_tokens": 513}}, "512 learned positions"),
        (llama, {"gates": {"context_tokens": far}}, f"gates.context_tokens={far}"),
        (llama, {"comparison": {"context_tokens": (64, far)}}, "GiB of memory"),
    ):
        config = RunConfig.model_validate({"model": str(model), "data": "d", **changes})
        with pytest.raises(BadRunConfig, match=words) as refused:
            service.create_run(config, text)
        assert refused.value.hint.startswith("Give ")
    assert _nothing_was_made(data_directory)
    within = RunConfig.model_validate(
        {"model": str(gpt2), "data": "d", "gates": {"context_tokens": 512},
         "comparison": {"context_tokens": (64, far)}}
    )  # fmt: skip
    assert service.create_run(within, text)  # what has no positions is left out, and said


def test_a_folder_of_ones_own(llama: Path, text: Path, tmp_path: Path) -> None:
    config = RunConfig(model=str(llama), data="d")
    place = tmp_path / "deep" / "place"
    run_id = service.create_run(config, text, folder=place)
    assert service.get(run_id).folder == place and (place / "config.json").is_file()
    with pytest.raises(BadRunConfig, match="not an empty folder"):
        service.create_run(config, text, folder=place)


def test_a_name_taken_meanwhile_leaves_no_files(
    llama: Path, text: Path, data_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = RunConfig(model=str(llama), data="d")
    service.create_run(config, text, name="one")
    from engine.runs import creation

    monkeypatch.setattr(creation, "require_free_name", lambda name: None)
    with pytest.raises(RunBusy):
        service.create_run(config, text, name="one")
    assert len(store.every()) == 1 == len(list((data_directory / "runs").iterdir()))


BAD_NAMES = ("", "-x", ".x", "a/b", "a b", "x" * 65, "名前", "sample-x", "a\n")


@pytest.mark.parametrize("name", BAD_NAMES)
def test_names_that_could_be_taken_for_something_else(name: str, llama: Path, text: Path) -> None:
    with pytest.raises(BadRunConfig):
        service.create_run(RunConfig(model=str(llama), data="d"), text, name=name)
    assert store.every() == []
