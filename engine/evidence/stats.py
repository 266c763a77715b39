"""Intervals and tests: how sure the comparison may be of what it measured.

All intervals are two-sided. The unit that is resampled or counted is what was drawn
independently: a document, a recall question, a timing repeat, a vote; never a token. How often the
intervals cover a known truth is measured by `python -m benchmarks.calibration`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from statistics import NormalDist

import numpy as np

from engine.evidence.parts import Result

LEVEL = 0.95
"""How often an interval shall cover the truth."""

_Z = NormalDist().inv_cdf((1 + LEVEL) / 2)
_RESAMPLES = 2000
_AT_ONCE = 2**21  # clusters drawn in one block of resamples (16 MiB)


class Interval(Result):
    """An estimate, and where the truth may lie."""

    estimate: float
    """The best single value."""
    low: float
    """Lower end."""
    high: float
    """Upper end."""
    n: int
    """Independent units it rests on: documents, questions, starts of the timed processes, repeats
    or votes."""
    level: float = LEVEL
    """Share of such intervals that cover the truth."""

    def mapped(self, change: Callable[[float], float]) -> Interval:
        """The same in another unit; `change` must be increasing."""
        ends = {"estimate": self.estimate, "low": self.low, "high": self.high}
        return self.model_copy(update={name: change(value) for name, value in ends.items()})


def paired_ratio(
    differences: Sequence[float], weights: Sequence[float], *, seed: int = 0
) -> Interval:
    """Interval for sum(differences) / sum(weights) over at least two clusters.

    The outer ends of two intervals, since each is too narrow where the other is not:

    - A percentile bootstrap over clusters (Efron 1979), right for even differences. For few
      clusters of unlike size its ends are moved outwards so that the spread is the jackknife's,
      with each cluster's residual divided by one minus its share of the weight, and the normal
      quantile is Student's with sum(w)^2 / sum(w^2) - 1 degrees of freedom.
    - The same spread and quantile after Hall's transformation (1992, J. R. Stat. Soc. B 54, 221),
      which takes the skewness out: where a few clusters lose much more than the others.

    Args:
        differences: of each cluster, e.g. nats(converted) - nats(control) of a document.
        weights: of each cluster, e.g. its tokens; positive.
        seed: of the resampling.
    """
    d, w = np.asarray(differences, float), np.asarray(weights, float)
    estimate = float(d.sum() / w.sum())
    share = w / w.sum()
    residuals = d - estimate * w
    n = len(d)
    spread = math.sqrt((n - 1) / n * float(((residuals / (1 - share)) ** 2).sum())) / float(w.sum())
    resampled = _resampled(d, w, np.random.default_rng(seed))
    deviation = float(resampled.std())
    # Equal clusters, or differences of rounding only, leave nothing to resample.
    if deviation <= 1e-12 * max(1.0, abs(estimate)):
        return Interval(estimate=estimate, low=estimate, high=estimate, n=n)
    quantile = student_quantile((1 + LEVEL) / 2, max(1.0, 1 / float((share**2).sum()) - 1))
    widen = quantile / _Z * spread / deviation
    low, high = np.quantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    # Of two clusters the residuals are each other's opposite: no skewness. For few clusters this is
    # above the usual estimate (by 1.3 at six), which is too small for skewed losses.
    skewness = n * n / ((n - 1) * max(1, n - 2)) * float((residuals**3).sum())
    skewness /= float((residuals**2).sum()) ** 1.5
    down, up = (spread * _before_hall(t, skewness) for t in (quantile, -quantile))
    return Interval(
        estimate=estimate,
        low=estimate - max(down, widen * (estimate - float(low))),
        high=estimate + max(-up, widen * (float(high) - estimate)),
        n=n,
    )


def _before_hall(x: float, skewness: float) -> float:
    """The t that Hall's transformation t + s t^2 + s^2 t^3 / 3 + s / 2 takes to x, where s is a
    third of the sum's skewness: that of one cluster, divided by the root of n."""
    s = skewness / 3
    if abs(s) < 1e-6:
        return x
    return (math.cbrt(1 + 3 * s * (x - s / 2)) - 1) / s


def _resampled(d: np.ndarray, w: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The ratio in each of the bootstrap's resamples, in blocks that fit the memory."""
    n, ratios, left = len(d), [], _RESAMPLES
    while left:
        block = min(left, max(1, _AT_ONCE // n))
        drawn = rng.integers(0, n, (block, n))
        ratios.append(d[drawn].sum(1) / w[drawn].sum(1))
        left -= block
    return np.concatenate(ratios)


def mean_interval(values: Sequence[float]) -> Interval:
    """Student's interval for the mean of at least two values."""
    x = np.asarray(values, float)
    half = student_quantile((1 + LEVEL) / 2, len(x) - 1) * float(x.std(ddof=1)) / math.sqrt(len(x))
    mean = float(x.mean())
    return Interval(estimate=mean, low=mean - half, high=mean + half, n=len(x))


@lru_cache(maxsize=256)
def student_quantile(p: float, freedom: float) -> float:
    """The quantile (0.5 <= p < 1) of Student's t, for any positive number of degrees of freedom.

    With t = sqrt(freedom) tan(a), the density of a is proportional to cos(a)^(freedom - 1).
    """
    angle = np.linspace(0.0, math.pi / 2, 8001)
    density = np.cos(angle[:-1] + angle[1] / 2) ** (freedom - 1)
    below = np.concatenate([[0.0], np.cumsum(density)])
    found = float(np.interp((2 * p - 1) * below[-1], below, angle))
    return math.sqrt(freedom) * math.tan(found)


def wilson(successes: int, n: int) -> Interval:
    """Interval for a rate (Wilson 1927); n is at least 1."""
    rate, z2 = successes / n, _Z**2
    middle = (rate + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z / (1 + z2 / n) * math.sqrt(rate * (1 - rate) / n + z2 / (4 * n * n))
    low = 0.0 if successes == 0 else middle - half
    high = 1.0 if successes == n else middle + half
    return Interval(estimate=rate, low=low, high=high, n=n)


def paired_rates(first: Sequence[bool], second: Sequence[bool]) -> Interval:
    """Interval for rate(first) - rate(second) over the same questions (Bonett and Price 2012).

    One is added to each kind of disagreement, which keeps the interval honest where there are few.
    """
    only_first, only_second = _disagreements(first, second)
    n = len(first)
    a, b = (only_first + 1) / (n + 2), (only_second + 1) / (n + 2)
    half = _Z * math.sqrt(max(0.0, a + b - (a - b) ** 2) / (n + 2))
    return Interval(
        estimate=(only_first - only_second) / n,
        low=max(-1.0, a - b - half),
        high=min(1.0, a - b + half),
        n=n,
    )


def mcnemar(first: Sequence[bool], second: Sequence[bool]) -> float:
    """Exact two-sided p-value of "both answer equally often" (McNemar 1947): among the questions
    that only one answers, each side is as likely."""
    a, b = _disagreements(first, second)
    tail = sum(math.comb(a + b, k) for k in range(min(a, b) + 1))
    return min(1.0, 2 * tail / 2 ** (a + b))


def _disagreements(first: Sequence[bool], second: Sequence[bool]) -> tuple[int, int]:
    """Questions that only the first, and only the second, answers."""
    pairs = list(zip(first, second, strict=True))
    return sum(a and not b for a, b in pairs), sum(b and not a for a, b in pairs)


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values corrected for reading many at once (Holm 1979), in the order given."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    corrected, largest = [0.0] * len(p_values), 0.0
    for rank, i in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - rank) * p_values[i]))
        corrected[i] = largest
    return corrected
