"""From which input length on does a conversion pay, and up to which does it cost?

A length counts as better or worse only where the interval of the ratio says so; between the longest
worse and the shortest better one the crossover is estimated on a straight line in the logarithms
of length and ratio. Nothing is said beyond the lengths measured.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from engine.evidence.memory_parts import Memory
from engine.evidence.parts import Result, Speed, SpeedPair
from engine.evidence.savings import cache_sizes, speed_interval

Kind = Literal["decode", "prefill", "cache"]
_TITLES: dict[Kind, str] = {"decode": "Decode", "prefill": "Prefill", "cache": "Cache memory"}
_WORDS: dict[Kind, tuple[str, str]] = {
    "decode": ("faster", "slower"), "prefill": ("faster", "slower"), "cache": ("smaller", "larger"),
}  # fmt: skip


class Crossover(Result):
    """Where the converted model changes from worse to better, for one of three readings."""

    kind: Kind
    """"decode" or "prefill" speed, or "cache" bytes."""
    better: tuple[int, ...]
    """Lengths (tokens) at which the converted model is faster or smaller, beyond its interval."""
    worse: tuple[int, ...]
    """Lengths at which it is slower or larger, beyond its interval."""
    unclear: tuple[int, ...]
    """Lengths at which no difference is shown."""
    tokens: int | None
    """Estimated length where it changes, two digits; null where there is no single change from
    worse to better among the lengths measured."""
    note: str
    """The same in a sentence."""


@dataclass(frozen=True)
class _Reading:
    """One length: gain > 1 means that the converted model is better; inf or 0 where only one of
    the models fits."""

    tokens: int
    gain: float
    low: float
    high: float


def crossovers(speed: Speed, memory: Memory) -> tuple[Crossover, ...]:
    """All that can be told; a reading without any interval is left out."""
    cache = [_Reading(both.context_tokens, *[1 / both.ratio] * 3) for both in cache_sizes(memory)]
    found: list[tuple[Kind, list[_Reading]]] = [
        ("decode", _speeds(speed.decode)), ("prefill", _speeds(speed.prefill)), ("cache", cache),
    ]  # fmt: skip
    return tuple(_crossover(kind, readings) for kind, readings in found if readings)


def _speeds(pair: SpeedPair) -> list[_Reading]:
    found = []
    for theirs, mine in zip(pair.original, pair.converted, strict=True):
        tokens = mine.context_tokens
        if theirs.out_of_memory != mine.out_of_memory:
            gain = math.inf if theirs.out_of_memory else 0.0
            found.append(_Reading(tokens, gain, gain, gain))
        elif ratio := speed_interval(mine, theirs):
            found.append(_Reading(tokens, ratio.estimate, ratio.low, ratio.high))
    return found


def _crossover(kind: Kind, readings: Sequence[_Reading]) -> Crossover:
    better = tuple(r.tokens for r in readings if r.low > 1)
    worse = tuple(r.tokens for r in readings if r.high < 1)
    unclear = tuple(r.tokens for r in readings if r.low <= 1 <= r.high)
    estimate = None
    once = bool(better and worse) and max(worse) < min(better)
    once = once and not any(tokens > min(better) for tokens in unclear)
    if once:
        below = next(r for r in readings if r.tokens == max(worse))
        above = next(r for r in readings if r.tokens == min(better))
        estimate = _between(below, above)
    return Crossover(
        kind=kind,
        better=better,
        worse=worse,
        unclear=unclear,
        tokens=estimate,
        note=_sentence(kind, better, worse, unclear, estimate),
    )


def _between(below: _Reading, above: _Reading) -> int | None:
    """Where the line through both readings says "equal"; None where one has no ratio."""
    if math.isinf(above.gain) or below.gain == 0:
        return None
    down, up = -math.log(below.gain), math.log(above.gain)
    step = math.log(above.tokens / below.tokens)
    tokens = below.tokens * math.exp(step * down / (down + up))
    unit = 10 ** max(0, math.floor(math.log10(tokens)) - 1)
    return round(tokens / unit) * unit


def _sentence(
    kind: Kind,
    better: Sequence[int],
    worse: Sequence[int],
    unclear: Sequence[int],
    estimate: int | None,
) -> str:
    title, (good, bad) = _TITLES[kind], _WORDS[kind]
    shortest, longest = min([*better, *worse, *unclear]), max([*better, *worse, *unclear])
    measured = f"measured, {shortest:,} to {longest:,} tokens"
    if not worse and not unclear:
        return f"{title}: the converted model is {good} at every length {measured}."
    if not better and not unclear:
        return f"{title}: the converted model is {bad} at every length {measured}."
    if estimate is not None:
        return (
            f"{title}: under about {estimate:,} tokens (between {max(worse):,} and"
            f" {min(better):,}) the converted model is {bad}, above it {good}."
        )
    parts = [
        f"{word} at {', '.join(f'{n:,}' for n in lengths)}"
        for word, lengths in ((bad, worse), (good, better), ("no difference shown", unclear))
        if lengths
    ]
    return f"{title} by length (tokens): the converted model is {'; '.join(parts)}."
