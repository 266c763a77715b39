"""Several seeds of one training: grouped, counted, and with an interval over the seeds."""

from __future__ import annotations

import math
from statistics import stdev

import numpy as np
import pytest

from engine.evidence.seeds import Trained, alike_but_seed, over_seeds
from engine.evidence.stats import mean_interval
from tests.support.example_seeds import trained


def test_only_runs_that_differ_by_their_seed_alone_belong_together() -> None:
    other = trained(3, data_seed=1)
    rival = trained(4, method={"name": "t2r"})
    again = Trained("again", trained(1).config, trained(1).comparison)
    runs = [trained(0), trained(1), other, rival, again]
    assert [[one.name for one in group] for group in alike_but_seed(runs)] == [["run-0", "run-1"]]
    assert alike_but_seed([trained(0), other]) == []
    data = {**trained(2).comparison.dataset, "sha256": "another file of that name"}
    elsewhere = Trained(
        "x", trained(2).config, trained(2).comparison.model_copy(update={"dataset": data})
    )
    assert alike_but_seed([trained(0), elsewhere]) == []


def test_the_change_has_its_mean_spread_and_interval_over_seeds() -> None:
    ratios = [1.01, 1.02, 1.06]
    found = over_seeds([trained(n, ratio) for n, ratio in enumerate(ratios)])
    assert found.reference == "control"
    logs = [math.log(ratio) for ratio in ratios]
    assert found.mean_percent == pytest.approx(100 * math.expm1(sum(logs) / 3))
    assert found.spread_points == pytest.approx(stdev([1.0, 2.0, 6.0]))
    assert (found.least_percent, found.most_percent) == (pytest.approx(1.0), pytest.approx(6.0))
    assert found.interval and found.interval.n == 3
    assert found.interval.high == pytest.approx(100 * math.expm1(mean_interval(logs).high))
    assert over_seeds([trained(0), trained(1)]).interval is None


def test_verdicts_are_counted_and_agree_only_where_all_are_the_same() -> None:
    same = over_seeds([trained(n, verdict="no_go") for n in range(3)])
    assert same.verdicts == {"no_go": 3} and same.agreed == "no_go"
    split = over_seeds([trained(0), trained(1, verdict="no_go"), trained(2)])
    assert split.verdicts == {"go": 2, "no_go": 1} and split.agreed is None
    assert split.gates["quality"] == {"go": 2, "no_go": 1}
    assert split.gates["memory"] == {"go": 3}


def test_a_run_whose_perplexity_says_nothing_leaves_no_mean() -> None:
    found = over_seeds([trained(0), trained(1, ratio=None)])
    assert found.mean_percent is None and found.runs[1].change_percent is None


def test_the_interval_over_seeds_covers_the_mean_as_often_as_promised() -> None:
    rng = np.random.default_rng(0)
    n, inside = 400, 0
    for logs in rng.normal(0.03, 0.02, (n, 3)):
        interval = mean_interval(logs.tolist())
        inside += interval.low <= 0.03 <= interval.high
    assert inside / n == pytest.approx(0.95, abs=4 * (0.95 * 0.05 / n) ** 0.5)
