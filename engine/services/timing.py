"""The two models as they are timed: each in a fresh process, or both in this one; and every batch
size asked for."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import torch

from engine.configs import ComparisonSettings, RunConfig
from engine.evidence.batch_parts import BatchTiming
from engine.evidence.memory_parts import Memory
from engine.evidence.parts import Speed
from engine.evidence.party import Party
from engine.evidence.speed import measure
from engine.evidence.timed_party import LocalParty
from engine.models.load import Loaded
from engine.services.fresh_process import FreshProcess


@contextmanager
def timed_parties(
    models: list[Loaded],
    *,
    ref: str,
    converted: Path,
    fresh: bool,
    device: str,
    revision: str | None = None,
) -> Iterator[tuple[Party, Party]]:
    """The original and the converted model, ready to be timed.

    Args:
        models: both, loaded; emptied with `fresh`, so that their memory is free for the processes
            if the caller holds them nowhere else.
        ref: what the original is loaded from.
        converted: folder of the converted model.
        fresh: each in a process of its own.
        device: where they run, as torch names it.
        revision: commit of the original, where it comes from the Hub.

    Raises:
        EngineError: a process could not load its model.
    """
    if not fresh:
        original, changed = models
        yield LocalParty(original.model), LocalParty(changed.model)
        return
    models.clear()
    gc.collect()
    if device.startswith("cuda"):
        torch.cuda.empty_cache()
    with (
        FreshProcess(ref, device=device, revision=revision) as first,
        FreshProcess(str(converted), device=device) as second,
    ):
        first.ready()
        second.ready()
        yield first, second


def time_models(
    models: list[Loaded],
    config: RunConfig,
    settings: ComparisonSettings,
    *,
    converted: Path,
    lengths: Sequence[int],
    device: str,
    tick: Callable[[float | None], None],
) -> tuple[Speed, Memory, tuple[BatchTiming, ...]]:
    """Speed and memory of both models at batch size 1, and at the others asked for.

    Each size has processes of its own where they are fresh: one that the system ended for want of
    memory says nothing about smaller work.

    Args:
        models: both; emptied where processes are fresh.
        config, settings: the run's, and what to measure.
        converted: folder of the converted model.
        lengths: context lengths in tokens.
        device: where they run, as torch names it.
        tick: called between timings with the seconds left, None while unknown; may raise to stop.

    Raises:
        EngineError: a process could not load its model.
    """
    context, learned = models[0].context_tokens, models[0].learned_positions
    found: dict[int, tuple[Speed, Memory]] = {}
    sizes = sorted({1, *settings.batch_sizes})
    for batch in sizes:
        start = partial(
            timed_parties, models, ref=config.model, revision=config.revision, converted=converted,
            fresh=settings.fresh_processes, device=device,
        )  # fmt: skip
        found[batch] = measure(
            start, context_tokens=lengths, decode_tokens=settings.decode_tokens,
            repeats=settings.repeats, trained_context=context, learned_positions=learned,
            own_processes=settings.fresh_processes, batch=batch, device=device,
            # What is left of one size is not all that is left while others are to come.
            tick=tick if batch == sizes[-1] else lambda _: tick(None),
        )  # fmt: skip
    speed, memory = found.pop(1)
    batches = tuple(
        BatchTiming(batch_size=batch, speed=one, memory=kept)
        for batch, (one, kept) in found.items()
    )
    return speed, memory, batches
