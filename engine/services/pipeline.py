"""One run from its frozen settings to its comparison, stage by stage, resumable at any point.

A stage's result is a whole folder, put in place by a rename; what is there is not done again, and
an unfinished stage goes on from its own checkpoint.
"""

from __future__ import annotations

import copy
import gc
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from transformers import PreTrainedModel

from engine.configs import RunConfig
from engine.core.saving import saving
from engine.data.dataset import Dataset
from engine.errors import Cancelled
from engine.events import Event, Listener, Stage
from engine.evidence.results import FinetuningEnd
from engine.models.load import Loaded
from engine.models.memory import run_device
from engine.services.artifacts import ConversionRecord, load_converted, save_model
from engine.services.compare import compare, run_data
from engine.services.convert import convert
from engine.services.data_checks import (
    data_warnings,
    guessing_warnings,
    leaks_of,
    personal_warnings,
)
from engine.services.finetune import Track, finetune
from engine.services.original import load_original
from engine.services.timings import read_timings, timed
from engine.services.transfer import transfer

CHECKPOINT = "checkpoint"
TRANSFERRED = "transferred"
"""Within the checkpoint folder: the converted model after attention transfer."""


def run_pipeline(
    config: RunConfig, folder: Path, listen: Listener, *, recorded_sha256: str | None = None
) -> None:
    """Prepare, transfer, fine-tune and compare; leaves converted/, control/ and comparison.json.

    Args:
        config: the run's settings.
        folder: the run's folder, with the data in data/.
        listen: told everything that happens. If it raises `Cancelled`, the work is saved first.
        recorded_sha256: the seal of the gates in the run's first event, where there is one.

    Raises:
        OriginalChanged: the original is not the one that the run was created with.
        EngineError: the model, the data or the training will not do.
        Cancelled: `listen` asked to stop; a later call goes on from there.
    """
    device = run_device()
    _train(config, folder, listen, device)
    with _stage("comparing", folder, listen):
        # Of an interrupted comparison nothing is kept, so neither is its time.
        earlier = {stage: s for stage, s in read_timings(folder).items() if stage != "comparing"}
        compare(
            folder, config, config.comparison, listen, device=device, timing=earlier,
            recorded_sha256=recorded_sha256,
        )  # fmt: skip
        shutil.rmtree(folder / CHECKPOINT, ignore_errors=True)


def _train(config: RunConfig, folder: Path, listen: Listener, device: str) -> None:
    """All before the comparison, which loads what it measures: no model outlives this function."""
    checkpoints = folder / CHECKPOINT
    with _stage("preparing", folder, listen):
        original = load_original(config, device=device, finetune=config.recipe.finetune)
        dataset = _prepare_data(config, folder, original, listen)
        done = (folder / "converted").is_dir()
        model = None if done else _model_to_train(config, folder, original)
        record = ConversionRecord(method=config.method, kept=config.kept)
    with _stage("transferring", folder, listen):
        transferred = checkpoints / TRANSFERRED
        if model is not None and not transferred.is_dir():
            transfer(
                model, dataset, config.recipe, seed=config.seed,
                listen=_with_progress(listen), checkpoint=checkpoints / "transfer.pt",
            )  # fmt: skip
            _keep(transferred, model, original, record)
    with _stage("fine-tuning", folder, listen):
        controlled = config.recipe.train_control and config.recipe.finetune.steps > 0

        def train(student: PreTrainedModel, track: Track) -> None:
            heard = _with_progress(listen, int(track == "control"), 1 + controlled)
            end = finetune(
                student, original.model, dataset, config.recipe, track=track, seed=config.seed,
                listen=heard, checkpoint=checkpoints / f"{track}.pt",
            )  # fmt: skip
            kept_record = record if track == "converted" else None
            _keep(folder / track, student, original, kept_record, end)

        if model is not None:
            train(model, "converted")
        # The control's training needs the memory; the reported sum (`run_bytes`) counts on it.
        model = None
        gc.collect()
        if controlled and not (folder / "control").is_dir():
            train(copy.deepcopy(original.model), "control")


@contextmanager
def _stage(stage: Stage, folder: Path, listen: Listener) -> Iterator[None]:
    """Announce a stage and time it."""
    listen(Event("stage", stage))
    with timed(stage, folder):
        yield


def _prepare_data(
    config: RunConfig, folder: Path, original: Loaded, listen: Listener
) -> Dataset:
    """The run's data set, with what was found told to the listener."""
    corpus, dataset = run_data(folder, config, original)
    tokens = {name: counts.tokens for name, counts in dataset.counts.items()}
    removed = corpus.duplicates + dataset.near_duplicates
    facts = [
        f"{corpus.name}: {len(corpus.documents):,} documents ({corpus.encoding});"
        f" {tokens['train']:,} tokens to train on, {tokens['validation']:,} to validate on,"
        f" {tokens['heldout']:,} held out; {removed:,} duplicates removed.",
        *corpus.notes,
    ]
    for text in facts:
        listen(Event("note", "preparing", values={"text": text}))
    found = data_warnings(corpus, dataset, leaks_of(corpus, dataset)) + personal_warnings(corpus)
    found += guessing_warnings(
        original.model, dataset, tokens_per_step=config.recipe.tokens_per_step
    )
    for text in found:
        listen(Event("warning", "preparing", values={"text": text}))
    return dataset


def _model_to_train(config: RunConfig, folder: Path, original: Loaded) -> PreTrainedModel:
    """The converted model after attention transfer where that is done, else freshly swapped."""
    saved = folder / CHECKPOINT / TRANSFERRED
    if saved.is_dir():
        return load_converted(saved, device=str(original.model.device)).model
    model = copy.deepcopy(original.model)
    convert(model, config.method, config.kept, seed=config.seed)
    return model


def _keep(
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


def _with_progress(listen: Listener, place: int = 0, of: int = 1) -> Listener:
    """Tell the progress within the stage after each loss, where `of` trainings share the stage."""

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
            done = place * event.total + event.step
            listen(replace(event, kind="progress", step=done, total=of * event.total, values={}))

    return heard
