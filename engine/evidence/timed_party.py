"""One side of a timing: a model that reads and writes when it is told to, here or elsewhere.

`measure` in `speed.py` drives two of them in turn. `LocalParty` is a model in this process; a
party in a process of its own answers the same calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor
from transformers import PreTrainedModel

from engine.core.decoding import GraphedSteps, in_words
from engine.core.state import cache_bytes
from engine.evidence.baseline import CacheTry, try_static
from engine.evidence.decode_way import choose_steps
from engine.evidence.energy import energy_meter
from engine.evidence.memory import NOT_MEASURED, analytic_bytes, peak_memory
from engine.evidence.metering import EnergyReading, metered
from engine.evidence.subject import (
    Phase,
    Subject,
    flags_out_of_memory,
    thread_candidates,
    timed,
    using_threads,
)
from engine.evidence.timing_parts import CacheKind

# A prefill slower than this is long enough to gain from all threads; trying one would cost time.
_TRY_PREFILL_BELOW_S = 0.3
_TRIES = 2  # of each number of threads; the quicker one counts
_MEMORY_STEPS = 2  # decode steps that the peak of memory is read over
_METERED_S = 0.5  # of prefills, so that counters which move every 0.1 s say something


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


class Party(Protocol):
    """A model under measurement."""

    def formula(self, lengths: Sequence[int]) -> list[int]:
        """Bytes of the cache at each length, from the layers' shapes alone."""
        ...

    def warm_up(
        self, length: int, decode_tokens: int, last_position: int | None, batch: int, repeats: int
    ) -> WarmUp:
        """Read `length` random tokens in each of `batch` rows, choose threads and cache, and keep
        the cache, which has room for `repeats` times `decode_tokens` steps."""
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


class LocalParty:
    """A model in this process."""

    def __init__(self, model: PreTrainedModel) -> None:
        self.model = model
        self._subject = Subject(model, None)
        self._ids = torch.zeros(1, 0, dtype=torch.long)
        self._decode_tokens = self._steps = 0
        self._cache: CacheKind = "dynamic"
        self._graphed = False

    def formula(self, lengths: Sequence[int]) -> list[int]:
        """See `Party`."""
        return [analytic_bytes(self.model, length) for length in lengths]

    @torch.inference_mode()
    def warm_up(
        self, length: int, decode_tokens: int, last_position: int | None, batch: int, repeats: int
    ) -> WarmUp:
        """See `Party`."""
        generator = torch.Generator().manual_seed(length)
        vocabulary = self.model.config.get_text_config().vocab_size
        ids = torch.randint(vocabulary, (batch, length), generator=generator)
        self._ids, self._decode_tokens = ids.to(self.model.device), decode_tokens
        subject = self._subject = Subject(self.model, last_position)
        candidates = thread_candidates(self.model.device)
        half = max(2, decode_tokens // 2)
        self._steps = _MEMORY_STEPS + _TRIES * half * len(candidates) + repeats * decode_tokens
        dynamic, repeat_s, static = None, 0.0, None
        with flags_out_of_memory(subject):
            repeat_s, dynamic = _warm_up(subject, self._ids, decode_tokens, candidates)
        self._graphed = isinstance(subject.steps, GraphedSteps)
        # A graph writes into preallocated entries, and was quicker than the growing cache.
        self._cache = "static" if self._graphed else "dynamic"
        if dynamic is not None and not self._graphed:
            static = try_static(
                subject, self._ids, self._steps,
                warm=_MEMORY_STEPS, tries=_TRIES, steps=half, candidates=candidates,
            )  # fmt: skip
        if static is not None and dynamic is not None and static.seconds < dynamic:
            self._cache = "static"
            repeat_s += (decode_tokens / half) * (static.seconds - dynamic)
            _adopt(subject, static)
        return WarmUp(
            repeat_s=repeat_s,
            cache_bytes=subject.cache_bytes,
            peak_bytes=subject.peak_bytes,
            peak_source=subject.peak_source,
            threads=subject.threads,
            steps=in_words(subject.steps.reason) if subject.steps else "",
            out_of_memory=subject.out_of_memory,
            cache=self._cache,
            dynamic_ms=None if dynamic is None or self._graphed else 1000 * dynamic / half,
            static_ms=_static_ms(static, dynamic, half, self._graphed),
        )

    @torch.inference_mode()
    def time(self, phase: Phase) -> float | None:
        """See `Party`."""
        subject = self._subject
        with flags_out_of_memory(subject), using_threads(subject.threads[phase]):
            return timed(subject, phase, self._ids, self._decode_tokens)
        return None

    @torch.inference_mode()
    def energy(self) -> EnergyReading | None:
        """See `Party`."""
        meter, subject = energy_meter(self.model.device), self._subject
        if meter is None or subject.out_of_memory:
            return None
        with flags_out_of_memory(subject):
            return metered(
                subject, self._ids, self._steps, self._cache, meter, _METERED_S,
                graphed=self._graphed,
            )  # fmt: skip
        return None

    def free(self) -> int:
        """See `Party`."""
        self._subject.cache = self._subject.steps = None
        return self._subject.reached


def _static_ms(
    static: CacheTry | None, found: float | None, steps: int, graphed: bool
) -> float | None:
    seconds = found if graphed else static.seconds if static is not None else None
    return None if seconds is None else 1000 * seconds / steps


def _adopt(subject: Subject, found: CacheTry) -> None:
    """Decode with the preallocated cache from here on."""
    if subject.steps is not None:
        found.steps.reason = subject.steps.reason
    subject.cache, subject.steps = found.steps.cache, found.steps
    subject.token, subject.position = found.token, found.steps.tokens
    subject.threads["decode"] = found.threads


def _warm_up(
    subject: Subject, ids: Tensor, decode_tokens: int, candidates: Sequence[int]
) -> tuple[float, float]:
    """Read memory and choose the threads; the seconds of one repeat of both phases, and those of
    half a repeat's decode steps."""
    with peak_memory(subject.model.device) as peak:
        seconds = timed(subject, "prefill", ids, decode_tokens)
        assert subject.cache is not None  # the prefill made it
        subject.cache_bytes = cache_bytes(subject.cache)
        subject.decode(_MEMORY_STEPS)
    subject.peak_bytes, subject.peak_source = peak.bytes, peak.source
    choose_steps(subject, ids, decode_tokens)
    tries: dict[Phase, dict[int, float]] = {"prefill": {}, "decode": {}}
    for threads in candidates:
        with using_threads(threads):
            tries["decode"][threads] = min(
                timed(subject, "decode", ids, max(2, decode_tokens // 2)) for _ in range(_TRIES)
            )
    kept = subject.cache, subject.steps, subject.token, subject.position
    for threads in candidates if seconds < _TRY_PREFILL_BELOW_S else candidates[-1:]:
        with using_threads(threads):
            if seconds < _TRY_PREFILL_BELOW_S:
                again = [timed(subject, "prefill", ids, decode_tokens) for _ in range(_TRIES)]
                tries["prefill"][threads] = min(again)
            else:
                tries["prefill"][threads] = seconds
    subject.cache, subject.steps, subject.token, subject.position = kept
    subject.threads = {phase: min(times, key=times.__getitem__) for phase, times in tries.items()}
    half = min(tries["decode"].values())
    return min(tries["prefill"].values()) + 2 * half, half
