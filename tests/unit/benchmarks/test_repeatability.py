"""The judgement on two measurements of the same thing."""

import numpy as np

from benchmarks.repeatability import judgement, told_apart
from engine.evidence.savings import ratio_of_times


def _interval(rng, between: float, level: float = 0.0):
    logs = np.repeat(rng.normal(level, between, 5), 2) + rng.normal(0, 0.02, 10)
    found = ratio_of_times(np.exp(logs).tolist(), [1.0] * 10, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4])
    assert found
    return found


def test_the_same_is_told_apart_as_often_as_promised_and_another_more_often() -> None:
    rng = np.random.default_rng(0)
    same = [told_apart(_interval(rng, 0.1), _interval(rng, 0.1)) for _ in range(400)]
    assert sum(same) / 400 < 0.05 + 4 * (0.05 * 0.95 / 400) ** 0.5
    other = [told_apart(_interval(rng, 0.1), _interval(rng, 0.1, 0.3)) for _ in range(100)]
    assert sum(other) > 90


def test_points_near_each_other_keep_the_promise_and_far_ones_that_are_told_apart_do_not() -> None:
    near = {"difference_percent": 4.0, "told_apart": True}
    open_ = {"difference_percent": 12.0, "told_apart": False}
    broken = {"difference_percent": 12.0, "told_apart": True}
    assert judgement([near, open_] * 6)["broken"] == 0
    assert judgement([near, open_] * 6)["chance_of_so_many"] == 1
    one = judgement([broken, *[near, open_] * 5])
    assert one["broken"] == 1 and one["kept"]
    assert not judgement([broken] * 3 + [open_] * 9)["kept"]
