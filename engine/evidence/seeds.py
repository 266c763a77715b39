"""Runs that differ by the seed of their training alone: what another seed changes.

Held-out documents, questions and gates are the same in all of them, so that the spread is the
training's. How a single run's interval over documents relates to it: that one says where the loss
of these weights lies on other documents, this one where the loss of other weights lies on these.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any, Literal

from engine.evidence.parts import Quality
from engine.evidence.result import Result
from engine.evidence.results import Comparison
from engine.evidence.stats import Interval, mean_interval
from engine.evidence.verdict import GateName, Word

FEWEST_SEEDS = 3
"""With fewer no interval is given: of two, Student's quantile makes it say nothing."""


@dataclass(frozen=True)
class Trained:
    """A run that is done: its name, its frozen settings and what was measured."""

    name: str
    config: Mapping[str, Any]
    comparison: Comparison

    @property
    def seed(self) -> int:
        """Of the training."""
        return int(self.config.get("seed", 0))


class SeedOutcome(Result):
    """One of the runs."""

    run: str
    """Its name."""
    seed: int
    """Seed of its training."""
    change_percent: float | None
    """Change in held-out perplexity against `reference`, in %; null where it cannot be judged."""
    verdict: Word | None
    """The overall verdict; null without any."""
    gates: dict[GateName, Word]
    """The verdict of every gate."""


class Seeds(Result):
    """What several seeds of one training gave."""

    runs: tuple[SeedOutcome, ...]
    """By seed."""
    reference: Literal["original", "control"]
    """Whose perplexity the change is held against: that which the quality gate names."""
    mean_percent: float | None
    """Mean change in held-out perplexity (geometric mean of the ratios), in %; null where a run's
    cannot be judged."""
    spread_points: float | None
    """Standard deviation of the changes between seeds, in percentage points."""
    least_percent: float | None
    """The smallest change."""
    most_percent: float | None
    """The largest."""
    interval: Interval | None
    """Where the mean over all seeds may lie, in %: Student's interval of the log ratio over the
    seeds, on these documents; null with fewer than 3."""
    verdicts: dict[Word, int]
    """How many runs have each overall verdict."""
    gates: dict[GateName, dict[Word, int]]
    """The same of every gate."""

    @property
    def agreed(self) -> Word | None:
        """The overall verdict where all seeds have the same; None where they differ."""
        word = next(iter(self.verdicts), None)
        return word if word and self.verdicts[word] == len(self.runs) else None


def alike_but_seed(runs: Iterable[Trained]) -> list[list[Trained]]:
    """The runs in groups of two seeds or more that have everything else in common: model, data,
    method, recipe, gates and what was measured. Of several runs with one seed the first counts."""
    groups: dict[str, dict[int, Trained]] = {}
    for run in runs:
        groups.setdefault(_but_seed(run), {}).setdefault(run.seed, run)
    return [list(group.values()) for group in groups.values() if len(group) > 1]


def _but_seed(run: Trained) -> str:
    same = {key: value for key, value in run.config.items() if key != "seed"}
    return json.dumps([same, run.comparison.dataset.get("sha256")], sort_keys=True)


def over_seeds(runs: Sequence[Trained]) -> Seeds:
    """Put the runs of one group together."""
    reference = _reference(runs)
    logs = [_log_ratio(run.comparison.quality, reference) for run in runs]
    outcomes = [
        SeedOutcome(
            run=run.name, seed=run.seed, change_percent=None if log is None else _percent(log),
            verdict=run.comparison.verdict.verdict if run.comparison.verdict else None,
            gates={gate.gate: gate.verdict for gate in run.comparison.verdict.gates}
            if run.comparison.verdict else {},
        )
        for run, log in zip(runs, logs)
    ]  # fmt: skip
    known = [log for log in logs if log is not None]
    whole = len(known) == len(runs)
    changes = [_percent(log) for log in known]
    names: dict[GateName, None] = dict.fromkeys(gate for one in outcomes for gate in one.gates)
    return Seeds(
        runs=tuple(sorted(outcomes, key=lambda one: one.seed)),
        reference=reference,
        mean_percent=_percent(fmean(known)) if whole else None,
        spread_points=stdev(changes) if whole else None,
        least_percent=min(changes) if whole else None,
        most_percent=max(changes) if whole else None,
        interval=mean_interval(known).mapped(_percent)
        if whole and len(known) >= FEWEST_SEEDS
        else None,
        verdicts=dict(Counter(one.verdict for one in outcomes if one.verdict)),
        gates={
            name: dict(Counter(one.gates[name] for one in outcomes if name in one.gates))
            for name in names
        },
    )


def _reference(runs: Sequence[Trained]) -> Literal["original", "control"]:
    named = (runs[0].config.get("gates") or {}).get("quality_against", "control")
    trained = all(run.comparison.quality.control for run in runs)
    return "control" if named == "control" and trained else "original"


def _log_ratio(quality: Quality, reference: Literal["original", "control"]) -> float | None:
    against = quality.control if reference == "control" else quality.original
    if against is None or quality.guesses(quality.original) or quality.guesses(against):
        return None
    mine, theirs = quality.converted.perplexity, against.perplexity
    return math.log(mine / theirs) if mine and theirs else None


def _percent(log: float) -> float:
    return 100 * math.expm1(log)
