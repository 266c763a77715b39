"""The gates on what a conversion saves: speed, memory and the cost of a document."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from statistics import fmean, geometric_mean
from typing import TYPE_CHECKING, Literal, NamedTuple

from engine.evidence.memory_parts import Memory
from engine.evidence.parts import Speed, SpeedPair, SpeedPoint
from engine.evidence.roi import document_times
from engine.evidence.stats import Interval, mean_interval
from engine.evidence.verdict import (
    FEWEST,
    GateVerdict,
    Reason,
    Unit,
    Word,
    by_ratio,
    on_condition,
)

if TYPE_CHECKING:  # torch comes with it
    from engine.configs import AcceptanceGates

WANTED_REPEATS = 10
"""Timing repeats from which an interval deserves trust; fewer are told."""
SAME_SPEED = 0.02
"""Ratios of speeds within 2 % of one are called about the same: repeats differ by as much."""
PEAK_ERROR_BYTES = 8 * 2**20
"""Peaks are good to a few MiB (docs/comparison-schema.md): smaller differences say nothing."""

Side = Literal["faster", "slower", "same", "open"]
"""What a ratio of speeds shows of the converted model; "open": no difference is shown."""


def speed(speed: Speed, gates: AcceptanceGates, length: int) -> GateVerdict | None:
    """Decode speed at the user's length, and whether shorter or longer inputs are slower."""
    limit = gates.decode_speedup
    if limit is None:
        return None
    told = partial(GateVerdict, gate="speed", limit=limit, unit="repeats", context_tokens=length)
    ratios: dict[int, Interval] = {}
    for mine, theirs in zip(speed.decode.converted, speed.decode.original):
        if mine.context_tokens == length and mine.out_of_memory:
            return told(verdict="no_go", reason="converted_out_of_memory")
        if mine.context_tokens == length and theirs.out_of_memory:
            return told(verdict="go", reason="original_out_of_memory")
        ratio = speed_interval(mine, theirs)
        if ratio is not None:
            ratios[mine.context_tokens] = ratio
            if mine.context_tokens == length:
                told = partial(told, unit=timing_unit(mine.starts))
    if length not in ratios:
        return told(verdict="not_enough_evidence", reason="not_measured")
    slower = [tokens for tokens, ratio in ratios.items() if ratio.high < 1]
    found = by_ratio(ratios[length], limit, told, at_most=False)
    return on_condition(found, "worse_at", slower)


def memory(memory: Memory, gates: AcceptanceGates, length: int) -> GateVerdict | None:
    """Cache bytes at the user's length: exact, so without an interval."""
    limit = gates.cache_ratio
    if limit is None:
        return None
    ratios = {both.context_tokens: both.ratio for both in cache_sizes(memory)}
    word: Word = "not_enough_evidence"
    reason: Reason = "not_measured"
    value = ratios.get(length)
    if value is not None:
        word, reason = ("go", "within") if value <= limit else ("no_go", "beyond")
    for mine, theirs in zip(memory.converted, memory.original):
        if mine.context_tokens == length and theirs.cache_bytes and not mine.cache_bytes:
            word, reason = "no_go", "converted_out_of_memory"
        elif mine.context_tokens == length and mine.cache_bytes and not theirs.cache_bytes:
            word, reason = "go", "original_out_of_memory"
    found = GateVerdict(
        gate="memory", verdict=word, reason=reason, limit=limit, value=value, context_tokens=length
    )
    return on_condition(found, "worse_at", [n for n, ratio in ratios.items() if ratio > 1])


def cost(speed: Speed, gates: AcceptanceGates, length: int) -> GateVerdict | None:
    """Computing time for one document of the user's length, prefill and decode together."""
    limit = gates.cost_ratio
    if limit is None:
        return None
    told = partial(GateVerdict, gate="cost", limit=limit, unit="repeats", context_tokens=length)
    mine, theirs = (
        document_times(speed, party, length, gates.output_tokens)
        for party in ("converted", "original")
    )
    starts = next((p.starts for p in speed.decode.converted if p.context_tokens == length), ())
    ratio = ratio_of_times(mine, theirs, starts)
    if ratio is None:
        return told(verdict="not_enough_evidence", reason="not_measured")
    return by_ratio(ratio, limit, partial(told, unit=timing_unit(starts)), at_most=True)


def speed_ratio(mine: SpeedPoint, theirs: SpeedPoint) -> float | None:
    """Speed of one model over another's at one length, wherever such a ratio is shown.

    The geometric mean over repeats read at the same moments, as the gate takes it; the ratio of the
    medians where a file (schema version 1) does not hold the repeats; None where a model did not
    run.
    """
    if not mine.tokens_per_s or not theirs.tokens_per_s:
        return None
    if not mine.seconds or len(mine.seconds) != len(theirs.seconds):
        return mine.tokens_per_s / theirs.tokens_per_s
    return geometric_mean(b / a for a, b in zip(mine.seconds, theirs.seconds))


def speed_ratios(pair: SpeedPair) -> list[tuple[int, float]]:
    """Context length and converted / original speed, at each length where both were measured."""
    found = [
        (mine.context_tokens, speed_ratio(mine, theirs))
        for mine, theirs in zip(pair.converted, pair.original)
    ]
    return [(tokens, ratio) for tokens, ratio in found if ratio is not None]


def speed_side(mine: SpeedPoint, theirs: SpeedPoint) -> Side | None:
    """What the measurement shows at one length: "open" where the 95 % interval of the ratio holds
    1, or, in files without the repeats, where the bands of both overlap; None where a model did not
    run."""
    ratio = speed_ratio(mine, theirs)
    if ratio is None:
        return None
    if abs(ratio - 1) <= SAME_SPEED:
        return "same"
    interval = speed_interval(mine, theirs)
    held = _overlap(mine, theirs) if interval is None else interval.low <= 1 <= interval.high
    return "open" if held else "faster" if ratio > 1 else "slower"


def _overlap(mine: SpeedPoint, theirs: SpeedPoint) -> bool:
    """Whether the ranges from the 10th to the 90th percentile of the repeats have a speed in
    common."""
    if mine.p10 is None or mine.p90 is None or theirs.p10 is None or theirs.p90 is None:
        return False
    return mine.p10 <= theirs.p90 and theirs.p10 <= mine.p90


def speed_sides(pair: SpeedPair) -> list[tuple[int, Side]]:
    """Context length and what it shows, at each length where both were measured."""
    return [
        (mine.context_tokens, side)
        for mine, theirs in zip(pair.converted, pair.original)
        if (side := speed_side(mine, theirs)) is not None
    ]


class Peaks(NamedTuple):
    """The most memory that both models needed at one context length, in bytes."""

    context_tokens: int
    original: int
    converted: int


def peaks(memory: Memory) -> list[Peaks]:
    """Both peaks at each length where both were measured, shortest context first."""
    return [
        Peaks(mine.context_tokens, theirs.peak_bytes, mine.peak_bytes)
        for mine, theirs in zip(memory.converted, memory.original)
        if mine.peak_bytes and theirs.peak_bytes
    ]


def larger_peaks(memory: Memory) -> list[Peaks]:
    """Those at which the converted model needs more, beyond what the reading is good to."""
    return [one for one in peaks(memory) if one.converted - one.original > PEAK_ERROR_BYTES]


class CacheSizes(NamedTuple):
    """What both models keep in memory between two tokens at one context length, in bytes."""

    context_tokens: int
    original: int
    converted: int

    @property
    def ratio(self) -> float:
        """Converted / original: below 1 the converted model is smaller."""
        return self.converted / self.original


def cache_sizes(memory: Memory) -> list[CacheSizes]:
    """Both caches at each length where both were measured, shortest context first."""
    return [
        CacheSizes(mine.context_tokens, theirs.cache_bytes, mine.cache_bytes)
        for mine, theirs in zip(memory.converted, memory.original)
        if mine.cache_bytes and theirs.cache_bytes
    ]


def few_repeats(pair: SpeedPair, wanted: int = WANTED_REPEATS) -> list[tuple[int, int]]:
    """Context length and repeats, where a length that fits both models was timed less often."""
    return [
        (mine.context_tokens, min(mine.repeats, theirs.repeats))
        for mine, theirs in zip(pair.converted, pair.original)
        if not (mine.out_of_memory or theirs.out_of_memory)
        and min(mine.repeats, theirs.repeats) < wanted
    ]


def timing_unit(starts: Sequence[int]) -> Unit:
    """What an interval over these repeats counts."""
    return "starts" if len(set(starts)) > 1 else "repeats"


def speed_interval(mine: SpeedPoint, theirs: SpeedPoint) -> Interval | None:
    """`ratio_of_times` for the speed of one model over another's at one length."""
    return ratio_of_times(theirs.seconds, mine.seconds, mine.starts)


def ratio_of_times(
    numerators: Sequence[float], denominators: Sequence[float], starts: Sequence[int] = ()
) -> Interval | None:
    """Interval for the geometric mean of numerator / denominator, moment by moment; None where the
    two were not read at the same moments, or too few times.

    Repeats within one start of the processes share what that start brought (where memory lies, the
    threads chosen), so that where there were several the unit is the start: Student's interval over
    the starts' means, which is exact for any number of starts if what they bring is normal on the
    log scale, and holds the spread within them too.

    Args:
        numerators, denominators: seconds.
        starts: the start that each belongs to; none, or one, lets every repeat count by itself.
    """
    unit = timing_unit(starts)
    logs = [math.log(a / b) for a, b in zip(numerators, denominators)]
    if len(numerators) != len(denominators) or unit == "starts" and len(starts) != len(logs):
        return None
    if unit == "starts":
        of_start: dict[int, list[float]] = {}
        for start, log in zip(starts, logs):
            of_start.setdefault(start, []).append(log)
        logs = [fmean(one) for one in of_start.values()]
    return mean_interval(logs).mapped(math.exp) if len(logs) >= FEWEST[unit] else None
