"""The sample run that comes with the project, read once at start."""

from __future__ import annotations

from dataclasses import dataclass

from app.numbers import day
from app.text import t, tn
from engine.evidence.results import Comparison
from engine.runs import service
from engine.runs.records import Run


@dataclass(frozen=True)
class Sample:
    """A finished run that a first visitor can open."""

    run: Run
    comparison: Comparison

    def label(self, lang: str) -> str:
        """Where its numbers come from."""
        return sample_label(self.comparison, lang)


def sample_label(comparison: Comparison, lang: str) -> str:
    """When and on which machine its numbers were measured."""
    environment = comparison.environment
    cores = tn("unit.cores", lang, environment.cores)
    return t(
        "compare.sample_label", lang,
        machine=f"{environment.cpu}, {cores}", date=day(environment.date, lang=lang),
    )  # fmt: skip


def first_sample() -> Sample | None:
    """The sample run shown on the first view; None when the project carries none."""
    for run in service.list_runs():
        content = service.comparison(run.id) if run.sample else None
        if content is not None:
            return Sample(run, Comparison.model_validate(content))
    return None
