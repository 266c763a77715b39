"""One side of a timing: a model that reads and writes when it is told to, here or elsewhere.

`measure` in `speed.py` drives two of them in turn. `LocalParty` is a model in this process; a
party in a process of its own answers the same calls.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol, TypedDict

from engine.evidence.memory import NOT_MEASURED
from engine.evidence.metering import EnergyReading
from engine.evidence.subject import Phase
from engine.evidence.timing_parts import CacheKind


class Options(TypedDict):
    """What was about as quick as the best, so that each later start chooses anew among it."""

    prefill: list[int]
    """Numbers of threads."""
    decode: dict[CacheKind, list[int]]
    """Numbers of threads, by cache; empty to try everything."""


@dataclass(frozen=True)
class WarmUp:
    """What the warm-up of one model at one length found.

    Attributes:
        repeat_s: seconds that one repeat of both phases will take.
        cache_bytes: exact bytes of the cache after the prefill; None when memory ran out.
        peak_bytes: most memory that prefill and first steps needed; None when it is not known.
        peak_source: what `peak_bytes` was read from.
        threads: CPU threads that each phase will use.
        steps: how the decode steps will run, in words; empty when memory ran out.
        out_of_memory: the length does not fit.
        cache: which cache decodes.
        dynamic_ms: best decode step with the growing cache, ms.
        static_ms: the same with a preallocated one; None where none was tried.
        worth: what a later start shall choose among.
        again_s: seconds that its warm-up will take, about.
    """

    repeat_s: float = 0.0
    cache_bytes: int | None = None
    peak_bytes: int | None = None
    peak_source: str = NOT_MEASURED
    threads: dict[Phase, int] = field(default_factory=dict)
    steps: str = ""
    out_of_memory: bool = False
    cache: CacheKind = "dynamic"
    dynamic_ms: float | None = None
    static_ms: float | None = None
    worth: Options | None = None
    again_s: float = 0.0


class Party(Protocol):
    """A model under measurement."""

    def formula(self, lengths: Sequence[int]) -> list[int]:
        """Bytes of the cache at each length, from the layers' shapes alone."""
        ...

    def warm_up(
        self, length: int, decode_tokens: int, last_position: int | None, batch: int, repeats: int,
        worth: Options | None,
    ) -> WarmUp:  # fmt: skip
        """Read `length` random tokens in each of `batch` rows, choose threads and cache among
        `worth` (None: all), and keep the cache, which has room for `repeats` times `decode_tokens`
        steps."""
        ...

    def time(self, phase: Phase) -> float | None:
        """Seconds of one prefill, or of `decode_tokens` steps; None when memory ran out."""
        ...

    def energy(self) -> EnergyReading | None:
        """Read and write once more with the device's energy counter read; None where it has none.
        Comes after the timing."""
        ...

    def free(self) -> int:
        """Let go of the cache; gives the most tokens of context that a decode step had."""
        ...


Start = Callable[[], AbstractContextManager[tuple[Party, Party]]]
"""Starts both models, the original first, and ends them when the block is left."""
