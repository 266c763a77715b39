"""The report says which part of a hybrid does the work, and so when the linear part is idle."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.report.content import content
from engine.report.model import Report
from engine.report.source import gather
from engine.report.words import LANGS, Lang, texts
from tests.support import example_reports as examples


def _report(folder: Path, lang: Lang, **ablation: object) -> Report:
    result = examples.comparison()
    assert result.ablation
    found = type(result.ablation).model_validate({**result.ablation.model_dump(), **ablation})
    run = examples.finished_run(folder, result.model_copy(update={"ablation": found}))
    return content(gather(run), lang)


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("label", ["idle", "undecided", "partly", "carries", None])
def test_the_label_stands_in_the_annex_and_a_bad_one_among_the_risks(
    tmp_path: Path, lang: Lang, label: str | None
) -> None:
    report = _report(tmp_path, lang, linear_branch=label)
    (annex,) = [one for one in report.annexes if one.title == texts(lang)["annex.parts"]]
    assert annex.paragraphs[1].startswith(texts(lang)[f"linear.label.{label or 'unknown'}"])
    starts = {one: texts(lang)[f"risk.linear_{one}"].split("{")[0] for one in ("idle", "undecided")}
    said = [one for one, start in starts.items() if any(start in b for b in report.risks.bullets)]
    assert said == [one for one in starts if one == label]


def test_every_part_left_out_has_its_row(tmp_path: Path) -> None:
    report = _report(tmp_path, "en")
    (annex,) = [one for one in report.annexes if one.title == texts("en")["annex.parts"]]
    rows = annex.tables[0].rows
    assert rows[0][0] == "Converted model, whole"
    assert all(len(row) == len(annex.tables[0].columns) for row in rows)
    assert len({row[0] for row in rows}) == len(rows) >= 5


def test_a_method_without_parts_has_no_such_annex(tmp_path: Path) -> None:
    run = examples.finished_run(
        tmp_path, examples.comparison().model_copy(update={"ablation": None})
    )
    titles = [one.title for one in content(gather(run), "en").annexes]
    assert texts("en")["annex.parts"] not in titles
