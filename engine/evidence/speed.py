"""Prefill and decode speed by context length, the two models in turn within each repeat.

Prefill and decode are timed apart, with a warm-up, and with whichever of one or all CPU threads
was quicker in a short try: on few or shared cores, threads that wait for each other can make a
decode step many times slower, for either model. The original decodes with whichever cache was
quicker in another short try, its growing one or one allocated beforehand; so do a converted model's
kept softmax layers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median_low, mode

import numpy as np

from engine.evidence.memory_parts import Memory, MemoryPoint
from engine.evidence.parts import Speed, SpeedPair, SpeedPoint
from engine.evidence.party import Start
from engine.evidence.speed_notes import METHOD, busy, few, strongest, ways
from engine.evidence.subject import PHASES, Phase
from engine.evidence.timed_starts import TIMING_BUDGET_S, Timed, Timing, Timings
from engine.evidence.timing_parts import Baseline, CacheKind, Energy, EnergyPoint

_NAMES = ("original", "converted")


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
    start: Start,
    *,
    context_tokens: Sequence[int],
    decode_tokens: int,
    repeats: int,
    trained_context: int,
    learned_positions: bool,
    own_processes: bool = False,
    batch: int = 1,
    device: str = "cpu",
    budget_s: float = TIMING_BUDGET_S,
    tick: Callable[[float | None], None] = lambda _: None,
) -> tuple[Speed, Memory]:
    """Time both models and read their memory at every context length.

    Args:
        start: starts both models; with `own_processes` several times, the repeats dealt over them.
        context_tokens: lengths in tokens. Learned positions are a hard limit; other models are
            timed beyond their trained context, and flagged.
        decode_tokens: steps of one repeat.
        repeats: wanted, as many as fit `budget_s` seconds of timing in all; the note names lengths
            where they were cut.
        trained_context: in tokens.
        learned_positions: whether that is a hard limit.
        own_processes: every start has processes of its own.
        batch: inputs that are read and continued at once.
        device: where the models run, as torch names it.
        budget_s: s.
        tick: called between timings with the seconds left, None while unknown; may raise to stop.
    """
    limit = trained_context if learned_positions else None
    lengths = lengths_within(context_tokens, limit)
    done = Timing(
        start=start, again=own_processes, lengths=lengths, decode_tokens=decode_tokens,
        repeats=repeats, last_position=limit - 1 if limit else None, batch=batch, device=device,
        budget_s=budget_s, tick=tick,
    ).run()  # fmt: skip
    speed, memory = {}, {}
    for side, name in enumerate(_NAMES):
        points = [(n, pair[side]) for n, pair in zip(lengths, done.points, strict=True)]
        memory[name] = tuple(
            _memory_point(n, subject, batch * formula)
            for (n, subject), formula in zip(points, done.formulas[side], strict=True)
        )
        for phase in PHASES:
            speed[phase, name] = tuple(
                _speed_point(n, subject, phase, (batch, decode_tokens), n > trained_context)
                for n, subject in points
            )
    added = max(s.reached - n for n, pair in zip(lengths, done.points, strict=True) for s in pair)
    where = f", started {done.starts} times, each in a fresh process of its own"
    note = METHOD.format(
        added=max(0, added), where=where if own_processes else " in one process", batch=batch
    )
    if limit and max(context_tokens) > limit:
        note += f" Lengths beyond {limit:,} tokens, the model's last position, are left out."
    if not limit and lengths[-1] > trained_context:
        note += f" Lengths beyond the trained context of {trained_context:,} tokens: timing only."
    pairs = {
        phase: SpeedPair(original=speed[phase, "original"], converted=speed[phase, "converted"])
        for phase in PHASES
    }
    baselines = tuple(_baseline(n, *pair) for n, pair in zip(lengths, done.points, strict=True))
    note += strongest(baselines)
    note += ways(lengths, [(_steps(a), _steps(b)) for a, b in done.points])
    note += few(pairs["decode"], repeats)
    load, gpu_load = _largest(done.loads), _largest(done.gpu_loads)
    note += busy("machine", load)
    if device.startswith("cuda"):
        note += busy("GPU", gpu_load)
    found = Speed(
        **pairs, note=note, other_load=load, device_load=gpu_load, baselines=baselines,
        energy=_energy(lengths, done),
    )  # fmt: skip
    return found, Memory(**memory)


def _largest(loads: Sequence[float | None]) -> float | None:
    return max((load for load in loads if load is not None), default=None)


def _steps(subject: Timed) -> str:
    """How the decode steps ran, at most starts."""
    return mode(found.steps for found in subject.found)


def _baseline(length: int, original: Timed, converted: Timed) -> Baseline:
    first = original.found[0]
    chosen: tuple[CacheKind, ...] = tuple(found.cache for found in original.found)
    return Baseline(
        context_tokens=length, cache=mode(chosen), cache_by_start=chosen,
        dynamic_ms=first.dynamic_ms, static_ms=first.static_ms,
        converted_cache=mode(found.cache for found in converted.found),
    )  # fmt: skip


def _energy(lengths: Sequence[int], done: Timings) -> Energy | None:
    """What the device's counter said; None where it has none."""
    read = [one.energy for pair in done.points for one in pair if one.energy is not None]
    if not read:
        return None
    points = []
    for length, pair in zip(lengths, done.points, strict=True):
        values = {
            f"{name}_{phase}": getattr(one.energy, phase) if one.energy else None
            for name, one in zip(_NAMES, pair, strict=True)
            for phase in PHASES
        }
        points.append(EnergyPoint(context_tokens=length, **values))
    return Energy(source=read[0].source, points=tuple(points))


def _speed_point(
    length: int, subject: Timed, phase: Phase, at_once: tuple[int, int], beyond: bool
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
    threads = tuple(found.threads.get(phase, 1) for found in subject.found)
    return SpeedPoint(
        context_tokens=length,
        tokens_per_s=middle,
        p10=slow,
        p90=fast,
        median_ms=1000 * tokens / middle / steps if middle else None,
        repeats=len(seconds),
        seconds=tuple(seconds),
        starts=() if subject.out_of_memory else tuple(subject.starts[phase]),
        threads=mode(threads),
        threads_by_start=threads,
        beyond_trained_context=beyond,
        out_of_memory=subject.out_of_memory,
    )


def _memory_point(length: int, subject: Timed, formula: int) -> MemoryPoint:
    fits = not subject.out_of_memory
    peaks = [found.peak_bytes for found in subject.found if found.peak_bytes is not None]
    return MemoryPoint(
        context_tokens=length,
        cache_bytes=subject.found[0].cache_bytes if fits else None,
        analytic_bytes=formula,
        peak_bytes=median_low(peaks) if fits and peaks else None,
        peak_source=subject.found[0].peak_source,
    )
