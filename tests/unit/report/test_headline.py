"""The headline figures show what decided."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.evidence.results import Comparison
from engine.report.content import content
from engine.report.source import gather
from engine.report.words import LANGS, Words
from tests.support import example_reports as examples


def test_the_figures_show_the_speed_that_decided_even_where_prices_are_given(
    tmp_path: Path,
) -> None:
    run = examples.finished_run(tmp_path / "run", examples.comparison(slower=0.8))
    report = content(gather(run, examples.MONEY), "en")
    assert report.sentence == "Decided by: Speed."
    assert report.figures[2].title == "Generation speed"
    passing = examples.finished_run(tmp_path / "good", examples.passing())
    good = content(gather(passing, examples.MONEY), "en")
    assert good.verdict.word == "Go" and good.figures[2].title == "Cost of 1,000 documents"


@pytest.mark.parametrize("lang", LANGS)
def test_the_figures_show_the_recall_that_decided(tmp_path: Path, lang) -> None:
    made = examples.comparison().model_dump(mode="json")
    gates = made["verdict"]["gates"]
    recall = next(gate for gate in gates if gate["gate"] == "recall")
    recall |= {"verdict": "no_go", "reason": "beyond", "value": 12.0,
               "interval": {"estimate": 12.0, "low": 7.0, "high": 17.0, "n": 120}}  # fmt: skip
    made["verdict"] |= {"verdict": "no_go", "decided_by": ["recall"]}
    run = examples.finished_run(tmp_path / "run", Comparison.model_validate(made))
    figure = content(gather(run, examples.MONEY), lang).figures[2]
    words = Words(lang)
    assert figure.title == words("figure.recall.title") and figure.number == 12.0
    assert figure.mark is not None and figure.mark.word == words("verdict.word.no_go")
    assert "7.0" in figure.interval and "120" in figure.interval
