"""A dry run: a few steps of everything on the chosen model and data, timed. Nothing is written.

The very functions of a run are called, with its settings; their listener stops the clock at every
step and ends the training after a few.
"""

from __future__ import annotations

import copy
import gc
import resource
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import torch

from engine.configs import RunConfig
from engine.data.batches import batches
from engine.data.dataset import Batch, Dataset, build_dataset
from engine.data.ingest import Corpus, read_for
from engine.data.needles import NeedleProbe
from engine.data.probes import RecallProbe
from engine.errors import Cancelled
from engine.events import Event
from engine.evidence.dry_run import DryRun
from engine.evidence.gates import judged_length, lengths_to_measure
from engine.evidence.quality import score, select_pieces
from engine.evidence.recall import questions
from engine.evidence.speed import lengths_within
from engine.evidence.timed_party import LocalParty
from engine.evidence.timed_starts import REPEATS_PER_START
from engine.models.load import Loaded
from engine.services.asked import Asked, needles_for
from engine.services.convert import convert
from engine.services.data_checks import doubts
from engine.services.finetune import Track, finetune, validation_loss
from engine.services.original import load_original
from engine.services.transfer import transfer

TIMED_STEPS = 2
LONG_STEP_S = 20.0
"""A first step that takes this long is the only one: it counts, though it is the slowest."""
LONGEST_TRIED = 1024
"""Speed is tried at lengths up to here, in tokens, and scaled beyond."""
_TRIED_PIECES = 4

T = TypeVar("T")


class _Enough(Cancelled):
    """Ends a training once enough of its steps were timed."""


@dataclass
class _Stopwatch:
    """Times the steps of a training by its events, and ends it when enough were timed."""

    began: float = field(default_factory=time.perf_counter)
    step_s: list[float] = field(default_factory=list)
    steps: int = 0

    def __call__(self, event: Event) -> None:
        if event.kind != "loss" or event.step == 0:
            self.began = time.perf_counter()
            return
        now = time.perf_counter()
        spent, self.began = now - self.began, now
        self.steps += 1
        # The first step also makes the optimiser's memory and wakes the libraries' threads.
        if self.steps > 1 or spent > LONG_STEP_S or event.total == 1:
            self.step_s.append(spent)
        if len(self.step_s) >= TIMED_STEPS or spent > LONG_STEP_S:
            raise _Enough("Enough steps were timed.", "The dry run goes on.")


def dry_run(config: RunConfig, data: Path, *, device: str, started_s: float) -> DryRun:
    """Take a few steps of every stage of a run and time them.

    Args:
        config: the run's settings.
        data: the file with the text.
        device: where it runs, as torch names it.
        started_s: what it took to start this process.

    Raises:
        EngineError: the model, the data or the settings will not do.
    """
    began = time.perf_counter()
    load_s, original = _timed(
        lambda: load_original(config, device=device, finetune=config.recipe.finetune)
    )
    data_s, (corpus, dataset) = _timed(lambda: _dataset(config, data, original))
    student = copy.deepcopy(original.model)
    layers = len(convert(student, config.method, config.kept, seed=config.seed).layers)
    step_s: dict[str, list[float]] = {"transfer": [], "converted": [], "control": []}
    steps = 0
    few = replace(dataset, validation=dataset.validation[:1])
    if config.recipe.transfer.steps:
        watch = _Stopwatch()
        _until_enough(
            lambda: transfer(student, dataset, config.recipe, seed=config.seed, listen=watch)
        )
        step_s["transfer"], steps = watch.step_s, steps + watch.steps
    tracks: list[Track] = ["converted"]
    if config.recipe.train_control:
        tracks.append("control")
    for track in tracks if config.recipe.finetune.steps else ():
        model = student if track == "converted" else copy.deepcopy(original.model)
        watch = _Stopwatch()
        _until_enough(lambda model=model, track=track, watch=watch: finetune(
            model, original.model, few, config.recipe, track=track, seed=config.seed, listen=watch
        ))  # fmt: skip
        step_s[track], steps = watch.step_s, steps + watch.steps
    gc.collect()
    models = (original.model, student)
    count, validation = _validation(config, dataset)
    pieces = select_pieces(dataset.heldout, config.comparison.heldout_tokens)
    tried = pieces[:_TRIED_PIECES]
    tokens = sum(len(piece.ids) for piece in tried)
    scores = [_timed(lambda model=model: score(model, tried))[0] / tokens for model in models]
    checked = [
        _timed(lambda model=model: validation_loss(model, validation))[0] / len(validation)
        for model in models
    ]
    questions_s, (probes, note) = _timed(lambda: questions(
        original.tokenizer, context_tokens=original.context_tokens,
        per_distance=config.comparison.probes_per_distance, seed=config.data_seed,
    ))  # fmt: skip
    needles_s, needles = _timed(
        lambda: needles_for(original, config.comparison.needles_per_cell, config.data_seed)
    )
    warnings = doubts(
        corpus, dataset, original, probes, note, tokens_per_step=config.recipe.tokens_per_step
    )
    asked = Asked(config, config.comparison, corpus, dataset, original)
    parties = [LocalParty(model) for model in models]
    speed = _speed(parties, config, original)
    return DryRun(
        model=config.model,
        method=config.method.name,
        device=device,
        parameters=sum(p.numel() for p in original.model.parameters()),
        layers=original.model.config.get_text_config(decoder=True).num_hidden_layers,
        converted_layers=layers,
        started_s=started_s,
        load_s=load_s,
        data_s=data_s,
        train_tokens=sum(len(piece.ids) for piece in dataset.train),
        transfer_step_s=tuple(step_s["transfer"]),
        finetune_step_s=tuple(step_s["converted"]),
        control_step_s=tuple(step_s["control"]),
        validation_s=(checked[0], checked[1]),
        validation_batches=count,
        scored_tokens=sum(len(piece.ids) for piece in pieces),
        score_token_s=(scores[0], scores[1]),
        question_tokens=_tokens(probes),
        needle_tokens=_tokens(needles),
        mqar_tokens=asked.mqar_tokens,
        task_tokens=asked.task_tokens,
        questions_s=questions_s + needles_s,
        decode_token_s=speed.decode_token_s,
        lengths=speed.lengths,
        warm_up_s=speed.warm_up_s,
        repeat_s=speed.repeat_s,
        peak_bytes=_peak_bytes(device),
        steps=steps,
        took_s=time.perf_counter() - began,
        warnings=warnings,
    )


def _tokens(probes: Sequence[RecallProbe | NeedleProbe]) -> int:
    return sum(len(probe.input_ids) + len(probe.answer_ids) for probe in probes)


def _timed(work: Callable[[], T]) -> tuple[float, T]:
    began = time.perf_counter()
    found = work()
    return time.perf_counter() - began, found


def _until_enough(work: Callable[[], object]) -> None:
    """Train until the stopwatch ends it, or to the recipe's own end."""
    with suppress(_Enough):
        work()


def _dataset(config: RunConfig, data: Path, original: Loaded) -> tuple[Corpus, Dataset]:
    corpus = read_for(config, data)
    most = min(config.recipe.max_tokens, original.context_tokens)
    dataset = build_dataset(corpus, original.tokenizer, max_tokens=most, seed=config.data_seed)
    return corpus, dataset


def _validation(config: RunConfig, dataset: Dataset) -> tuple[int, list[Batch]]:
    """How many batches a reading has, and its first one or two."""
    scored = batches(
        dataset.validation, tokens_per_step=config.recipe.tokens_per_step, accumulation=1, seed=0
    )
    few = range(min(2, scored.steps_per_epoch))
    return scored.steps_per_epoch, [batch for step in few for batch in scored(step)]


@dataclass(frozen=True)
class _Speed:
    lengths: tuple[int, ...]
    decode_token_s: tuple[float, float]
    warm_up_s: dict[int, float]
    repeat_s: dict[int, float]


def _speed(parties: Sequence[LocalParty], config: RunConfig, original: Loaded) -> _Speed:
    """Warm-ups and repeats as the comparison does them, at its shorter lengths."""
    settings = config.comparison
    judged = judged_length(config, original.context_tokens)
    context = original.context_tokens if original.learned_positions else None
    lengths = lengths_within(lengths_to_measure(settings.context_tokens, config, judged), context)
    tried = [length for length in lengths if length <= LONGEST_TRIED] or lengths[:1]
    tried = sorted({tried[0], tried[-1]})
    warm_s: dict[int, float] = {}
    repeat_s: dict[int, float] = {}
    decode_s = [0.0, 0.0]
    for length in tried:
        warm_s[length] = repeat_s[length] = 0.0
        for side, party in enumerate(parties):
            spent, found = _timed(
                lambda party=party, length=length: party.warm_up(
                    length, settings.decode_tokens, context - 1 if context else None, 1,
                    REPEATS_PER_START,
                )
            )
            warm_s[length] += spent
            repeat_s[length] += found.repeat_s
            decode_s[side] = (party.time("decode") or 0.0) / settings.decode_tokens
            party.free()
    return _Speed(tuple(lengths), (decode_s[0], decode_s[1]), warm_s, repeat_s)


def _peak_bytes(device: str) -> int:
    """Most memory that this process had: on a GPU PyTorch's own count, else resident memory."""
    if device.startswith("cuda"):
        return torch.cuda.max_memory_reserved(device)
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
