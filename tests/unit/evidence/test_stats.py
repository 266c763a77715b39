"""Intervals, tests and sample sizes against published values and plain counting."""

import itertools
import math

import numpy as np
import pytest

from engine.evidence.stats import (
    Interval,
    holm,
    mcnemar,
    mean_interval,
    paired_rates,
    paired_ratio,
    student_quantile,
    wilson,
)


@pytest.mark.parametrize(
    ("freedom", "quantile"),
    [(1, 12.7062), (2, 4.3027), (3, 3.1824), (5, 2.5706), (10, 2.2281), (30, 2.0423),
     (120, 1.9799)],
)  # fmt: skip
def test_student_quantiles_are_those_of_the_tables(freedom, quantile):
    assert student_quantile(0.975, freedom) == pytest.approx(quantile, abs=2e-4)


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(10, 20, 0.299, 0.701), (50, 100, 0.404, 0.596), (0, 50, 0.0, 0.0714), (50, 50, 0.9286, 1.0)],
)
def test_wilson_intervals_are_the_published_ones(successes, n, low, high):
    found = wilson(successes, n)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-3)
    assert found.n == n and found.low <= found.estimate <= found.high


def _pairs(both, first, second, neither):
    ours = [True] * (both + first) + [False] * (second + neither)
    theirs = [True] * both + [False] * first + [True] * second + [False] * neither
    return ours, theirs


def test_mcnemar_counts_coin_tosses():
    for a, b in itertools.product(range(6), repeat=2):
        tosses = list(itertools.product((0, 1), repeat=a + b))
        extreme = sum(abs(sum(t) - (a + b) / 2) >= abs(a - b) / 2 for t in tosses)
        assert mcnemar(*_pairs(3, a, b, 2)) == pytest.approx(extreme / len(tosses))


def test_paired_rates_have_a_sign_and_stay_within_one():
    found = paired_rates(*_pairs(30, 12, 2, 6))
    assert found.estimate == pytest.approx(10 / 50) and found.n == 50
    assert 0 < found.low < found.estimate < found.high < 0.4
    mirrored = paired_rates(*_pairs(30, 2, 12, 6))
    assert (mirrored.low, mirrored.high) == pytest.approx((-found.high, -found.low))
    assert paired_rates([True] * 4, [False] * 4).high == 1.0
    agreed = paired_rates([True] * 20, [True] * 20)
    assert agreed.low < 0 == agreed.estimate < agreed.high  # 20 questions prove nothing exactly


def test_holm_multiplies_the_smallest_most():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, 0.5]) == [1.0, 1.0] and holm([]) == []


def test_the_ratio_is_that_of_the_sums_and_repeats_with_its_seed():
    d, w = [1.0, -2.0, 4.0, 0.5, 3.0, 1.0], [10.0, 20.0, 30.0, 5.0, 40.0, 15.0]
    found = paired_ratio(d, w)
    assert found.estimate == pytest.approx(7.5 / 120) and found.n == 6
    assert found.low < found.estimate < found.high
    assert paired_ratio(d, w) == found
    assert paired_ratio(d, w, seed=1).low == pytest.approx(found.low, rel=0.2)


def test_a_cluster_twice_as_noisy_makes_twice_as_wide():
    rng = np.random.default_rng(0)
    d, w = rng.normal(size=30), np.full(30, 5.0)
    narrow, wide = paired_ratio(d, w), paired_ratio(2 * d, w)
    assert wide.high - wide.low == pytest.approx(2 * (narrow.high - narrow.low), rel=1e-6)


def test_skewness_moves_the_end_on_its_side_to_halls():
    """Six equal clusters, one far worse. The upper end is that of Hall's transformation, found here
    by solving his cubic instead of by its inverse; the lower one is still the bootstrap's."""
    x = np.array([0.1, 0.2, 0.3, 0.2, 0.1, 2.0])
    n, mean, spread = 6, x.mean(), x.std(ddof=1) / 6**0.5
    skew = n / ((n - 1) * (n - 2)) * ((x - mean) ** 3).sum() / x.std() ** 3 / n**0.5
    cubic = [skew**2 / 27, skew / 3, 1.0, skew / 6 + student_quantile(0.975, n - 1)]
    (t,) = [root.real for root in np.roots(cubic) if abs(root.imag) < 1e-9]
    found = paired_ratio(list(x), [1.0] * n)
    assert found.high == pytest.approx(mean - t * spread, rel=1e-6)
    assert found.high - mean > 2 * (mean - found.low)
    mirrored = paired_ratio(list(-x), [1.0] * n)
    assert mirrored.low == pytest.approx(-found.high, rel=1e-6)


@pytest.mark.parametrize("n", [3, 6, 200])
@pytest.mark.parametrize("weight", [1.0, 0.01, 30.0])
def test_one_cluster_unlike_all_others_leaves_the_interval_finite(n, weight):
    found = paired_ratio([5.0 * weight, *[0.0] * (n - 1)], [weight, *[1.0] * (n - 1)])
    assert -1e6 < found.low < found.estimate < found.high < 1e6


def test_two_clusters_have_an_interval():
    found = paired_ratio([1.0, 3.0], [2.0, 5.0])
    assert found.low < found.estimate < found.high


def test_equal_clusters_leave_no_doubt():
    found = paired_ratio([0.3] * 8, [3.0] * 8)
    assert (found.low, found.high) == (found.estimate, found.estimate) == pytest.approx((0.1, 0.1))


def test_a_mean_interval_is_students():
    found = mean_interval([1.0, 2.0, 3.0, 4.0])
    half = 3.1824 * math.sqrt(5 / 3) / 2
    assert (found.low, found.high) == pytest.approx((2.5 - half, 2.5 + half), abs=1e-3)


def test_mapping_keeps_n():
    found = Interval(estimate=0.0, low=-1.0, high=1.0, n=7).mapped(math.exp)
    assert (found.estimate, found.n) == (1.0, 7) and found.low == pytest.approx(1 / math.e)
