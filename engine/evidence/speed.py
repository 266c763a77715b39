"""Prefill and decode speed by context length, the two models in turn within each repeat.

Prefill and decode are timed apart, with a warm-up, and with whichever of one or all CPU threads
was quicker in a short try: on few or shared cores, threads that wait for each other can make a
decode step many times slower, for either model. The original decodes with whichever cache was
quicker in another short try, its growing one or one allocated beforehand.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from engine.evidence.idle import device_load, other_load
from engine.evidence.metering import EnergyReading
from engine.evidence.parts import Memory, MemoryPoint, Speed, SpeedPair, SpeedPoint
from engine.evidence.speed_notes import METHOD, busy, few, strongest, ways
from engine.evidence.subject import PHASES, Phase
from engine.evidence.timed_party import Party, WarmUp
from engine.evidence.timing_parts import Baseline, Energy, EnergyPoint

LEAST_REPEATS = 3
_NAMES = ("original", "converted")


@dataclass
class _Timed:
    """One model at one length: its warm-up and its repeats."""

    party: Party
    found: WarmUp
    seconds: dict[Phase, list[float]] = field(default_factory=lambda: {"prefill": [], "decode": []})
    out_of_memory: bool = False
    reached: int = 0
    energy: EnergyReading | None = None


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
    batch: int = 1,
    device: str = "cpu",
    budget_s: float = 60.0,
    tick: Callable[[], None] = lambda: None,
) -> tuple[Speed, Memory]:
    """Time both models and read their memory at every context length.

    Repeats are as many as fit `budget_s` seconds of timing in all, at least `LEAST_REPEATS` and at
    most `repeats`; the note names lengths where they were cut. `tick` is called
    between timings and may raise to stop. Learned positions are a hard limit; other models are
    timed beyond their trained context, and flagged. `own_processes` is for the note alone. `batch`
    inputs are read and continued at once. `device` is where the models run, as torch names it.
    """
    limit = trained_context if learned_positions else None
    lengths = lengths_within(context_tokens, limit)
    formulas = [party.formula(lengths) for party in (original, converted)]
    started, results, loads = time.perf_counter(), [], []
    gpu_loads: list[float | None] = []
    for index, length in enumerate(lengths):
        left = budget_s - (time.perf_counter() - started)
        share = left * length / sum(lengths[index:])
        loads.append(other_load())
        gpu_loads.append(device_load(torch.device(device)))
        last = limit - 1 if limit else None
        pair = [
            _Timed(party, party.warm_up(length, decode_tokens, last, batch, repeats))
            for party in (original, converted)
        ]
        tick()
        _repeat(pair, repeats, share, tick)
        results.append(pair)
    speed, memory = {}, {}
    for side, name in enumerate(_NAMES):
        points = [(n, pair[side]) for n, pair in zip(lengths, results, strict=True)]
        memory[name] = tuple(
            _memory_point(n, subject, batch * formula)
            for (n, subject), formula in zip(points, formulas[side], strict=True)
        )
        for phase in PHASES:
            speed[phase, name] = tuple(
                _speed_point(n, subject, phase, (batch, decode_tokens), n > trained_context)
                for n, subject in points
            )
    added = max(s.reached - n for n, pair in zip(lengths, results, strict=True) for s in pair)
    where = ", each in a fresh process of its own" if own_processes else " in one process"
    note = METHOD.format(added=max(0, added), where=where, batch=batch)
    if limit and max(context_tokens) > limit:
        note += f" Lengths beyond {limit} tokens, the model's last position, are left out."
    if not limit and lengths[-1] > trained_context:
        note += f" Lengths beyond the trained context of {trained_context} tokens: timing only."
    baselines = tuple(_baseline(n, pair[0].found) for n, pair in zip(lengths, results, strict=True))
    pairs = {
        phase: SpeedPair(original=speed[phase, "original"], converted=speed[phase, "converted"])
        for phase in PHASES
    }
    note += strongest(baselines)
    note += ways(lengths, [(a.found.steps, b.found.steps) for a, b in results])
    note += few(pairs["decode"], repeats)
    load, gpu_load = _largest(loads), _largest(gpu_loads)
    note += busy("machine", load) + busy("GPU", gpu_load)
    found = Speed(
        **pairs, note=note, other_load=load, device_load=gpu_load, baselines=baselines,
        energy=_energy(lengths, results),
    )  # fmt: skip
    return found, Memory(**memory)


def _largest(loads: Sequence[float | None]) -> float | None:
    return max((load for load in loads if load is not None), default=None)


def _baseline(length: int, found: WarmUp) -> Baseline:
    return Baseline(
        context_tokens=length, cache=found.cache,
        dynamic_ms=found.dynamic_ms, static_ms=found.static_ms,
    )  # fmt: skip


def _energy(lengths: Sequence[int], results: Sequence[Sequence[_Timed]]) -> Energy | None:
    """What the device's counter said; None where it has none."""
    read = [one.energy for pair in results for one in pair if one.energy is not None]
    if not read:
        return None
    points = []
    for length, pair in zip(lengths, results, strict=True):
        values = {
            f"{name}_{phase}": getattr(one.energy, phase) if one.energy else None
            for name, one in zip(_NAMES, pair, strict=True)
            for phase in PHASES
        }
        points.append(EnergyPoint(context_tokens=length, **values))
    return Energy(source=read[0].source, points=tuple(points))


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
    for subject in pair:
        if not subject.out_of_memory:
            subject.energy = subject.party.energy()
            subject.party.free()
        tick()


def _speed_point(
    length: int, subject: _Timed, phase: Phase, at_once: tuple[int, int], beyond: bool
) -> SpeedPoint:
    batch, decode_tokens = at_once
    seconds = [] if subject.out_of_memory else subject.seconds[phase]
    tokens = batch * (length if phase == "prefill" else decode_tokens)
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
