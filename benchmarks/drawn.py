"""Data sets drawn from planted truths, each judged as a run is; for `benchmarks.calibration`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.planted import judge_quality, judge_recall
from engine.configs import AcceptanceGates
from engine.evidence.savings import ratio_of_times
from engine.evidence.stats import Interval, wilson

RECALL_TRUTHS = (
    (0.0, 0.95, 0.9), (0.1, 0.95, 0.9), (0.2, 0.95, 0.9),
    (0.0, 0.7, 0.0), (0.0, 0.6, 0.0), (0.0, 0.5, 0.0), (0.0, 0.4, 0.0),
)  # fmt: skip
"""Share of questions lost, share that the original answers, and share that goes by one chance."""


@dataclass
class Tally:
    """What happened over many data sets with one truth."""

    truth: float
    covered: int = 0
    below: int = 0
    """Intervals wholly below the truth: for a loss, too good."""
    width: float = 0.0
    n: int = 0

    def add(self, interval: Interval) -> None:
        """Count one data set."""
        self.n += 1
        self.covered += interval.low <= self.truth <= interval.high
        self.below += interval.high < self.truth
        self.width += interval.high - interval.low

    def row(self, digits: int = 4) -> dict[str, Any]:
        """The shares; `digits` of the truth and the width."""
        return {
            "truth": round(self.truth, digits),
            "data_sets": self.n,
            "coverage": round(self.covered / self.n, 4),
            "below_truth": round(self.below / self.n, 4),
            "mean_width": round(self.width / self.n, digits),
        }


def quality(
    losses: np.ndarray, tokens: np.ndarray, *, documents: int, data_sets: int, seed: int
) -> dict[str, Any]:
    """Draw data sets of so many documents and judge each by the default gate. "Called worse" is an
    interval wholly above zero.

    Args:
        losses: of each document of the population, additional nats of the converted model.
        tokens: of each document.
    """
    rng = np.random.default_rng(seed)
    tally = Tally(100 * math.expm1(min(losses.sum() / tokens.sum(), 700.0)))
    default = AcceptanceGates()
    words = {"go": 0, "no_go": 0, "not_enough_evidence": 0}
    worse = 0
    for _ in range(data_sets):
        drawn = rng.integers(0, len(losses), documents)
        found = judge_quality(losses[drawn], tokens[drawn], default)
        words[found.verdict] += 1
        assert found.interval is not None  # no data set is smaller than the fewest allowed
        tally.add(found.interval)
        worse += found.interval.low > 0
    shares = {f"default_gate_{word}": round(count / data_sets, 4) for word, count in words.items()}
    return {"documents": documents, **tally.row(), "called_worse": round(worse / data_sets, 4),
            **shares}  # fmt: skip


def recall(
    loss: float, *, original: float, shared: float, questions: int, data_sets: int, seed: int
) -> dict[str, Any]:
    """The original answers so many questions and the converted model `loss` less, each by chance;
    the two share the chance of a part of them. Judged as a run is, choice of the probes included.

    Args:
        loss: true share of questions lost.
        original: share that the original answers.
        shared: share of the questions in which both go by the same chance; 0 is the hardest on the
            choice of the probes, since nothing that the original gets by luck is then shared.
        questions: in all, before the choice.
    """
    rng = np.random.default_rng(seed)
    tally, gates = Tally(100 * loss), AcceptanceGates()
    worse = caught = some_distance = n = 0
    for _ in range(data_sets):
        first = rng.random(questions)
        second = np.where(rng.random(questions) < shared, first, rng.random(questions))
        found, lost = judge_recall(first < original, second < original - loss, gates)
        some_distance += bool(lost)
        if found.interval is None:  # too few of the probes are passed
            continue
        tally.add(found.interval)
        n += found.interval.n
        worse += found.interval.low > 0
        caught += found.verdict == "no_go"
    shares = {"judged": tally.n, "called_worse": worse, "default_gate_no_go": caught,
              "some_distance_called_lost": some_distance}  # fmt: skip
    return {
        "original": original, "shared": shared, "questions": questions, **tally.row(),
        "mean_judged_questions": round(n / tally.n, 1),
        **{name: round(count / data_sets, 4) for name, count in shares.items()},
    }  # fmt: skip


def speed(
    speedup: float, *, starts: int, repeats: int, between: float, data_sets: int, seed: int
) -> dict[str, Any]:
    """Times with a noise of 8 %, a shared drift, one reading in ten up to twice as long, and a
    speed of its own that each start gives each model.

    Args:
        speedup: the true ratio.
        starts: of both models.
        repeats: in each start.
        between: standard deviation of a start's own speed on the log scale.
    """
    rng = np.random.default_rng(seed)
    tally, in_one = Tally(speedup), Tally(speedup)
    n, of_start = starts * repeats, np.repeat(np.arange(starts), repeats)
    for _ in range(data_sets):
        drift = np.cumsum(rng.normal(0, 0.02, n))
        within = [
            np.exp(rng.normal(0, 0.08, n) + drift)
            * np.where(rng.random(n) < 0.1, rng.uniform(1, 2, n), 1.0)
            for _ in range(2)
        ]
        own = np.exp(rng.normal(0, between, (2, starts)))
        for one, groups in ((tally, of_start), (in_one, np.zeros(n, int))):
            sides = [noise * side[groups] for noise, side in zip(within, own)]
            interval = ratio_of_times(
                (sides[0] * speedup).tolist(), sides[1].tolist(), groups.tolist()
            )
            assert interval is not None
            one.add(interval)
    return {
        "starts": starts, "repeats": n, "between_starts": between, **tally.row(),
        "coverage_in_one_start": in_one.row()["coverage"],
    }  # fmt: skip


def votes(rate: float, n: int) -> dict[str, Any]:
    """Exact coverage of Wilson's interval: every number of wins, weighted by its chance."""
    covered = width = 0.0
    for wins in range(n + 1):
        chance = math.comb(n, wins) * rate**wins * (1 - rate) ** (n - wins)
        interval = wilson(wins, n)
        covered += chance * (interval.low <= rate <= interval.high)
        width += chance * (interval.high - interval.low)
    return {"votes": n, "truth": rate, "coverage": round(covered, 4),
            "mean_width": round(width, 4)}  # fmt: skip
