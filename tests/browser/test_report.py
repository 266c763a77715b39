"""Reports as a visitor gets them: one click, a real file, the run's own numbers in it."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path

import pypdf
import pytest
from playwright.sync_api import Page, expect
from pptx import Presentation

from engine.report import LANGS

SAMPLE = "/?run=sample-bundled"
AGREEMENT = "95.3"
"""Agreement of the made-up sample in %, as its tile on the page says."""


def _download(page: Page, wanted: str, lang: str, folder: Path) -> Path:
    page.locator("#report-lang").get_by_label("日本語" if lang == "ja" else "English").check()
    with page.expect_download() as waiting:
        page.locator(f"#report-{wanted}").click()
    download = waiting.value
    assert re.fullmatch(rf"t2r-sample-bundled-{lang}\.\w+", download.suggested_filename)
    path = folder / download.suggested_filename
    download.save_as(path)
    expect(page.locator("#report-said")).to_contain_text(download.suggested_filename)
    return path


@pytest.mark.parametrize("lang", LANGS)
def test_every_download_opens_and_holds_the_numbers(open_page, tmp_path: Path, lang: str) -> None:
    pytest.importorskip("weasyprint", exc_type=OSError, reason="the Pango library is missing")
    page = open_page(SAMPLE)
    expect(page.locator("#tiles")).to_contain_text(f"{AGREEMENT} %")
    pdf = pypdf.PdfReader(_download(page, "pdf", lang, tmp_path))
    assert AGREEMENT in "".join(sheet.extract_text() for sheet in pdf.pages)
    html = _download(page, "html", lang, tmp_path).read_text("utf-8")
    assert AGREEMENT in html and "<script" not in html and f'lang="{lang}"' in html
    slides = Presentation(str(_download(page, "pptx", lang, tmp_path)))
    told = [
        shape.text_frame.text for slide in slides.slides for shape in slide.shapes
        if shape.has_text_frame
    ]  # fmt: skip
    assert any(AGREEMENT in text for text in told)
    with zipfile.ZipFile(_download(page, "pack", lang, tmp_path)) as pack:
        assert pack.testzip() is None
        comparison = json.loads(pack.read("comparison.json"))
        assert "manifest.sig" in pack.namelist() and "REPRODUCE.md" in pack.namelist()
    assert f"{100 * comparison['quality']['top1_agreement']:.1f}" == AGREEMENT


def test_the_report_speaks_the_pages_language_unless_told_otherwise(open_page) -> None:
    page = open_page("/ja?run=sample-bundled")
    page.get_by_role("button", name="レポートを受け取る").click()
    expect(page.locator("#report-pdf")).to_be_in_viewport()
    expect(page.locator("#report-lang").get_by_label("日本語")).to_be_checked()
    with page.expect_download() as waiting:
        page.locator("#report-html").click()
    assert waiting.value.suggested_filename == "t2r-sample-bundled-ja.html"
    # Once more by the link, which stays.
    with page.expect_download() as again:
        page.get_by_role("link", name="t2r-sample-bundled-ja.html").click()
    assert again.value.suggested_filename == "t2r-sample-bundled-ja.html"


def test_a_run_without_a_result_offers_no_report(open_page) -> None:
    page = open_page("/?step=1")
    expect(page.get_by_role("button", name="Next: data")).to_be_visible()
    expect(page.locator("#report-pdf")).to_be_hidden()
