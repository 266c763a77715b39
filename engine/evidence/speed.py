"""Prefill and decode speed by context length, the two models in turn within each repeat.

Prefill and decode are timed apart, batch size 1, with a warm-up, and with whichever of one or all
CPU threads was quicker in a short try: on few or shared cores, threads that wait for each other
can make a decode step many times slower, for either model.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from engine.evidence.idle import other_load
from engine.evidence.parts import Memory, MemoryPoint, Speed, SpeedPair, SpeedPoint
from engine.evidence.savings import WANTED_REPEATS, few_repeats
from engine.evidence.subject import PHASES, Phase
from engine.evidence.timed_party import Party, WarmUp

LEAST_REPEATS = 3
_NAMES = ("original", "converted")
_BUSY = 0.1
"""Other work above this share of the machine is mentioned."""
_METHOD_NOTE = (
    "Batch size 1, random token ids, models interleaved{where}; decode starts from a prefill of "
    "context_tokens and goes on in one cache, up to {added} tokens further at its last timed step."
)


@dataclass
class _Timed:
    """One model at one length: its warm-up and its repeats."""

    party: Party
    found: WarmUp
    seconds: dict[Phase, list[float]] = field(default_factory=lambda: {"prefill": [], "decode": []})
    out_of_memory: bool = False
    reached: int = 0


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


def measure(
    original: Party,
    converted: Party,
    *,
    context_tokens: Sequence[int],
    decode_tokens: int,
    repeats: int,
    trained_context: int,
    learned_positions: bool,
    own_processes: bool = False,
    budget_s: float = 60.0,
    tick: Callable[[], None] = lambda: None,
) -> tuple[Speed, Memory]:
    """Time both models and read their memory at every context length.

    Repeats are as many as fit `budget_s` seconds of timing in all, at least `LEAST_REPEATS` and at
    most `repeats`; the note names lengths where they were cut. `tick` is called
    between timings and may raise to stop. Learned positions are a hard limit; other models are
    timed beyond their trained context, and flagged. `own_processes` is for the note alone.
    """
    limit = trained_context if learned_positions else None
    lengths = lengths_within(context_tokens, limit)
    formulas = [party.formula(lengths) for party in (original, converted)]
    started, results, loads = time.perf_counter(), [], []
    for index, length in enumerate(lengths):
        left = budget_s - (time.perf_counter() - started)
        share = left * length / sum(lengths[index:])
        loads.append(other_load())
        pair = [
            _Timed(party, party.warm_up(length, decode_tokens, limit - 1 if limit else None))
            for party in (original, converted)
        ]
        tick()
        _repeat(pair, repeats, share, tick)
        results.append(pair)
    speed, memory = {}, {}
    for side, name in enumerate(_NAMES):
        points = [(n, pair[side]) for n, pair in zip(lengths, results, strict=True)]
        memory[name] = tuple(
            _memory_point(n, subject, formula)
            for (n, subject), formula in zip(points, formulas[side], strict=True)
        )
        for phase in PHASES:
            speed[phase, name] = tuple(
                _speed_point(n, subject, phase, decode_tokens, n > trained_context)
                for n, subject in points
            )
    added = max(s.reached - n for n, pair in zip(lengths, results, strict=True) for s in pair)
    where = ", each in a fresh process of its own" if own_processes else " in one process"
    note = _METHOD_NOTE.format(added=max(0, added), where=where)
    if limit and max(context_tokens) > limit:
        note += f" Lengths beyond {limit} tokens, the model's last position, are left out."
    if not limit and lengths[-1] > trained_context:
        note += f" Lengths beyond the trained context of {trained_context} tokens: timing only."
    known = [load for load in loads if load is not None]
    pairs = {
        phase: SpeedPair(original=speed[phase, "original"], converted=speed[phase, "converted"])
        for phase in PHASES
    }
    note += _ways(lengths, results) + _few(pairs["decode"], repeats) + _busy(known)
    load = max(known) if known else None
    return Speed(**pairs, note=note, other_load=load), Memory(**memory)


def _ways(lengths: Sequence[int], results: Sequence[list[_Timed]]) -> str:
    """How the decode steps ran: alike for both models and all lengths, or of each model where."""
    ways = {pair[side].found.steps for pair in results for side in (0, 1)} - {""}
    if len(ways) <= 1:
        return f" Decode steps ran {ways.pop()}." if ways else ""

    def of(side: int) -> str:
        where: dict[str, list[str]] = {}
        for length, pair in zip(lengths, results, strict=True):
            if way := pair[side].found.steps:
                where.setdefault(way, []).append(f"{length:,}")
        return ", ".join(f"{way} at {' and '.join(at)}" for way, at in where.items())

    return f" Decode steps ran, original: {of(0)}; converted: {of(1)}."


def _few(pair: SpeedPair, repeats: int) -> str:
    cut = [f"{tokens:,} ({timed})" for tokens, timed in few_repeats(pair, repeats)]
    if cut:
        return f" To save time repeats were cut from {repeats} at lengths {', '.join(cut)}."
    return "" if repeats >= WANTED_REPEATS else f" Only {repeats} repeats were asked for."


def _busy(loads: Sequence[float]) -> str:
    if not loads or max(loads) < _BUSY:
        return ""
    return f" The machine was not idle: other work took up to {100 * max(loads):.0f} % of it."


def _repeat(
    pair: list[_Timed], repeats: int, share_s: float, tick: Callable[[], None]
) -> None:  # fmt: skip
    """Fill in both models' readings at one length, spending about `share_s` seconds."""
    for subject in pair:
        subject.out_of_memory = subject.found.out_of_memory
    cost = sum(subject.found.repeat_s for subject in pair)
    repeats = max(LEAST_REPEATS, min(repeats, int(share_s / max(cost, 1e-9))))
    # Decoding comes first for both: it continues from the warm-up's caches.
    for phase in ("decode", "prefill"):
        for number in range(repeats):
            for subject in pair if number % 2 == 0 else pair[::-1]:
                if subject.out_of_memory:
                    continue
                seconds = subject.party.time(phase)
                if seconds is None:
                    subject.out_of_memory = True
                else:
                    subject.seconds[phase].append(seconds)
            tick()
        for subject in pair:
            subject.reached = max(subject.reached, subject.party.free())


def _speed_point(
    length: int, subject: _Timed, phase: Phase, decode_tokens: int, beyond: bool
) -> SpeedPoint:
    seconds = [] if subject.out_of_memory else subject.seconds[phase]
    tokens = length if phase == "prefill" else decode_tokens
    steps = 1 if phase == "prefill" else decode_tokens
    slow, middle, fast = (
        np.quantile([tokens / s for s in seconds], (0.1, 0.5, 0.9)).tolist()
        if seconds
        else (None, None, None)
    )
    return SpeedPoint(
        context_tokens=length,
        tokens_per_s=middle,
        p10=slow,
        p90=fast,
        median_ms=1000 * tokens / middle / steps if middle else None,
        repeats=len(seconds),
        seconds=tuple(seconds),
        threads=subject.found.threads.get(phase, 1),
        beyond_trained_context=beyond,
        out_of_memory=subject.out_of_memory,
    )


def _memory_point(length: int, subject: _Timed, formula: int) -> MemoryPoint:
    fits = not subject.out_of_memory
    return MemoryPoint(
        context_tokens=length,
        cache_bytes=subject.found.cache_bytes if fits else None,
        analytic_bytes=formula,
        peak_bytes=subject.found.peak_bytes if fits else None,
        peak_source=subject.found.peak_source,
    )
