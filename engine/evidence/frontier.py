"""Quality against what is saved, over several runs of one model and data set: who is not beaten?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from engine.evidence.results import Comparison
from engine.evidence.savings import cache_sizes, speed_ratios

Saving = Literal["speed", "memory"]


@dataclass(frozen=True)
class Standing:
    """One run by quality and by one saving, both against its own original."""

    run: str
    quality_change: float
    """Perplexity of the converted model / the original's, less 1: lower is better."""
    ratio: float
    """Converted / original: decode speed (higher is better) or cache bytes (lower is better)."""
    unbeaten: bool
    """Neither another run nor the original is as good in both and better in one."""


@dataclass(frozen=True)
class Standings:
    """All runs at one context length."""

    context_tokens: int
    runs: tuple[Standing, ...]
    """Those with both readings, best quality first."""
    original_unbeaten: bool
    """Whether no run is as good as the original in both and better in one."""


def standings(results: Mapping[str, Comparison], saving: Saving) -> Standings | None:
    """Where every run stands; None where no run has both readings.

    They are held against each other at the length that most of them measured, the longest of such.

    Args:
        results: comparisons by the name of their run, of one model and data set.
        saving: what is held against quality.
    """
    changes = {name: quality_change(result) for name, result in results.items()}
    ratios = {name: _ratios(results[name], saving) for name, x in changes.items() if x is not None}
    measured = Counter(length for of in ratios.values() for length in of)
    if not measured:
        return None
    length = max(measured, key=lambda n: (measured[n], n))
    places = {name: (changes[name] or 0.0, of[length]) for name, of in ratios.items()
              if length in of}  # fmt: skip
    sign = -1 if saving == "speed" else 1  # so that less is better on both axes
    original = (0.0, sign * 1.0)
    every = [*((change, sign * ratio) for change, ratio in places.values()), original]

    def unbeaten(place: tuple[float, float]) -> bool:
        return not any(
            other != place and other[0] <= place[0] and other[1] <= place[1] for other in every
        )

    found = [
        Standing(name, change, ratio, unbeaten((change, sign * ratio)))
        for name, (change, ratio) in sorted(places.items(), key=lambda one: one[1])
    ]
    return Standings(length, tuple(found), unbeaten(original))


def quality_change(result: Comparison) -> float | None:
    """Change in perplexity against the original; None where there is none to read, or the original
    does no better than guessing."""
    quality = result.quality
    mine, theirs = quality.converted.perplexity, quality.original.perplexity
    if not mine or not theirs or quality.guesses(quality.original):
        return None
    return mine / theirs - 1


def _ratios(result: Comparison, saving: Saving) -> dict[int, float]:
    """Converted / original by context length."""
    if saving == "speed":
        return dict(speed_ratios(result.speed.decode))
    return {both.context_tokens: both.ratio for both in cache_sizes(result.memory)}
