"""The annex on the attention says what comparison.json says, layer by layer."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.report.inner import attention
from engine.report.model import Section
from engine.report.source import gather
from engine.report.words import LANGS, Lang, Words
from tests.support import example_reports as examples


def _annex(folder: Path, lang: Lang = "en", **fidelity: object) -> Section | None:
    result = examples.comparison()
    assert result.fidelity
    found = type(result.fidelity).model_validate({**result.fidelity.model_dump(), **fidelity})
    run = examples.finished_run(folder, result.model_copy(update={"fidelity": found}))
    return attention(gather(run), Words(lang))


@pytest.mark.parametrize("lang", LANGS)
def test_every_converted_layer_has_its_row_and_kept_ones_are_named(tmp_path, lang) -> None:
    annex = _annex(tmp_path / "run", lang)
    assert annex is not None
    (table,) = annex.tables
    assert [row[0] for row in table.rows] == ["0", "3"]
    assert table.rows[0][1:4] == ("0.075", "0.100", "2.00 → 3.00")
    assert table.rows[0][-2] == "0.0 → 4.5" and table.rows[0][-1].startswith("12.5")
    assert table.rows[1][-2] == "–" and annex.paragraphs[1].rstrip("。.").endswith("2")
    assert len(table.columns) == len(table.rows[0])


def test_what_was_not_measured_is_left_open_or_out(tmp_path: Path) -> None:
    older = _annex(tmp_path / "older", states=[], state_at_tokens=[], maps=None)
    assert older is not None and older.tables[0].rows[0][-2:] == ("–", "–")
    assert _annex(tmp_path / "none", heads=[]) is None
