"""Quality against what is saved, over several runs of one model and data set: who is not beaten?

An estimate alone beats nobody: one run is better than another, in quality or in what it saves, only
where their intervals have nothing in common.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from engine.evidence.judging import additional_nats
from engine.evidence.results import Comparison
from engine.evidence.savings import cache_sizes, speed_interval, speed_ratios
from engine.evidence.stats import paired_ratio
from engine.evidence.verdict import FEWEST

Saving = Literal["speed", "memory"]
Look = Literal["unbeaten", "beaten", "open"]


@dataclass(frozen=True)
class Reading:
    """An estimate and, where there is one, its 95 % interval; the same three for exact numbers."""

    estimate: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Standing:
    """One run by quality and by one saving, both against its own original."""

    run: str
    quality: Reading
    """Perplexity of the converted model / the original's, less 1: lower is better."""
    saving: Reading
    """Converted / original: decode speed (higher is better) or cache bytes (lower is better)."""
    look: Look
    """What the others say of it. Beaten: another run, or the original, is as good in both by its
    estimates, and better in one beyond the intervals. Open: it is ahead by its estimates only."""


@dataclass(frozen=True)
class Standings:
    """All runs at one context length."""

    context_tokens: int
    runs: tuple[Standing, ...]
    """Those with both readings, best quality first."""
    original_unbeaten: bool
    """Whether no run beats the original."""


_Place = tuple[Reading, Reading]
"""Quality and saving, both turned so that less is better."""


def standings(results: Mapping[str, Comparison], saving: Saving) -> Standings | None:
    """Where every run stands; None where no run has both readings.

    They are held against each other at the length that most of them measured, the longest of such.

    Args:
        results: comparisons by the name of their run, of one model and data set.
        saving: what is held against quality.
    """
    changes = {name: change for name, one in results.items() if (change := quality_change(one))}
    ratios = {name: _ratios(results[name], saving) for name in changes}
    measured = Counter(length for of in ratios.values() for length in of)
    if not measured:
        return None
    length = max(measured, key=lambda n: (measured[n], n))
    found = {name: (changes[name], of[length]) for name, of in ratios.items() if length in of}

    def turned(ratio: Reading) -> Reading:
        return _negative(ratio) if saving == "speed" else ratio

    original: _Place = (Reading(0.0, 0.0, 0.0), turned(Reading(1.0, 1.0, 1.0)))
    places: dict[str | None, _Place] = {
        None: original, **{name: (change, turned(ratio)) for name, (change, ratio) in found.items()}
    }  # fmt: skip
    looks: dict[str | None, Look] = {
        name: _look(place, [other for key, other in places.items() if key != name])
        for name, place in places.items()
    }
    made = [
        Standing(name, change, ratio, looks[name])
        for name, (change, ratio) in sorted(found.items(), key=lambda one: one[1][0].estimate)
    ]
    return Standings(length, tuple(made), looks[None] == "unbeaten")


def _look(mine: _Place, others: list[_Place]) -> Look:
    ahead = [
        other for other in others
        if all(a.estimate <= b.estimate for a, b in zip(other, mine))
        and any(a.estimate < b.estimate for a, b in zip(other, mine))
    ]  # fmt: skip
    if any(_shown_less(a, b) for other in ahead for a, b in zip(other, mine)):
        return "beaten"
    return "open" if ahead else "unbeaten"


def _shown_less(a: Reading, b: Reading) -> bool:
    """Whether the whole of `a` lies below the whole of `b`; never without intervals."""
    return a.high is not None and b.low is not None and a.high < b.low


def _negative(of: Reading) -> Reading:
    return Reading(
        -of.estimate, None if of.high is None else -of.high, None if of.low is None else -of.low
    )


def quality_change(result: Comparison) -> Reading | None:
    """Change in perplexity against the original, with its interval over documents; None where there
    is none to read, or the original does no better than guessing."""
    quality = result.quality
    mine, theirs = quality.converted.perplexity, quality.original.perplexity
    if not mine or not theirs or quality.guesses(quality.original):
        return None
    pairs = additional_nats(quality.converted, quality.original)
    if len(pairs) < FEWEST["documents"]:
        return Reading(mine / theirs - 1)
    logs = paired_ratio([loss for loss, _ in pairs], [tokens for _, tokens in pairs])
    return Reading(mine / theirs - 1, math.expm1(logs.low), math.expm1(logs.high))


def _ratios(result: Comparison, saving: Saving) -> dict[int, Reading]:
    """Converted / original by context length."""
    if saving == "memory":
        return {
            both.context_tokens: Reading(both.ratio, both.ratio, both.ratio)
            for both in cache_sizes(result.memory)
        }
    decode = result.speed.decode
    intervals = {
        mine.context_tokens: speed_interval(mine, theirs)
        for mine, theirs in zip(decode.converted, decode.original)
    }
    found = {}
    for length, ratio in speed_ratios(decode):
        interval = intervals.get(length)
        ends = (interval.low, interval.high) if interval else (None, None)
        found[length] = Reading(ratio, *ends)
    return found
