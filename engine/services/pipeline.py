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
from pathlib import Path

from transformers import PreTrainedModel

from engine.configs import RunConfig
from engine.data.dataset import Dataset
from engine.events import Event, Listener, Stage
from engine.models.load import Loaded
from engine.models.memory import run_device
from engine.services.artifacts import ConversionRecord
from engine.services.compare import compare, run_data
from engine.services.data_checks import (
    data_warnings,
    guessing_warnings,
    leaks_of,
    personal_warnings,
)
from engine.services.finetune import Track, finetune
from engine.services.original import load_original
from engine.services.timings import read_timings, timed
from engine.services.training import CHECKPOINT, imitate, keep, student, swapped, with_progress


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
        record = ConversionRecord(method=config.method, kept=config.kept)

        def fresh() -> PreTrainedModel:
            copied = copy.deepcopy(original.model)
            return swapped(copied, config.method, config.kept, seed=config.seed)

        model = None if done else student(fresh, checkpoints, device=device)
    with _stage("transferring", folder, listen):
        if model is not None:
            heard = with_progress(listen, total=config.recipe.transfer.steps)
            imitate(
                model, original, dataset, config.recipe, record, seed=config.seed, listen=heard,
                checkpoints=checkpoints,
            )  # fmt: skip
    with _stage("fine-tuning", folder, listen):
        steps = config.recipe.finetune.steps
        controlled = config.recipe.train_control and steps > 0

        def train(learner: PreTrainedModel, track: Track) -> None:
            before, total = steps * (track == "control"), steps * (1 + controlled)
            heard = with_progress(listen, before=before, total=total)
            end = finetune(
                learner, original.model, dataset, config.recipe, track=track, seed=config.seed,
                listen=heard, checkpoint=checkpoints / f"{track}.pt",
            )  # fmt: skip
            kept_record = record if track == "converted" else None
            keep(folder / track, learner, original, kept_record, end)

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
