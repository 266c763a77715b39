"""A model in this process that reads and writes when it is told to, to be timed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import nullcontext

import torch
from torch import Tensor
from transformers import PreTrainedModel

from engine.core.decoding import GraphedSteps, in_words
from engine.core.state import cache_bytes
from engine.evidence.baseline import CacheTry, try_static
from engine.evidence.decode_way import choose_steps
from engine.evidence.energy import energy_meter
from engine.evidence.memory import analytic_bytes, peak_memory
from engine.evidence.metering import EnergyReading, metered
from engine.evidence.party import Options, Start, WarmUp
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
_TRIES = 2  # of each number of threads at the first start, one at each later; the quickest counts
_MEMORY_STEPS = 2  # decode steps that the peak of memory is read over
_METERED_S = 0.5  # of prefills, so that counters which move every 0.1 s say something
_METERED_STEPS = 192
WORTH_TRYING = 1.3
"""What took longer than the best by more than this factor at the first start is not tried again:
two readings are not wrong by so much."""


def in_this_process(original: PreTrainedModel, converted: PreTrainedModel) -> Start:
    """Both models as they are, here: a start that can be made once."""
    return lambda: nullcontext((LocalParty(original), LocalParty(converted)))


class LocalParty:
    """A `Party` in this process."""

    def __init__(self, model: PreTrainedModel) -> None:
        self.model = model
        self._subject = Subject(model, None)
        self._ids = torch.zeros(1, 0, dtype=torch.long)
        self._decode_tokens = 0
        self._cache: CacheKind = "dynamic"
        self._graphed = False

    def formula(self, lengths: Sequence[int]) -> list[int]:
        """See `Party`."""
        return [analytic_bytes(self.model, length) for length in lengths]

    @torch.inference_mode()
    def warm_up(
        self, length: int, decode_tokens: int, last_position: int | None, batch: int, repeats: int,
        worth: Options | None = None,
    ) -> WarmUp:  # fmt: skip
        """See `Party`."""
        generator = torch.Generator().manual_seed(length)
        vocabulary = self.model.config.get_text_config().vocab_size
        ids = torch.randint(vocabulary, (batch, length), generator=generator)
        self._ids, self._decode_tokens = ids.to(self.model.device), decode_tokens
        subject = self._subject = Subject(self.model, last_position)
        threads = list(thread_candidates(self.model.device))
        tries, half = 1 if worth else _TRIES, max(2, decode_tokens // 2)
        # At every start the same, since a preallocated cache attends over all its room.
        room = _MEMORY_STEPS + _TRIES * half * len(threads) + repeats * decode_tokens
        options = worth["decode"] if worth and worth["decode"] else None
        prefills, growing, static = {}, {}, None
        with flags_out_of_memory(subject):
            growing, prefills = _warm_up(
                subject, self._ids, decode_tokens, tries,
                options.get("dynamic", []) if options else threads,
                worth["prefill"] if worth else threads,
            )  # fmt: skip
        self._graphed = isinstance(subject.steps, GraphedSteps)
        # A graph writes into preallocated entries, and was quicker than the growing cache.
        self._cache = "static" if self._graphed else "dynamic"
        wanted = options.get("static", []) if options else threads
        if prefills and wanted and not self._graphed:
            static = try_static(
                subject, self._ids, room,
                warm=_MEMORY_STEPS, tries=tries, steps=half, candidates=wanted,
            )  # fmt: skip
        dynamic = min(growing.values(), default=math.inf)
        if static is not None and static.seconds < dynamic:
            self._cache = "static"
            _adopt(subject, static)
        best = min([*growing.values(), *(static.by_threads.values() if static else ())], default=0)
        again = _worth_trying(prefills, growing, static, best, graphed=self._graphed)
        reading = min(prefills.values(), default=0.0)
        return WarmUp(
            repeat_s=reading + decode_tokens / half * best if prefills else 0.0,
            cache_bytes=subject.cache_bytes,
            peak_bytes=subject.peak_bytes,
            peak_source=subject.peak_source,
            threads=subject.threads,
            steps=in_words(subject.steps.reason) if subject.steps else "",
            out_of_memory=subject.out_of_memory,
            cache=self._cache,
            dynamic_ms=None if self._graphed or dynamic == math.inf else 1000 * dynamic / half,
            static_ms=_static_ms(static, growing, half, self._graphed),
            worth=again,
            again_s=reading * (len(again["decode"]) + len(again["prefill"])) + 2 * best
            if prefills else 0.0,
        )  # fmt: skip

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
                subject, self._ids, _METERED_STEPS, self._cache, meter, _METERED_S,
                graphed=self._graphed,
            )  # fmt: skip
        return None

    def free(self) -> int:
        """See `Party`."""
        self._subject.cache = self._subject.steps = None
        return self._subject.reached


def _static_ms(
    static: CacheTry | None, growing: dict[int, float], steps: int, graphed: bool
) -> float | None:
    if graphed:
        return 1000 * min(growing.values()) / steps
    return None if static is None else 1000 * static.seconds / steps


def _worth_trying(
    prefills: dict[int, float], growing: dict[int, float], static: CacheTry | None, best: float,
    *, graphed: bool,
) -> Options:  # fmt: skip
    """What took hardly longer than the best: seconds by threads, of each phase and cache."""
    quickest = min(prefills.values(), default=0.0)
    prefill = [n for n, seconds in prefills.items() if seconds <= WORTH_TRYING * quickest]
    tried: dict[CacheKind, dict[int, float]] = {"dynamic": growing}
    if static is not None:
        tried["static"] = static.by_threads
    decode: dict[CacheKind, list[int]] = {}
    for cache, readings in () if graphed else tried.items():
        close = [n for n, seconds in readings.items() if seconds <= WORTH_TRYING * best]
        if close:
            decode[cache] = close
    return {"prefill": prefill, "decode": decode}


def _adopt(subject: Subject, found: CacheTry) -> None:
    """Decode with the preallocated cache from here on."""
    if subject.steps is not None:
        found.steps.reason = subject.steps.reason
    subject.cache, subject.steps = found.steps.cache, found.steps
    subject.token, subject.position = found.token, found.steps.tokens
    subject.threads["decode"] = found.threads


def _warm_up(
    subject: Subject, ids: Tensor, decode_tokens: int, tries: int,
    for_decode: Sequence[int], for_prefill: Sequence[int],
) -> tuple[dict[int, float], dict[int, float]]:  # fmt: skip
    """Read memory and choose the threads.

    Returns:
        Seconds of half a repeat's decode steps with the growing cache, and of a prefill, by number
        of threads.
    """
    with peak_memory(subject.model.device) as peak:
        seconds = timed(subject, "prefill", ids, decode_tokens)
        assert subject.cache is not None  # the prefill made it
        subject.cache_bytes = cache_bytes(subject.cache)
        subject.decode(_MEMORY_STEPS)
    subject.peak_bytes, subject.peak_source = peak.bytes, peak.source
    choose_steps(subject, ids, decode_tokens)
    decode, prefill = {}, {}
    for threads in for_decode:
        with using_threads(threads):
            decode[threads] = min(
                timed(subject, "decode", ids, max(2, decode_tokens // 2)) for _ in range(tries)
            )
    kept = subject.cache, subject.steps, subject.token, subject.position
    if seconds >= _TRY_PREFILL_BELOW_S or len(for_prefill) == 1:
        prefill[for_prefill[-1]] = seconds
    else:
        for threads in for_prefill:
            with using_threads(threads):
                prefill[threads] = min(
                    timed(subject, "prefill", ids, decode_tokens) for _ in range(tries)
                )
    subject.cache, subject.steps, subject.token, subject.position = kept
    subject.threads["prefill"] = min(prefill, key=prefill.__getitem__)
    # None where only the preallocated cache is worth trying, which then chooses.
    subject.threads["decode"] = min(decode, key=decode.__getitem__, default=for_prefill[-1])
    return decode, prefill
