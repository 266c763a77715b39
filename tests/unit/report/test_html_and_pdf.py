"""The page holds the numbers and no script; the PDF opens and holds the same text."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pypdf
import pytest

from engine.errors import ReportUnavailable
from engine.evidence.stats import Interval
from engine.evidence.verdict import GateVerdict, overall
from engine.report.content import content
from engine.report.html import html
from engine.report.pdf import pdf
from engine.report.source import gather
from engine.report.words import LANGS, Words
from tests.support import example_reports as examples


def _has_pango() -> bool:
    try:
        import weasyprint  # noqa: F401
    except OSError:
        return False
    return True


needs_pango = pytest.mark.skipif(not _has_pango(), reason="the Pango library is missing")


class _Tags(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


def _flat(text: str) -> str:
    """Text without any space: line breaks of a page are no part of it."""
    return re.sub(r"\s", "", text.replace("\N{NO-BREAK SPACE}", ""))


def _hostile(tmp_path: Path):
    made = examples.comparison().model_dump(mode="json")
    made["answers"]["prompt_tail"] = made["answers"]["original"]["text"] = examples.HOSTILE
    made["answers"]["expected"] = made["recall"]["note"] = examples.HOSTILE
    made["dataset"]["name"] = examples.HOSTILE + ".csv"
    made["environment"]["cpu"] = made["conversion"]["method"] = examples.HOSTILE
    changed = {part: made[part] for part in
               ("answers", "recall", "dataset", "environment", "conversion")}  # fmt: skip
    return examples.finished_run(
        tmp_path / "evil", examples.comparison(**changed), name=examples.HOSTILE,
        model=f"/home/x/{examples.HOSTILE}", text_column=examples.HOSTILE,
    )  # fmt: skip


@pytest.mark.parametrize("lang", LANGS)
def test_the_page_needs_nothing_and_runs_nothing(run, lang) -> None:
    page = html(content(gather(run, examples.MONEY), lang))
    found = _Tags(page)
    assert not found.tags & {"script", "img", "link", "iframe", "object", "form", "a"}
    assert not {name for name in found.attributes if name.startswith("on")} | (
        found.attributes & {"src", "href", "action"})  # fmt: skip
    assert set(re.findall(r"https?://[^\"'\s]+", page)) == {"http://www.w3.org/2000/svg"}
    assert "url(" not in page and "@import" not in page
    assert f'<html lang="{lang}">' in page and found.tags >= {"svg", "table", "caption"}


@pytest.mark.parametrize("lang", LANGS)
def test_hostile_names_and_texts_stay_text(tmp_path: Path, lang) -> None:
    page = html(content(gather(_hostile(tmp_path)), lang))
    found = _Tags(page)
    assert not found.tags & {"script", "img"}
    assert not {name for name in found.attributes if name.startswith("on")}
    assert page.count("</style>") == 1 and "49" not in re.findall(r"&amp;(\d+)", page)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page and "{{7*7}}" in page


@pytest.mark.parametrize("lang", LANGS)
@needs_pango
def test_the_pdf_opens_and_holds_the_runs_numbers(run, lang) -> None:
    report = content(gather(run, examples.MONEY), lang)
    made = pypdf.PdfReader(io.BytesIO(pdf(report)))
    pages = [_flat(page.extract_text()) for page in made.pages]
    words = Words(lang)
    assert _flat(report.verdict.word) in pages[0] and _flat(report.sentence) in pages[0]
    for figure in report.figures:
        assert _flat(figure.value) in pages[0] and _flat(figure.interval) in pages[0]
    for gate in report.gates:
        assert _flat(gate.measured) in pages[0]
    # Two pages to decide by, then the annexes.
    assert _flat(words("risk.title")) in pages[1] and _flat(words("untested.title")) in pages[1]
    assert pages[2].startswith(_flat(f"{words('report.annex')}1"))
    assert round(float(made.pages[0].mediabox.width)) == 595  # A4 in points
    assert made.metadata is not None and made.metadata.title == report.title


def _longest(tmp_path: Path):
    """Five gates, each with something to say, and every risk there is."""
    made = examples.comparison().model_dump(mode="json")
    for party, peak in (("original", 30), ("converted", 90)):
        for point in made["memory"][party]:
            point["peak_bytes"] = peak * 2**20
    ends = Interval(estimate=0.9, low=0.7, high=1.1, n=12)
    shared = {"value": 0.9, "interval": ends, "limit": 1.0, "context_tokens": 8192}
    open_ = {"verdict": "not_enough_evidence", "reason": "crosses"}
    lost = {"verdict": "conditional", "reason": "lost_at", "at_tokens": (512, 1024, 1843)}
    worse = {"verdict": "conditional", "reason": "worse_at", "at_tokens": (512, 1024, 2048, 4096)}
    gates = [
        GateVerdict.model_validate({**shared, "gate": gate, "unit": unit, **more})
        for gate, unit, more in (
            ("quality", "documents", {**open_, "reference": "control", "more": 120}),
            ("recall", "questions", lost), ("speed", "repeats", worse),
            ("memory", "repeats", worse), ("cost", "repeats", open_),
        )
    ]  # fmt: skip
    verdict = overall(gates, "frozen", "a" * 64)
    changed = examples.comparison(memory=made["memory"]).model_copy(update={"verdict": verdict})
    return examples.finished_run(tmp_path / "long", changed, name="a-rather-long-name-of-a-run")


@pytest.mark.parametrize("lang", LANGS)
@needs_pango
def test_the_longest_report_decides_on_two_pages(tmp_path: Path, lang) -> None:
    report = content(gather(_longest(tmp_path), examples.MONEY), lang)
    made = pypdf.PdfReader(io.BytesIO(pdf(report)))
    first, second, third = (_flat(page.extract_text()) for page in made.pages[:3])
    assert _flat(report.money.paragraphs[-1]) in first
    assert (
        _flat(report.risks.bullets[-1]) in second and _flat(report.untested.bullets[-1]) in second
    )
    assert third.startswith(_flat(f"{Words(lang)('report.annex')}1"))


@needs_pango
def test_a_hostile_run_makes_a_pdf_too(tmp_path: Path) -> None:
    made = pypdf.PdfReader(io.BytesIO(pdf(content(gather(_hostile(tmp_path)), "ja"))))
    assert "alert(1)" in "".join(page.extract_text() for page in made.pages)
    assert not any("/Annots" in page for page in made.pages)


@needs_pango
def test_making_a_pdf_says_nothing_of_its_steps_but_errors(tmp_path: Path) -> None:
    """In a process of its own: the library tells steps when it is first imported, too."""
    code = (
        "import logging, pathlib, sys\n"
        "logging.basicConfig(level=logging.DEBUG, format='%(name)s %(message)s')\n"
        "from engine import report\n"
        "from engine.runs import service\n"
        "report.write(service.find('sample-bundled'), 'pdf', 'en', out=pathlib.Path(sys.argv[1]))\n"
        "logging.getLogger('weasyprint').error('gone wrong')\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "report.pdf")]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    steps = [line for line in said.splitlines() if line.startswith(("weasyprint", "fontTools"))]
    assert steps == ["weasyprint gone wrong"]


@pytest.mark.parametrize("lang", LANGS)
@needs_pango
def test_a_run_from_before_the_gates_has_a_pdf(tmp_path: Path, lang) -> None:
    report = content(gather(examples.run_before_gates(tmp_path / "early")), lang)
    first = pypdf.PdfReader(io.BytesIO(pdf(report))).pages[0].extract_text()
    assert _flat(Words(lang)("verdict.none.word")) in _flat(first)


def test_without_pango_the_error_says_what_to_install(
    run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lacking = tmp_path / "lacking"
    lacking.mkdir()
    (lacking / "weasyprint.py").write_text("raise OSError('cannot load library libpango-1.0-0')")
    monkeypatch.delitem(__import__("sys").modules, "weasyprint", raising=False)
    monkeypatch.syspath_prepend(str(lacking))
    with pytest.raises(ReportUnavailable, match="Pango") as caught:
        pdf(content(gather(run), "en"))
    assert "libpango-1.0-0" in caught.value.hint and "html" in caught.value.hint
