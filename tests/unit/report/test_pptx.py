"""The slides open again, hold the run's numbers, and keep inside their edges."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from pptx import Presentation

from engine.report.content import content
from engine.report.pptx import pptx
from engine.report.slides import lines_needed
from engine.report.source import gather
from engine.report.words import LANGS, Words
from engine.runs import service
from tests.support import example_reports as examples


def _opened(run: Any, lang: Any, money: Any = None) -> tuple[Any, Any]:
    report = content(gather(run, money), lang)
    return Presentation(io.BytesIO(pptx(report))), report


def _text(deck: Any) -> str:
    parts: list[str] = []
    for shape in (shape for slide in deck.slides for shape in slide.shapes):
        if shape.has_text_frame:
            parts.append(shape.text_frame.text)
        if shape.has_table:
            parts += [cell.text for row in shape.table.rows for cell in row.cells]
    return "\n".join(parts)


@pytest.mark.parametrize("lang", LANGS)
def test_the_slides_hold_the_verdict_and_the_numbers(run, lang) -> None:
    deck, report = _opened(run, lang, examples.MONEY)
    told = _text(deck)
    assert report.verdict.word in told and report.sentence in told
    for figure in report.figures:
        assert figure.value in told and figure.interval in told
    for text in (*report.lines.bullets, *report.risks.bullets, *report.untested.bullets):
        assert text in told
    for gate in report.gates:
        assert gate.measured in told and gate.limit in told
    assert all(slide.shapes.title.text for slide in deck.slides)


def test_the_charts_are_native_and_hold_the_files_numbers(run) -> None:
    deck, _ = _opened(run, "en")
    stored = json.loads((run.folder / "comparison.json").read_text())
    charts = [s.chart for slide in deck.slides for s in slide.shapes if s.has_chart]
    memory, decode = charts[:2]
    for place, party in enumerate(("original", "converted")):
        points = stored["memory"][party]
        series = memory.plots[0].series[place]
        assert list(series.values) == [p["cache_bytes"] / 2**20 for p in points]
        assert [float(x.text) for x in series._element.findall(
            "./{*}xVal//{*}v")] == [p["context_tokens"] for p in points]  # fmt: skip
        speeds = stored["speed"]["decode"][party]
        assert list(decode.plots[0].series[place].values) == [p["tokens_per_s"] for p in speeds]
    # The numbers can be edited: each chart carries its workbook.
    assert all(chart.part.chart_workbook.xlsx_part is not None for chart in charts)


def _keeps_inside(deck: Any) -> None:
    for slide in deck.slides:
        for shape in slide.shapes:
            assert shape.left >= 0 and shape.left + shape.width <= deck.slide_width
            assert shape.top >= 0 and shape.top + shape.height <= deck.slide_height
            if not shape.has_text_frame or not shape.text_frame.text:
                continue
            needed = sum(
                lines_needed(p.text, p.runs[0].font.size.pt, shape.width.inches)
                * p.runs[0].font.size.pt * 1.2
                for p in shape.text_frame.paragraphs if p.runs
            )  # fmt: skip
            assert needed <= shape.height.pt * 1.02, shape.text_frame.text
        for shape in slide.shapes:
            if shape.has_table:
                _rows_hold_their_text(shape.table)
                below = [one for one in slide.shapes if one.top > shape.top]
                end = shape.top + sum(row.height for row in shape.table.rows)
                assert all(one.top >= end for one in below), "something stands on the table"


def _rows_hold_their_text(table: Any) -> None:
    for row in table.rows:
        for cell, column in zip(row.cells, table.columns):
            needed = sum(
                lines_needed(p.text, p.runs[0].font.size.pt, column.width.inches)
                * p.runs[0].font.size.pt * 1.2
                for p in cell.text_frame.paragraphs if p.runs
            )  # fmt: skip
            assert needed <= row.height.pt * 1.02, cell.text_frame.text


@pytest.mark.parametrize("lang", LANGS)
def test_nothing_leaves_its_slide_or_its_box(run, lang) -> None:
    _keeps_inside(_opened(run, lang, examples.MONEY)[0])


@pytest.mark.parametrize("lang", LANGS)
def test_the_slides_of_the_sample_keep_their_tables_apart_from_all_else(lang) -> None:
    """A real run with controls: long names of columns, intervals, hashes, and notes."""
    deck, report = _opened(service.find("sample-bundled"), lang)
    _keeps_inside(deck)
    told = _text(deck)
    # A short note has no slide to itself: the first part of a long table stands below it.
    long = Words(lang)("annex.settings")
    first = next(slide for slide in deck.slides if long in slide.shapes.title.text)
    assert any(shape.has_table for shape in first.shapes)
    for section in report.annexes:
        assert section.title in told
        for table in section.tables:
            assert table.caption in told and all(row[0] in told for row in table.rows)


def test_a_long_prompt_keeps_the_question_at_its_end(tmp_path: Path) -> None:
    made = examples.comparison().model_dump(mode="json")
    made["answers"]["prompt_tail"] = "Beginning. " + "A fact. " * 300 + "Question: which?"
    run = examples.finished_run(tmp_path / "run", examples.comparison(answers=made["answers"]))
    told = _text(_opened(run, "en")[0])
    assert "Beginning." in told and "Question: which?" in told and "…" in told


def test_hostile_texts_make_a_file_that_opens(tmp_path: Path) -> None:
    made = examples.comparison().model_dump(mode="json")
    made["answers"]["prompt_tail"] = examples.HOSTILE * 400
    made["dataset"]["name"] = examples.HOSTILE
    run = examples.finished_run(
        tmp_path / "evil", examples.comparison(answers=made["answers"], dataset=made["dataset"]),
        name="名前" * 300, model="x" * 500,
    )  # fmt: skip
    deck, _ = _opened(run, "ja")
    _keeps_inside(deck)
    told = _text(deck)
    assert "<script>alert(1)</script>" in told and "\x00" not in told and "…" in told


def test_a_run_from_before_the_gates_has_slides(tmp_path: Path) -> None:
    deck, report = _opened(examples.run_before_gates(tmp_path / "early"), "en")
    assert "No verdict" in _text(deck) and report.gates == ()
