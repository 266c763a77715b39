"""What a run does with memory, data and disk on its way, on a tiny model."""

from __future__ import annotations

import json
import weakref
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import SafetensorError
from transformers import PreTrainedModel

from engine.configs import FinetuneSettings, RunConfig, TransferSettings
from engine.errors import EngineError
from engine.events import Event
from engine.services import pipeline, training
from engine.services.pipeline import run_pipeline
from tests.support.pipelines import run_folder, tiny_run


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> RunConfig:
    return tiny_run(tmp_path_factory.mktemp("models"))


def test_without_training_only_the_swap_is_compared(config: RunConfig, tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "run")
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
    run_pipeline(config, run_folder(tmp_path / "run"), lambda _: None)
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
        run_pipeline(config, run_folder(tmp_path / "run"), listen)
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
    folder = run_folder(tmp_path / "run")
    with pytest.raises(EngineError, match="No space left") as caught:
        run_pipeline(config, folder, lambda _: None)
    assert "disk space" in caught.value.hint
    assert not list(folder.rglob("model.safetensors"))
