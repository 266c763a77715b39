"""Sample sizes do what they promise, and are told as a range where documents are uneven."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.evidence.more_needed import (
    fewest_needed_for_ratio,
    more_needed,
    more_needed_for_ratio,
)
from engine.evidence.stats import Interval, mean_interval, paired_ratio, student_quantile
from engine.evidence.verdict import GateVerdict, fewest_more


def test_the_missing_units_follow_the_square_law():
    interval = Interval(estimate=2.0, low=1.0, high=3.0, n=50)
    # Half width 1 and gap 0.5: (2 x 1.43)^2 = 8.2 times as many, 358 more, in two digits.
    assert more_needed(interval, 2.5) == 360
    assert more_needed(interval, 1.5) == 360
    assert more_needed(interval, 2.0) is None and more_needed(interval, 2.05) is None
    assert (more_needed(interval, 2.9) or 0) < 100


def test_more_repeats_are_counted_on_the_log_scale():
    """On the linear scale the half-width of 10 would ask for the impossible."""
    wide = Interval(estimate=0.71, low=0.046, high=11.0, n=3)
    assert more_needed(wide, 1.0) is None
    assert 50 < (more_needed_for_ratio(wide, 1.0) or 0) < 120
    upside_down = Interval(estimate=1 / 0.71, low=1 / 11.0, high=1 / 0.046, n=3)
    assert more_needed_for_ratio(upside_down, 1.0) == more_needed_for_ratio(wide, 1.0)


def test_so_many_more_repeats_do_settle_it_four_times_in_five():
    rng = np.random.default_rng(1)
    first = Interval(estimate=1.0, low=math.exp(-0.9935), high=math.exp(0.9935), n=3)  # s = 0.4
    gap = math.log(1.5)
    total = 3 + (more_needed_for_ratio(first, 1.5) or 0)
    highs = [mean_interval(list(rng.normal(0.0, 0.4, total))).high for _ in range(2000)]
    assert np.mean(np.array(highs) < gap) == pytest.approx(0.8, abs=0.1)


def test_so_many_more_do_settle_it_four_times_in_five():
    rng = np.random.default_rng(1)
    spread, n, gap = 1.0, 40, 0.2
    first = Interval(estimate=0.0, low=-1.96 / n**0.5, high=1.96 / n**0.5, n=n)
    total = n + (more_needed(first, gap) or 0)
    means = rng.normal(0.0, spread / total**0.5, 4000)
    assert np.mean(means + 1.96 * spread / total**0.5 < gap) == pytest.approx(0.8, abs=0.03)


def test_so_many_more_documents_do_settle_it_four_times_in_five():
    """Quality on 8 documents, where much of the interval's width is Student's."""
    rng = np.random.default_rng(2)
    spread, n, gap = 0.02, 8, 0.01
    half = student_quantile(0.975, n - 1) * spread / n**0.5
    first = Interval(estimate=1.0, low=math.exp(-half), high=math.exp(half), n=n)
    more = more_needed_for_ratio(first, math.exp(gap)) or 0
    assert more < (more_needed(first, math.exp(gap)) or 0)  # which knows nothing of Student
    settled = [
        paired_ratio(list(100 * rng.normal(0.0, spread, n + more)), [100.0] * (n + more)).high < gap
        for _ in range(500)
    ]
    assert np.mean(settled) == pytest.approx(0.8, abs=0.1)


def _interval(low: float, high: float) -> Interval:
    return Interval(estimate=1.0, low=low, high=high, n=10)


def test_even_documents_need_one_number_and_uneven_ones_two():
    assert fewest_needed_for_ratio(_interval(0.98, 1.02), 1.01) is None
    few = fewest_needed_for_ratio(_interval(0.98, 1.10), 1.03)
    many = more_needed_for_ratio(_interval(0.98, 1.10), 1.03)
    assert few is not None and many is not None and few < many / 2
    # Towards the shorter end the count stands as it is.
    assert fewest_needed_for_ratio(_interval(0.98, 1.10), 0.99) is None


def test_where_the_longer_end_asks_for_the_impossible_the_least_is_told():
    wide = _interval(0.98, 2.0)
    assert more_needed_for_ratio(wide, 1.03) is None
    assert fewest_needed_for_ratio(wide, 1.03) is not None


def test_between_both_counts_lies_what_skewed_losses_need():
    """Exponential losses, 12 documents, the estimate as it is: what settles it four times in five
    is looked for among the totals."""
    rng = np.random.default_rng(5)
    gap, weights = 0.007, [1000.0]
    counts = []
    for _ in range(60):
        x = rng.exponential(0.02, 12)
        x = 1000 * (x - x.mean())
        ratio = paired_ratio(list(x), weights * 12).mapped(math.exp)
        most = more_needed_for_ratio(ratio, math.exp(gap))
        few = fewest_needed_for_ratio(ratio, math.exp(gap))
        if ratio.high > math.exp(gap) and most is not None:
            counts.append((12 + (most if few is None else few), 12 + most))
    least, most = np.median(np.array(counts), axis=0)

    def settled(n: int) -> float:
        draws = (1000 * (rng.exponential(0.02, n) - 0.02) for _ in range(150))
        return np.mean([paired_ratio(list(x), weights * n).high < gap for x in draws])

    assert settled(int(least / 1.5)) < 0.8 < settled(int(most * 1.5))


def _gate(**changes: object) -> GateVerdict:
    values = {
        "gate": "quality", "verdict": "not_enough_evidence", "reason": "crosses", "limit": 3.0,
        "value": 0.0, "interval": {"estimate": 0.0, "low": -2.0, "high": 10.0, "n": 10},
        "unit": "documents", "more": 500,
    }  # fmt: skip
    return GateVerdict.model_validate({**values, **changes})


def test_a_range_is_for_open_gates_on_documents_only():
    assert (fewest_more(_gate()) or 0) > 0
    assert fewest_more(_gate(reason="within", verdict="go")) is None
    assert fewest_more(_gate(unit="starts", gate="speed")) is None
    assert fewest_more(_gate(interval=None, reason="too_few")) is None
    even = {"estimate": 0.0, "low": -4.0, "high": 4.0, "n": 10}
    assert fewest_more(_gate(interval=even)) is None
