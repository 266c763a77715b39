"""What a run's training and its controls' share: the swap, resuming, models saved whole, progress.

A checkpoint folder holds what an unfinished training needs to go on: the optimiser's state of the
stage at work, and the converted model once attention transfer is done.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from transformers import PreTrainedModel

from engine.configs import KeptLayers, Recipe
from engine.core.saving import saving
from engine.data.dataset import Dataset
from engine.errors import Cancelled
from engine.events import Event, Listener
from engine.evidence.results import FinetuningEnd
from engine.methods import MethodConfig
from engine.models.load import Loaded
from engine.services.artifacts import ConversionRecord, load_converted, save_model
from engine.services.convert import convert
from engine.services.transfer import transfer

CHECKPOINT = "checkpoint"
TRANSFERRED = "transferred"
"""Within a checkpoint folder: the converted model after attention transfer."""


def swapped(
    model: PreTrainedModel, method: MethodConfig, kept: KeptLayers, *, seed: int
) -> PreTrainedModel:
    """The model itself with its attention swapped and nothing trained."""
    convert(model, method, kept, seed=seed)
    return model


def student(
    make: Callable[[], PreTrainedModel], checkpoints: Path, *, device: str
) -> PreTrainedModel:
    """The converted model after attention transfer where that is done, else a fresh one."""
    saved = checkpoints / TRANSFERRED
    return load_converted(saved, device=device).model if saved.is_dir() else make()


def imitate(
    model: PreTrainedModel, original: Loaded, dataset: Dataset, recipe: Recipe,
    record: ConversionRecord, *, seed: int, listen: Listener, checkpoints: Path,
) -> None:  # fmt: skip
    """Attention transfer, in place, and the model saved after it; nothing where that is done.

    Raises:
        Cancelled, NonFiniteLoss: see `transfer`.
        EngineError: the disk is full or cannot be written to.
    """
    if (checkpoints / TRANSFERRED).is_dir():
        return
    transfer(
        model, dataset, recipe, seed=seed, listen=listen, checkpoint=checkpoints / "transfer.pt"
    )
    keep(checkpoints / TRANSFERRED, model, original, record)


def keep(
    folder: Path, model: PreTrainedModel, original: Loaded, record: ConversionRecord | None,
    end: FinetuningEnd | None = None,
) -> None:  # fmt: skip
    """Save a model such that its folder is whole whenever it is there.

    Raises:
        EngineError: the disk is full or cannot be written to.
    """
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    with saving("The model"):
        try:
            save_model(part, model, original.tokenizer, record, end)
            part.replace(folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)


def with_progress(listen: Listener, *, total: int, before: int = 0, part: str = "") -> Listener:
    """Tell the progress after each loss of a training that is part of something longer.

    Args:
        listen: told every event, and a "progress" event after each "loss".
        total: steps of the whole.
        before: steps of the whole that come before this training.
        part: what the progress events call this training; may be empty.
    """

    def heard(event: Event) -> None:
        try:
            listen(event)
        except Cancelled:
            # Training saves when a step's event is refused. Any other event is no safe point: the
            # work goes on until the next that is.
            if event.kind != "loss":
                return
            raise
        if event.kind == "loss":
            values = {"part": part} if part else {}
            done = before + event.step
            listen(replace(event, kind="progress", step=done, total=total, values=values))

    return heard
