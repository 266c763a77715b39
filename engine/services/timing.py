"""The two models as they are timed: each in a fresh process, or both in this one."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from engine.evidence.timed_party import LocalParty, Party
from engine.models.load import Loaded
from engine.services.fresh_process import FreshProcess


@contextmanager
def timed_parties(
    models: list[Loaded], *, ref: str, converted: Path, fresh: bool, device: str,
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
