"""Reading and writing once more while the device's energy counter is read.

Apart from the timing, and each model by itself: counters move every few ms to 0.1 s, which the
short repeats of two models in turn would blur.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from engine.evidence.decode_way import preallocate_from_here, replay_from_here
from engine.evidence.energy import EnergyMeter
from engine.evidence.subject import Subject, timed, using_threads
from engine.evidence.timing_parts import CacheKind

_MOST_PREFILLS = 20


@dataclass(frozen=True)
class EnergyReading:
    """Joules per 1,000 tokens, all inputs together, by the counter named; None where it did not
    move, which no work is so small as to mean, or was started anew meanwhile."""

    source: str
    prefill: float | None
    decode: float | None


def metered(
    subject: Subject, ids: Tensor, steps: int, cache: CacheKind, meter: EnergyMeter,
    least_s: float, *, graphed: bool = False,
) -> EnergyReading | None:  # fmt: skip
    """Whole prefills for about `least_s` seconds, then `steps` decode steps.

    Args:
        subject: the model with its threads chosen; its cache is replaced.
        ids: [B, T] prompt.
        cache: which cache decodes.
        graphed: the decode steps run as a CUDA graph.

    Returns:
        None where the counter could not be read.
    """
    before, spent, prefills = meter.read(), 0.0, 0
    with using_threads(subject.threads["prefill"]):
        while not prefills or (spent < least_s and prefills < _MOST_PREFILLS):
            spent += timed(subject, "prefill", ids, steps)
            prefills += 1
    between = meter.read()
    if graphed:
        replay_from_here(subject, steps)
    elif cache == "static":
        preallocate_from_here(subject, ids, steps)
    start = meter.read()
    with using_threads(subject.threads["decode"]):
        timed(subject, "decode", ids, steps)
    end = meter.read()
    if before is None or between is None or start is None or end is None:
        return None
    rows, tokens = ids.shape
    read, written = meter.joules(before, between), meter.joules(start, end)
    return EnergyReading(
        source=meter.source,
        prefill=1000 * read / (prefills * rows * tokens) if read else None,
        decode=1000 * written / (rows * steps) if written else None,
    )
