"""The strongest way: does a model decode faster with a preallocated cache?

transformers' own cache copies all keys and values at every step; a preallocated one has them
written into place, but is attended to with all the room it has. Which one is quicker depends on
length and machine, so both are tried, for the original and for a converted model that keeps softmax
layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from engine.core.decoding import EagerSteps, InPlaceSteps
from engine.evidence.decode_way import preallocate_from_here
from engine.evidence.subject import Subject, flags_out_of_memory, timed, using_threads


@dataclass
class CacheTry:
    """A preallocated cache after its try, ready to go on from.

    Attributes:
        steps: what takes its decode steps.
        token: the last one written [B, 1].
        seconds: of the try's decode steps, with the best number of threads.
        threads: that number.
        by_threads: the same seconds for each number of threads that was tried.
    """

    steps: EagerSteps | InPlaceSteps
    token: Tensor
    seconds: float
    threads: int
    by_threads: dict[int, float]


def try_static(
    subject: Subject,
    ids: Tensor,
    room: int,
    *,
    warm: int,
    tries: int,
    steps: int,
    candidates: Sequence[int],
) -> CacheTry | None:
    """Decode a little with a preallocated cache; None where there is none or it does not fit.

    Args:
        subject: the model after its own warm-up, left as it is.
        ids: [B, T] prompt.
        room: decode steps to make room for, the try's included.
        warm: untimed steps before.
        tries: readings for each number of threads, of which the best counts.
        steps: decode steps of one reading.
        candidates: numbers of threads to try.
    """
    static = Subject(subject.model, subject.last_position)
    best: dict[int, float] = {}
    with flags_out_of_memory(static):
        if not preallocate_from_here(static, ids, room):
            return None
        static.decode(warm)
        for threads in candidates:
            with using_threads(threads):
                best[threads] = min(timed(static, "decode", ids, steps) for _ in range(tries))
    if static.out_of_memory or static.steps is None:
        return None
    threads = min(best, key=best.__getitem__)
    return CacheTry(static.steps, static.token, best[threads], threads, best)
