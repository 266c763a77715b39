"""The task and the capacity probe in a report."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.report.content import content
from engine.report.html import html
from engine.report.source import gather
from engine.report.words import LANGS, Words
from tests.support import example_asked as asked_for
from tests.support import example_reports as examples


@pytest.mark.parametrize("lang", LANGS)
def test_scores_stand_with_their_change_and_interval(tmp_path: Path, lang) -> None:
    made = examples.comparison(task=asked_for.task(), mqar=asked_for.mqar())
    report = content(gather(examples.finished_run(tmp_path / "run", made), None), lang)
    words = Words(lang)
    pages = {page.title: page for page in report.annexes}
    task, mqar = pages[words("annex.task")], pages[words("annex.mqar")]
    assert task.paragraphs[0] == words("annex.task_text")
    asked = words("notes.task.asked_line", n="40", all="52", tokens=words.tokens(60))
    assert asked in task.paragraphs
    rouge = task.tables[0].rows[1]
    assert rouge[1:6] == ("21.0", "40.2", "36.1", "−4.1",
                          words("interval_cell", low="−7.5", high="−1.5", n="40"))  # fmt: skip
    judged = [str(size.pairs) for size in made.mqar.sizes if size.judged]
    assert words("notes.mqar.judged", pairs=words.listed(judged)) in mqar.paragraphs
    assert task.quotes == mqar.quotes == ()
    assert mqar.tables[0].rows[1][:4] == ("32", "158 / 160", "–", "53 / 160")
    assert words("annex.task") in html(report)


def test_a_signature_can_be_broken_into_lines(tmp_path: Path) -> None:
    found = asked_for.task()
    found["metrics"][2]["settings"] = "sacrebleu nrefs:1|case:mixed|eff:yes|nc:6|version:2.5.1"
    made = examples.comparison(task=found)
    report = content(gather(examples.finished_run(tmp_path / "run", made), None), "en")
    (task,) = [page for page in report.annexes if page.title == "Your task"]
    assert max(map(len, task.tables[0].rows[2][-1].split())) < 20


def test_what_was_not_measured_has_no_annex(tmp_path: Path) -> None:
    run = examples.finished_run(tmp_path / "run", examples.comparison())
    titles = [page.title for page in content(gather(run, None), "en").annexes]
    assert Words("en")("annex.task") not in titles and Words("en")("annex.mqar") not in titles


def test_what_nobody_does_is_not_judged(tmp_path: Path) -> None:
    made = examples.comparison(task=asked_for.task(judged=False), mqar=asked_for.mqar(judged=False))
    report = content(gather(examples.finished_run(tmp_path / "run", made), None), "en")
    pages = {page.title: page for page in report.annexes}
    assert "nothing about the conversion" in pages["Your task"].paragraphs[0]
    assert pages["Pairs kept apart (MQAR)"].tables[0].rows[0][-2] == "not judged"


@pytest.mark.parametrize("lang", LANGS)
def test_several_inputs_at_once_have_tables_of_their_own(tmp_path: Path, lang) -> None:
    made = examples.comparison(**asked_for.timed_in_detail())
    report = content(gather(examples.finished_run(tmp_path / "run", made), None), lang)
    words = Words(lang)
    (speed,) = [page for page in report.annexes if page.title == words("annex.speed")]
    titles = [table.caption for table in speed.tables]
    assert titles[2:] == [
        words("table.batch", title=words(f"table.{phase}"), n="2")
        for phase in ("decode", "prefill")
    ]
    assert words("out_of_memory") in speed.tables[2].rows[-1]
