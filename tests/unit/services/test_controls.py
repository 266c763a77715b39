"""Controls of a tiny finished run: each is what it says, trained once, and measured alike."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import PreTrainedModel

from engine.configs import (
    ComparisonSettings,
    FinetuneSettings,
    KeptLayers,
    Recipe,
    RunConfig,
    TransferSettings,
)  # fmt: skip
from engine.core.swap import conversion_of
from engine.errors import BadDataset, BadRunConfig, Cancelled
from engine.events import Event, ignore
from engine.evidence.control_parts import ControlName, Controls
from engine.evidence.quality import score, select_pieces
from engine.evidence.results import Comparison
from engine.methods import T2R, AnyMethod, Elu, Rfa
from engine.models.fresh import fresh_model
from engine.models.load import load
from engine.services import controls, pipeline
from engine.services.artifacts import load_converted
from engine.services.compare import run_data
from engine.services.controls import train_controls
from engine.services.pipeline import run_pipeline
from tests.support.models import tiny_model_folder
from tests.support.pipelines import run_folder

TRANSFER, FINETUNE = 3, 4


def _recipe(transfer: int = TRANSFER, finetune: int = FINETUNE) -> Recipe:
    return Recipe(
        transfer=TransferSettings(steps=transfer),
        finetune=FinetuneSettings(steps=finetune, evaluate_every=2),
        tokens_per_step=256, max_tokens=64,
    )  # fmt: skip


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> RunConfig:
    return RunConfig(
        model=str(tiny_model_folder(tmp_path_factory.mktemp("models"), "llama")),
        data="notes.txt", method=T2R(feature_dim=8), kept=KeptLayers(every=4), recipe=_recipe(),
        comparison=ComparisonSettings(
            context_tokens=(32,), decode_tokens=4, repeats=3, heldout_tokens=512,
            fresh_processes=False, probes_per_distance=2, answer_tokens=4, vote_pairs=0,
        ),
        seed=5,
    )  # fmt: skip


@pytest.fixture(scope="module")
def finished(config: RunConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = run_folder(tmp_path_factory.mktemp("finished") / "run")
    run_pipeline(config, folder, ignore)
    return folder


@pytest.fixture
def folder(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "copy"))


def _train(folder: Path, config: RunConfig, *names: ControlName, listen: Any = ignore) -> Controls:
    return train_controls(folder, config, names, listen, device="cpu")


def _nats_of_a_run(config: RunConfig, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list:
    """Nats by held-out document of the converted model that a run of its own makes."""
    monkeypatch.setattr(pipeline, "compare", lambda *_args, **_more: None)
    run_pipeline(config, folder, ignore)
    _, dataset = run_data(folder, config, load(config.model))
    pieces = select_pieces(dataset.heldout, config.comparison.heldout_tokens)
    found = score(load_converted(folder / "converted").model, pieces)
    return [one.nats for one in found.by_document]


@pytest.mark.parametrize(
    ("name", "method", "transfer", "finetune"),
    [("no-transfer", T2R(feature_dim=8), 0, TRANSFER + FINETUNE),
     ("elu", Elu(), 0, TRANSFER + FINETUNE), ("rfa", Rfa(feature_dim=8), TRANSFER, FINETUNE)],
)  # fmt: skip
def test_a_control_is_the_run_that_has_its_settings(
    name: ControlName, method: AnyMethod, transfer: int, finetune: int, config: RunConfig,
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    (control,) = _train(folder, config, name).controls
    recipe = _recipe(transfer, finetune).model_copy(update={"train_control": False})
    like = config.model_copy(update={"method": method, "recipe": recipe})
    nats = _nats_of_a_run(like, run_folder(tmp_path / "like"), monkeypatch)
    assert [one.nats for one in control.quality.by_document] == nats
    assert (control.method, control.transfer_steps) == (method.name, transfer)
    assert control.finetuning is not None and control.finetuning.steps == finetune


def test_random_weights_take_the_place_of_the_pretrained_and_of_nothing_else(
    config: RunConfig, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[tuple[dict[str, torch.Tensor], Any]] = []
    finetune = controls.finetune

    def spy(student: PreTrainedModel, teacher: Any, dataset: Any, recipe: Recipe, **more: Any):
        weights = {name: p.detach().clone() for name, p in student.named_parameters()}
        trained.append((weights, recipe.finetune))
        assert conversion_of(student).layers.keys() == {0, 2, 3}
        return finetune(student, teacher, dataset, recipe, **more)

    monkeypatch.setattr(controls, "finetune", spy)
    lora = config.recipe.finetune.model_copy(update={"lora_rank": 2})
    adapted = config.model_copy(
        update={"recipe": config.recipe.model_copy(update={"finetune": lora})}
    )
    (control,) = _train(folder, adapted, "random-init").controls
    ((weights, settings),) = trained
    original = load(config.model).model
    random_ones = dict(fresh_model(original, seed=config.seed).named_parameters())
    for name, p in original.named_parameters():
        assert torch.equal(weights[name], random_ones[name])
        assert torch.equal(weights[name], p) is bool((p == 1).all())  # norms begin at one
    assert (settings.steps, settings.lora_rank) == (TRANSFER + FINETUNE, 0)
    assert control.method == "t2r" and control.transfer_steps == 0


def test_what_is_lost_is_paired_with_the_converted_model(config: RunConfig, folder: Path) -> None:
    (control,) = _train(folder, config, "elu").controls
    comparison = Comparison.model_validate_json((folder / "comparison.json").read_text())
    theirs = {one.document: one for one in comparison.quality.converted.by_document}
    assert len(theirs) >= 2 and {d.document for d in control.quality.by_document} == set(theirs)
    lost = sum((one.nats or 0) - (theirs[one.document].nats or 0)
               for one in control.quality.by_document)  # fmt: skip
    assert control.lost_interval is not None and control.lost_interval.n == len(theirs)
    assert control.lost_nats == pytest.approx(lost / control.quality.tokens, abs=1e-9)
    assert control.lost_interval.estimate == pytest.approx(control.lost_nats, abs=1e-9)
    assert control.recall is not None and comparison.recall.converted is not None
    ours, asked = control.recall.by_distance, comparison.recall.converted.by_distance
    assert [p.n for p in ours] == [p.n for p in asked]


def _no_training(*_args: Any, **_more: Any) -> None:
    raise AssertionError("it was trained again")


def test_a_control_that_is_there_is_not_trained_again(
    config: RunConfig, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = _train(folder, config, "elu")
    monkeypatch.setattr(controls, "finetune", _no_training)
    told: list[Event] = []
    assert _train(folder, config, "elu", listen=told.append) == first
    assert "not trained again" in told[0].values["text"]
    other = config.model_copy(update={"seed": 6})
    with pytest.raises(AssertionError, match="trained again"):
        _train(folder, other, "elu")


def test_without_names_all_that_tell_something_are_trained(
    config: RunConfig, folder: Path
) -> None:
    progress: list[Event] = []

    def listen(event: Event) -> None:
        if event.kind == "progress":
            progress.append(event)

    found = _train(folder, config, listen=listen)
    assert [one.name for one in found.controls] == ["no-transfer", "random-init", "elu", "rfa"]
    assert Controls.in_folder(folder) == found
    assert not (folder / "checkpoint").exists()
    assert {event.total for event in progress} == {4 * (TRANSFER + FINETUNE)}
    steps = [event.step for event in progress]
    assert steps == sorted(steps) and steps[-1] == 4 * (TRANSFER + FINETUNE)
    parts = [event.values["part"] for event in progress]
    assert "rfa: attention transfer" in parts and "elu: attention transfer" not in parts


@pytest.mark.parametrize("stage", ["attention transfer", "fine-tuning"])
def test_stopping_keeps_the_finished_ones_and_goes_on_where_it_was(
    stage: str, config: RunConfig, folder: Path, finished: Path, tmp_path: Path
) -> None:
    whole = _train(Path(shutil.copytree(finished, tmp_path / "whole")), config, "elu", "rfa")
    losses: list[int] = []

    def stop(event: Event) -> None:
        if event.kind == "loss":
            losses.append(event.step)
        if event.values.get("part") == f"rfa: {stage}" and event.kind == "progress":
            raise Cancelled("Stopped.", "Go on.")

    with pytest.raises(Cancelled):
        _train(folder, config, "elu", "rfa", listen=stop)
    assert [one.name for one in Controls.in_folder(folder).controls] == ["elu"]
    before = len(losses)
    found = _train(folder, config, "elu", "rfa", listen=lambda e: losses.append(e.step)
                   if e.kind == "loss" else None)  # fmt: skip
    assert len(losses) - before < TRANSFER + FINETUNE + 1
    ours, theirs = found.named("rfa"), whole.named("rfa")
    assert ours is not None and theirs is not None
    assert ours.quality == theirs.quality and ours.finetuning == theirs.finetuning


def test_other_data_or_other_text_is_noticed(config: RunConfig, folder: Path) -> None:
    file = folder / "comparison.json"
    content = json.loads(file.read_text())
    content["quality"]["converted"]["by_document"] = []
    file.write_text(json.dumps(content))
    with pytest.raises(BadRunConfig, match="other text or questions"):
        _train(folder, config, "elu")
    notes = folder / "data" / "notes.txt"
    notes.write_text(notes.read_text() + "\n\nOne more.")
    with pytest.raises(BadDataset, match="not what it was compared on"):
        _train(folder, config, "elu")
