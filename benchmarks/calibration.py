"""Are the verdicts calibrated? Planted truths, judged thousands of times; prints one JSON document.

    python -m benchmarks.calibration > benchmarks/results/calibration-DATE.json

Quality: populations of documents whose true change in perplexity is known, because it is computed
over the whole population; data sets of n documents are drawn from them and go through the same
`judge` as a run. Half of the populations are made up (even, skewed and heavy-tailed losses), half
are real per-document losses of the bundled model and of copies damaged on purpose. Recall, speed
and votes are drawn from known chances.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.planted import damaged_populations, judge_quality, made_up_populations
from engine.configs import AcceptanceGates
from engine.evidence.judging import lost
from engine.evidence.parts import QuestionOutcome
from engine.evidence.savings import ratio_of_times
from engine.evidence.stats import Interval, paired_rates, wilson

SIZES = (6, 10, 20, 50)
DISTANCES = 6


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

    def row(self) -> dict[str, Any]:
        """The shares."""
        return {
            "truth": round(self.truth, 4),
            "data_sets": self.n,
            "coverage": round(self.covered / self.n, 4),
            "below_truth": round(self.below / self.n, 4),
            "mean_width": round(self.width / self.n, 4),
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


def recall(loss: float, *, questions: int, data_sets: int, seed: int) -> dict[str, Any]:
    """The original answers 95 %; the converted model answers anew with `loss` less, where the two
    share nine questions in ten."""
    rng = np.random.default_rng(seed)
    tally, worse, caught, false_distances = Tally(100 * loss), 0, 0, 0
    limit = AcceptanceGates().recall_loss_points or 0.0
    for _ in range(data_sets):
        shared = rng.random(questions) < 0.9
        first = rng.random(questions)
        second = np.where(shared, first, rng.random(questions))
        ours, theirs = first < 0.95, second < 0.95 - loss
        interval = paired_rates(ours.tolist(), theirs.tolist()).mapped(lambda rate: 100 * rate)
        tally.add(interval)
        worse += interval.low > 0
        caught += interval.low > limit
        outcomes = [
            QuestionOutcome(
                number=i, language="en", kind="planted", distance_tokens=64 << (i % DISTANCES),
                original=bool(a), converted=bool(b),
            )
            for i, (a, b) in enumerate(zip(ours, theirs))
        ]  # fmt: skip
        false_distances += bool(lost(outcomes))
    return {
        "questions": questions, **tally.row(), "called_worse": round(worse / data_sets, 4),
        "default_gate_no_go": round(caught / data_sets, 4),
        "some_distance_called_lost": round(false_distances / data_sets, 4),
    }  # fmt: skip


def speed(speedup: float, *, repeats: int, data_sets: int, seed: int) -> dict[str, Any]:
    """Times with a noise of 8 %, a shared drift, and one reading in ten up to twice as long."""
    rng = np.random.default_rng(seed)
    tally = Tally(speedup)
    for _ in range(data_sets):
        drift = np.cumsum(rng.normal(0, 0.02, repeats))
        sides = [
            np.exp(rng.normal(0, 0.08, repeats) + drift)
            * np.where(rng.random(repeats) < 0.1, rng.uniform(1, 2, repeats), 1.0)
            for _ in range(2)
        ]
        interval = ratio_of_times((sides[0] * speedup).tolist(), sides[1].tolist())
        assert interval is not None
        tally.add(interval)
    return {"repeats": repeats, **tally.row()}


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


def calibrate(*, data_sets: int, documents: int, sizes: tuple[int, ...] = SIZES) -> dict[str, Any]:
    """All of it.

    Args:
        data_sets: drawn per truth and size.
        documents: scored by the real models; 0 leaves them out.
        sizes: documents in a data set.
    """
    populations = made_up_populations()
    if documents:
        populations |= damaged_populations(documents)
    rows = []
    for number, (name, (losses, tokens)) in enumerate(populations.items()):
        for size in sizes:
            row = quality(losses, tokens, documents=size, data_sets=data_sets, seed=number)
            rows.append({"population": name, **row})
            print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    return {
        "quality": rows,
        "recall": [
            recall(loss, questions=n, data_sets=data_sets, seed=n)
            for loss in (0.0, 0.1, 0.2) for n in (60, 120, 240)
        ],
        "speed": [
            speed(ratio, repeats=n, data_sets=data_sets, seed=n)
            for ratio in (1.0, 1.5) for n in (5, 10, 20)
        ],
        "votes": [votes(rate, n) for rate in (0.5, 0.6, 0.8) for n in (20, 50, 100)],
    }  # fmt: skip


def main() -> None:
    """Measure once and print."""
    from engine.version import VERSION

    parser = argparse.ArgumentParser(prog="python -m benchmarks.calibration", description=__doc__)
    parser.add_argument("--data-sets", type=int, default=2000, metavar="N")
    parser.add_argument("--documents", type=int, default=240, metavar="N")
    options = parser.parse_args()
    found = calibrate(data_sets=options.data_sets, documents=options.documents)
    command = f"--data-sets {options.data_sets} --documents {options.documents}"
    print(json.dumps({"engine": VERSION, "arguments": command, **found}, indent=1))


if __name__ == "__main__":
    main()
