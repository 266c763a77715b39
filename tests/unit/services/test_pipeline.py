"""A whole run in this process, on a tiny model: complete, and the same when it is interrupted."""

from __future__ import annotations

import json
import random
import shutil
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from transformers import PreTrainedModel

from engine.configs import (
    ComparisonSettings,
    FinetuneSettings,
    KeptLayers,
    Recipe,
    RunConfig,
    TransferSettings,
)  # fmt: skip
from engine.errors import Cancelled, EngineError, OriginalChanged
from engine.events import STAGES, Event
from engine.evidence.results import Comparison
from engine.methods import T2R
from engine.services import pipeline, training
from engine.services.pipeline import run_pipeline
from engine.services.timings import read_timings
from tests.support.models import tiny_model_folder

WORDS = "pump valve site reading seven order night engine warm oil filter belt".split()


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> RunConfig:
    return RunConfig(
        model=str(tiny_model_folder(tmp_path_factory.mktemp("models"), "llama")),
        data="notes.txt",
        method=T2R(feature_dim=8),
        kept=KeptLayers(every=4),
        recipe=Recipe(
            transfer=TransferSettings(steps=4),
            finetune=FinetuneSettings(steps=4, evaluate_every=2),
            tokens_per_step=256,
            max_tokens=64,
        ),
        comparison=ComparisonSettings(
            context_tokens=(32, 64), decode_tokens=4, repeats=3, heldout_tokens=256,
            fresh_processes=False, probes_per_distance=1, answer_tokens=4,
        ),
    )  # fmt: skip


def _folder(place: Path) -> Path:
    """A run's folder with nothing but its data."""
    draw = random.Random(0)
    notes = [" ".join(draw.choices(WORDS, k=60)) + f" {i}." for i in range(90)]
    (place / "data").mkdir(parents=True)
    (place / "data" / "notes.txt").write_text("\n\n".join(notes))
    return place


def _weights(folder: Path, track: str) -> dict[str, torch.Tensor]:
    return load_file(folder / track / "model.safetensors")


@pytest.fixture(scope="module")
def whole(config: RunConfig, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Event]]:
    folder = _folder(tmp_path_factory.mktemp("whole") / "run")
    events: list[Event] = []
    run_pipeline(config, folder, events.append)
    return folder, events


def test_a_run_leaves_models_comparison_and_timings(
    config: RunConfig, whole: tuple[Path, list[Event]]
) -> None:
    folder, _ = whole
    assert {p.name for p in folder.iterdir()} == {
        "data", "converted", "control", "comparison.json", "pairs.json", "timings.json",
    }  # fmt: skip
    result = Comparison.model_validate_json((folder / "comparison.json").read_text())
    assert result.quality.control is not None
    assert set(result.conversion.layers_kept) == config.kept.of(4) != set()
    ends = result.finetuning
    assert ends and ends.control and ends.converted and ends.converted.steps == 4
    # They are those that training told of: the lowest reading's, and its step.
    for track, end in (("converted", ends.converted), ("control", ends.control)):
        found = [
            (event.values["validation_loss"], event.step)
            for event in whole[1]
            if event.values.get("track") == track and "validation_loss" in event.values
        ]
        assert (end.validation_loss, end.kept_step) == min(found)
    timings = read_timings(folder)
    assert tuple(timings) == STAGES and all(seconds > 0 for seconds in timings.values())
    assert result.timing["fine-tuning"] == timings["fine-tuning"]
    assert any(".mixer." in name for name in _weights(folder, "converted"))
    assert not any(".mixer." in name for name in _weights(folder, "control"))


def test_stages_and_progress_are_told_in_order(whole: tuple[Path, list[Event]]) -> None:
    _, events = whole
    assert tuple(e.stage for e in events if e.kind == "stage") == STAGES
    progress = [(e.step, e.total) for e in events if e.kind == "progress"]
    tuning = [
        (e.step, e.total) for e in events if e.kind == "progress" and e.stage == "fine-tuning"
    ]
    # Both trainings in one count, each beginning with a reading before its first step.
    assert tuning == [(n, 8) for n in (0, 1, 2, 3, 4, 4, 5, 6, 7, 8)]
    assert all(0 <= step <= total for step, total in progress)
    tracks = [e.values["track"] for e in events if e.kind == "loss" and e.stage == "fine-tuning"]
    assert tracks == ["converted"] * 5 + ["control"] * 5


def _at(stage: str, step: int, track: str = "converted") -> Callable[[Event], bool]:
    return lambda e: (
        (e.kind, e.stage, e.step) == ("loss", stage, step) and e.values.get("track") == track
    )


def test_a_run_does_not_go_on_with_another_original(
    config: RunConfig, whole: tuple[Path, list[Event]], tmp_path: Path
) -> None:
    """Neither from its beginning nor when only the comparison is left to do."""
    other = config.model_copy(update={"weights_sha256": "0" * 64})
    begun = _folder(tmp_path / "begun")
    trained = tmp_path / "trained"
    shutil.copytree(whole[0], trained)
    (trained / "comparison.json").unlink()
    for folder in (begun, trained):
        with pytest.raises(OriginalChanged):
            run_pipeline(other, folder, lambda event: None)
        assert not (folder / "comparison.json").exists()
    assert not (begun / "converted").exists()


INTERRUPTIONS: dict[str, Callable[[Event], bool]] = {
    "in transfer": _at("transferring", 2),
    "in fine-tuning": _at("fine-tuning", 3),
    "in the control's fine-tuning": _at("fine-tuning", 2, "control"),
    "at the last step of fine-tuning": _at("fine-tuning", 4),
    "at a note after fine-tuning": lambda e: e.kind == "note" and e.stage == "fine-tuning",
    "between stages": lambda e: e.kind == "stage" and e.stage == "fine-tuning",
    "in the comparison": lambda e: e.kind == "progress" and e.stage == "comparing" and e.step == 3,
}


@pytest.mark.parametrize("where", INTERRUPTIONS)
def test_an_interrupted_run_ends_in_the_same_weights(
    where: str, config: RunConfig, whole: tuple[Path, list[Event]], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    if where != "in the comparison":  # elsewhere it would only cost time
        monkeypatch.setattr(pipeline, "compare", lambda *_args, **_more: None)
    folder = _folder(tmp_path / "run")
    first: list[Event] = []
    asked = False

    def stop(event: Event) -> None:
        nonlocal asked
        first.append(event)
        asked = asked or INTERRUPTIONS[where](event)
        if asked:  # like the worker, it goes on refusing
            raise Cancelled("Stopped.", "Resume.")

    with pytest.raises(Cancelled):
        run_pipeline(config, folder, stop)
    assert not (folder / "comparison.json").exists()
    again: list[Event] = []
    run_pipeline(config, folder, again.append)
    for track in ("converted", "control"):
        ours, theirs = _weights(folder, track), _weights(whole[0], track)
        assert ours.keys() == theirs.keys()
        for name, weight in ours.items():
            assert torch.equal(weight, theirs[name]), name
    trained = [e.step for e in first + again if e.kind == "loss" and e.step and e.stage in STAGES]
    assert len(trained) == 4 + 4 + 4  # no step was done twice
    assert not (folder / "checkpoint").exists()


def test_without_training_only_the_swap_is_compared(config: RunConfig, tmp_path: Path) -> None:
    folder = _folder(tmp_path / "run")
    idle = config.recipe.model_copy(
        update={"transfer": TransferSettings(steps=0), "finetune": FinetuneSettings(steps=0)}
    )
    run_pipeline(config.model_copy(update={"recipe": idle}), folder, lambda event: None)
    result = json.loads((folder / "comparison.json").read_text())
    assert result["finetuning"] is None
    assert result["quality"]["control"] is None and not (folder / "control").exists()
    converted, untrained = (
        result["quality"][name]["perplexity"] for name in ("converted", "swapped_untrained")
    )
    assert converted == pytest.approx(untrained, rel=1e-6)


def test_the_converted_model_is_let_go_before_the_control_trains(
    config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[weakref.ref[torch.nn.Module]] = []
    alive: list[bool] = []
    original = pipeline.finetune

    def spy(student: PreTrainedModel, *args: Any, **more: Any) -> None:
        alive.append(any(model() is not None for model in trained))
        trained.append(weakref.ref(student))
        original(student, *args, **more)

    monkeypatch.setattr(pipeline, "finetune", spy)
    monkeypatch.setattr(pipeline, "compare", lambda *_args, **_more: None)
    run_pipeline(config, _folder(tmp_path / "run"), lambda _: None)
    assert alive == [False, False]


def test_the_control_trains_on_the_rows_that_the_converted_model_trained_on(
    config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows: list[torch.Tensor] = []
    by_track: dict[Any, list[torch.Tensor]] = {}
    readings: list[dict[str, Any]] = []

    def note(module: torch.nn.Module, given: Any) -> None:
        # Only the model in training runs with gradients on.
        if isinstance(module, torch.nn.Embedding) and torch.is_grad_enabled():
            rows.append(given[0].clone())

    def listen(event: Event) -> None:
        if event.kind == "loss" and event.stage == "fine-tuning":
            by_track.setdefault(event.values["track"], []).extend(rows)
            rows.clear()
            readings.append(event.values)

    monkeypatch.setattr(pipeline, "compare", lambda *_args, **_more: None)
    hook = torch.nn.modules.module.register_module_forward_pre_hook(note)
    try:
        run_pipeline(config, _folder(tmp_path / "run"), listen)
    finally:
        hook.remove()
    assert len(by_track["converted"]) == len(by_track["control"]) == 4
    assert all(map(torch.equal, by_track["converted"], by_track["control"]))
    began = next(values for values in readings if values["track"] == "control")
    assert began["validation_loss"] == began["teacher_loss"]  # it starts as the original


def test_a_full_disk_is_told_and_leaves_no_half_model(
    config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(folder: Path, *_: Any) -> None:
        folder.mkdir(parents=True)
        (folder / "model.safetensors").write_bytes(b"half")
        raise SafetensorError("Error while serializing: I/O error: No space left on device")

    monkeypatch.setattr(training, "save_model", full)
    folder = _folder(tmp_path / "run")
    with pytest.raises(EngineError, match="No space left") as caught:
        run_pipeline(config, folder, lambda _: None)
    assert "disk space" in caught.value.hint
    assert not list(folder.rglob("model.safetensors"))
