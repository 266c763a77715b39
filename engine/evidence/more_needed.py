"""Sample sizes: about how many more units would tell on which side of a limit the truth lies."""

from __future__ import annotations

import math
from statistics import NormalDist

from engine.evidence.stats import LEVEL, Interval, student_quantile

_Z = NormalDist().inv_cdf((1 + LEVEL) / 2)
_POWER_FACTOR = (_Z + NormalDist().inv_cdf(0.8)) / _Z
_MOST_TIMES_MORE = 100
_UNEVEN = 1.5
"""Two counts further apart than by this factor are told as a range."""


def more_needed(interval: Interval, limit: float) -> int | None:
    """About how many more units would settle on which side of `limit` the truth lies.

    If the estimate stays as it is and the interval shrinks with the root of n, so many more give
    four chances in five. None where it would take more than 100 times as many: the truth is too
    close to the limit to tell.
    """
    gap = abs(limit - interval.estimate)
    half = interval.high - interval.estimate
    if limit < interval.estimate:
        half = interval.estimate - interval.low
    if gap * math.sqrt(_MOST_TIMES_MORE) <= half * _POWER_FACTOR:
        return None
    wanted = interval.n * (half * _POWER_FACTOR / gap) ** 2
    return _two_digits(max(1, math.ceil(wanted) - interval.n))


def more_needed_for_ratio(ratio: Interval, limit: float) -> int | None:
    """`more_needed` for a ratio of few repeats or few documents, whose interval is Student's on the
    log scale or, of documents, the wider one of `paired_ratio`.

    On the log scale, where the interval shrinks with the root of n, and with the normal quantile:
    of a handful of units much of the width is Student's, which goes with the first few more. For
    that two more are added to the normal count (z^2 / 2, Guenther 1981). Documents of unlike length
    have fewer degrees of freedom than n - 1, and skewed ones a wider end that shrinks faster than
    the root of n; for them it asks for too many rather than too few: how few may do is told by
    `fewest_needed_for_ratio`.
    """
    return _more_of_logs(ratio.mapped(math.log), math.log(limit))


def _more_of_logs(logs: Interval, limit: float) -> int | None:
    shrink = _Z / student_quantile((1 + LEVEL) / 2, logs.n - 1)
    ends = {
        name: logs.estimate + shrink * (end - logs.estimate)
        for name, end in (("low", logs.low), ("high", logs.high))
    }
    more = more_needed(logs.model_copy(update=ends), limit)
    return None if more is None else _two_digits(more + 2)


def fewest_needed_for_ratio(ratio: Interval, limit: float) -> int | None:
    """How few more may do where documents are so uneven that `more_needed_for_ratio` asks for too
    many; None where its count stands by itself.

    The end towards the limit is then much longer than the other one. Were both as long as their
    geometric mean, this many would do. Simulated with 8 to 30 documents and the estimate as it is
    (docs/evidence.md), what is needed lies between the two counts, as far as so few documents tell.
    """
    logs = ratio.mapped(math.log)
    up, down = logs.high - logs.estimate, logs.estimate - logs.low
    own, other = (up, down) if math.log(limit) > logs.estimate else (down, up)
    if own <= other:
        return None
    half = math.sqrt(own * other)
    even = logs.model_copy(update={"low": logs.estimate - half, "high": logs.estimate + half})
    fewest, most = (_more_of_logs(one, math.log(limit)) for one in (even, logs))
    if fewest is None or (most is not None and ratio.n + most < _UNEVEN * (ratio.n + fewest)):
        return None
    return fewest


def _two_digits(n: int) -> int:
    """Rounded up to two significant digits: more would claim to know better."""
    step = 10 ** max(0, len(str(n)) - 2)
    return -(-n // step) * step
