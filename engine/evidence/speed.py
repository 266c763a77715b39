"""Prefill and decode speed by context length, the two models interleaved in one process.

Prefill and decode are timed apart, batch size 1, with a warm-up, and with whichever of one or all
CPU threads was quicker in a short try: on few or shared cores, threads that wait for each other
can make a decode step many times slower, for either model.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from transformers import PreTrainedModel

from engine.core.state import cache_bytes
from engine.evidence.memory import analytic_bytes, peak_memory
from engine.evidence.parts import Memory, MemoryPoint, Speed, SpeedPair, SpeedPoint
from engine.evidence.subject import (
    PHASES,
    Phase,
    Subject,
    flags_out_of_memory,
    thread_candidates,
    timed,
    using_threads,
)

LEAST_REPEATS = 3
_NAMES = ("original", "converted")
# A prefill slower than this is long enough to gain from all threads; trying one would cost time.
_TRY_PREFILL_BELOW_S = 0.3
_METHOD_NOTE = (
    "Batch size 1, random token ids, models interleaved; decode starts from a prefill of "
    "context_tokens and goes on in one cache, up to {added} tokens further at its last timed step."
)


def lengths_within(requested: Sequence[int], limit: int | None) -> list[int]:
    """The context lengths to measure: as requested, but inside a hard limit where there is one.

    Where the limit cuts some off, the limit itself takes their place, with its half and quarter
    where fewer than three lengths would be left.
    """
    lengths = sorted(set(requested))
    if limit is None or lengths[-1] <= limit:
        return lengths
    kept = {length for length in lengths if length <= limit} | {limit}
    if len(kept) < 3:
        kept |= {limit // 2, limit // 4}
    return sorted(length for length in kept if length > 0)


@torch.inference_mode()
def measure(
    original: PreTrainedModel,
    converted: PreTrainedModel,
    *,
    context_tokens: Sequence[int],
    decode_tokens: int,
    repeats: int,
    trained_context: int,
    learned_positions: bool,
    budget_s: float = 40.0,
    tick: Callable[[], None] = lambda: None,
) -> tuple[Speed, Memory]:
    """Time both models and read their memory at every context length.

    Repeats are as many as fit `budget_s` seconds of timing in all, at least `LEAST_REPEATS` and at
    most `repeats`. `tick` is called between timings and may raise to stop. Learned positions are
    a hard limit; other models are timed beyond their trained context, and flagged.
    """
    limit = trained_context if learned_positions else None
    lengths = lengths_within(context_tokens, limit)
    started, results = time.perf_counter(), []
    for index, length in enumerate(lengths):
        left = budget_s - (time.perf_counter() - started)
        share = left * length / sum(lengths[index:])
        pair = [Subject(m, limit - 1 if limit else None) for m in (original, converted)]
        _measure_length(pair, length, decode_tokens, repeats, share, tick)
        results.append(pair)
    speed, memory = {}, {}
    for side, name in enumerate(_NAMES):
        points = [(n, pair[side]) for n, pair in zip(lengths, results, strict=True)]
        memory[name] = tuple(_memory_point(n, subject) for n, subject in points)
        for phase in PHASES:
            speed[phase, name] = tuple(
                _speed_point(n, subject, phase, decode_tokens, n > trained_context)
                for n, subject in points
            )
    added = max(s.reached - n for n, pair in zip(lengths, results, strict=True) for s in pair)
    note = _METHOD_NOTE.format(added=max(0, added))
    if limit and max(context_tokens) > limit:
        note += f" Lengths beyond {limit} tokens, the model's last position, are left out."
    if not limit and lengths[-1] > trained_context:
        note += f" Lengths beyond the trained context of {trained_context} tokens: timing only."
    pairs = {
        phase: SpeedPair(original=speed[phase, "original"], converted=speed[phase, "converted"])
        for phase in PHASES
    }
    return Speed(**pairs, note=note), Memory(**memory)


def _measure_length(
    pair: list[Subject],
    length: int,
    decode_tokens: int,
    repeats: int,
    share_s: float,
    tick: Callable[[], None],
) -> None:
    """Fill in both subjects' readings at one length, spending about `share_s` seconds."""
    generator = torch.Generator().manual_seed(length)
    vocabulary = pair[0].model.config.get_text_config().vocab_size
    ids = torch.randint(vocabulary, (1, length), generator=generator).to(pair[0].model.device)
    cost = 0.0
    for subject in pair:
        with flags_out_of_memory(subject):
            cost += _warm_up(subject, ids, decode_tokens)
        tick()
    repeats = max(LEAST_REPEATS, min(repeats, int(share_s / max(cost, 1e-9))))
    # Decoding comes first for both: it continues from the warm-up's caches.
    for phase in ("decode", "prefill"):
        for number in range(repeats):
            for subject in pair if number % 2 == 0 else pair[::-1]:
                if not subject.out_of_memory:
                    with flags_out_of_memory(subject), using_threads(subject.threads[phase]):
                        seconds = timed(subject, phase, ids, decode_tokens)
                        subject.seconds[phase].append(seconds)
                tick()
        for subject in pair:
            subject.cache = None


def _warm_up(subject: Subject, ids: Tensor, decode_tokens: int) -> float:
    """Read memory, choose the threads, and return the seconds that one repeat of both phases
    will take."""
    candidates = thread_candidates(subject.model.device)
    with peak_memory(subject.model.device) as peak:
        seconds = timed(subject, "prefill", ids, decode_tokens)
        assert subject.cache is not None  # the prefill made it
        subject.cache_bytes = cache_bytes(subject.cache)
        subject.decode(2)
    subject.peak_bytes, subject.peak_source = peak.bytes, peak.source
    tries: dict[Phase, dict[int, float]] = {"prefill": {}, "decode": {}}
    for threads in candidates:
        with using_threads(threads):
            tries["decode"][threads] = timed(subject, "decode", ids, max(2, decode_tokens // 2))
    cache, token, position = subject.cache, subject.token, subject.position
    for threads in candidates if seconds < _TRY_PREFILL_BELOW_S else candidates[-1:]:
        with using_threads(threads):
            if seconds < _TRY_PREFILL_BELOW_S:
                seconds = timed(subject, "prefill", ids, decode_tokens)
            tries["prefill"][threads] = seconds
    subject.cache, subject.token, subject.position = cache, token, position
    subject.threads = {phase: min(times, key=times.__getitem__) for phase, times in tries.items()}
    return min(tries["prefill"].values()) + 2 * min(tries["decode"].values())


def _speed_point(
    length: int, subject: Subject, phase: Phase, decode_tokens: int, beyond: bool
) -> SpeedPoint:
    seconds = [] if subject.out_of_memory else subject.seconds[phase]
    tokens = length if phase == "prefill" else decode_tokens
    rates = torch.tensor([tokens / s for s in seconds], dtype=torch.float64)
    steps = 1 if phase == "prefill" else decode_tokens
    slow, middle, fast = ((float(rates.quantile(q)) if seconds else None) for q in (0.1, 0.5, 0.9))
    return SpeedPoint(
        context_tokens=length,
        tokens_per_s=middle,
        p10=slow,
        p90=fast,
        median_ms=1000 * tokens / middle / steps if middle else None,
        repeats=len(seconds),
        seconds=tuple(seconds),
        threads=subject.threads.get(phase) or torch.get_num_threads(),
        beyond_trained_context=beyond,
        out_of_memory=subject.out_of_memory,
    )


def _memory_point(length: int, subject: Subject) -> MemoryPoint:
    return MemoryPoint(
        context_tokens=length,
        cache_bytes=subject.cache_bytes,
        analytic_bytes=analytic_bytes(subject.model, length),
        peak_bytes=subject.peak_bytes,
        peak_source=subject.peak_source,
    )
