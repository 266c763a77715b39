"""The annex of controls, where a run has some, and the file itself in the evidence pack."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest

from engine import report
from engine.errors import BadRunConfig
from engine.evidence.control_parts import CONTROLS_FILE, Controls
from engine.report.content import content
from engine.report.html import html
from engine.report.source import gather
from engine.report.words import LANGS, Words
from engine.runs.records import Run
from tests.support import example_runs as examples


def _section(run: Run, lang: Any) -> Any:
    title = Words(lang)("annex.controls")
    return next((one for one in content(gather(run), lang).annexes if one.title == title), None)


def _keep(run: Run) -> None:
    found = Controls()
    crossing = {"estimate": 0.01, "low": -0.02, "high": 0.04, "n": 41}
    below = {"estimate": -0.2, "low": -0.3, "high": -0.1, "n": 41}
    for control in (
        examples.control("no-transfer"),
        examples.control("random-init", lost_nats=None, lost_interval=None, lost_facts=None),
        examples.control("elu", lost_nats=-0.2, lost_interval=below),
        examples.control("rfa", lost_nats=0.01, lost_interval=crossing),
    ):
        found = found.having(control)
    (run.folder / CONTROLS_FILE).write_text(found.model_dump_json())


@pytest.mark.parametrize("lang", LANGS)
def test_the_annex_is_there_where_controls_are(run: Run, lang: Any) -> None:
    assert _section(run, lang) is None
    _keep(run)
    section = _section(run, lang)
    (table,) = section.tables
    assert len(table.rows) == 5 and {len(row) for row in table.rows} == {len(table.columns)}
    assert table.rows[1][1:4] == ("160", "2.990", "138 / 200")
    assert table.rows[1][4] == "+0.1013" and "+20.0" in table.rows[1][6]
    assert table.rows[2][4:] == ("–", "–", "–")
    assert "{" not in "".join(section.paragraphs)
    assert section.title in html(content(gather(run), lang))


def test_each_sentence_claims_what_its_interval_allows(run: Run) -> None:
    _keep(run)
    _, transfer, pretraining, elu, rfa = _section(run, "en").paragraphs
    assert transfer.startswith("Attention transfer was worth 0.1013 nats per token. 95 % interval")
    assert "41" in transfer and "+0.0800 to +0.1200" in transfer
    assert "no finite numbers" in pretraining
    assert elu.startswith("With the same recipe, elu is 0.2000 nats per token better than hybrid.")
    assert "cannot be told" in rfa


def test_the_pack_holds_the_file_as_it_is(run: Run, tmp_path: Path) -> None:
    _keep(run)
    with zipfile.ZipFile(report.write(run, "pack", "en", out=tmp_path / "a.zip")) as archive:
        assert archive.read(CONTROLS_FILE) == (run.folder / CONTROLS_FILE).read_bytes()


def test_a_file_of_another_make_is_told(run: Run) -> None:
    (run.folder / CONTROLS_FILE).write_text('{"controls": [{"name": "mamba"}]}')
    with pytest.raises(BadRunConfig, match=CONTROLS_FILE):
        gather(run)
