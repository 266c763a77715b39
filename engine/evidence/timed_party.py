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

from engine.core.decoding import in_words
from engine.core.state import cache_bytes
from engine.evidence.decode_way import choose_steps
from engine.evidence.memory import NOT_MEASURED, analytic_bytes, peak_memory
from engine.evidence.subject import (
    Phase,
    Subject,
    flags_out_of_memory,
    thread_candidates,
    timed,
    using_threads,
)

# A prefill slower than this is long enough to gain from all threads; trying one would cost time.
_TRY_PREFILL_BELOW_S = 0.3
_TRIES = 2  # of each number of threads; the quicker one counts


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
    """

    repeat_s: float = 0.0
    cache_bytes: int | None = None
    peak_bytes: int | None = None
    peak_source: str = NOT_MEASURED
    threads: dict[Phase, int] = field(default_factory=dict)
    steps: str = ""
    out_of_memory: bool = False


class Party(Protocol):
    """A model under measurement."""

    def formula(self, lengths: Sequence[int]) -> list[int]:
        """Bytes of the cache at each length, from the layers' shapes alone."""
        ...

    def warm_up(self, length: int, decode_tokens: int, last_position: int | None) -> WarmUp:
        """Read `length` random tokens (batch 1), choose the threads, and keep the cache."""
        ...

    def time(self, phase: Phase) -> float | None:
        """Seconds of one prefill, or of `decode_tokens` steps; None when memory ran out."""
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
        self._decode_tokens = 0

    def formula(self, lengths: Sequence[int]) -> list[int]:
        """See `Party`."""
        return [analytic_bytes(self.model, length) for length in lengths]

    @torch.inference_mode()
    def warm_up(self, length: int, decode_tokens: int, last_position: int | None) -> WarmUp:
        """See `Party`."""
        generator = torch.Generator().manual_seed(length)
        vocabulary = self.model.config.get_text_config().vocab_size
        ids = torch.randint(vocabulary, (1, length), generator=generator)
        self._ids, self._decode_tokens = ids.to(self.model.device), decode_tokens
        subject = self._subject = Subject(self.model, last_position)
        repeat_s = 0.0
        with flags_out_of_memory(subject):
            repeat_s = _warm_up(subject, self._ids, decode_tokens)
        return WarmUp(
            repeat_s=repeat_s,
            cache_bytes=subject.cache_bytes,
            peak_bytes=subject.peak_bytes,
            peak_source=subject.peak_source,
            threads=subject.threads,
            steps=in_words(subject.steps.reason) if subject.steps else "",
            out_of_memory=subject.out_of_memory,
        )

    @torch.inference_mode()
    def time(self, phase: Phase) -> float | None:
        """See `Party`."""
        subject = self._subject
        with flags_out_of_memory(subject), using_threads(subject.threads[phase]):
            return timed(subject, phase, self._ids, self._decode_tokens)
        return None

    def free(self) -> int:
        """See `Party`."""
        self._subject.cache = self._subject.steps = None
        return self._subject.reached


def _warm_up(subject: Subject, ids: Tensor, decode_tokens: int) -> float:
    """Read memory, choose the threads, and return the seconds of one repeat of both phases."""
    candidates = thread_candidates(subject.model.device)
    with peak_memory(subject.model.device) as peak:
        seconds = timed(subject, "prefill", ids, decode_tokens)
        assert subject.cache is not None  # the prefill made it
        subject.cache_bytes = cache_bytes(subject.cache)
        subject.decode(2)
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
    return min(tries["prefill"].values()) + 2 * min(tries["decode"].values())
