"""A report as PDF: the printed form of the HTML, by WeasyPrint, which needs the Pango library."""

from __future__ import annotations

import logging
from typing import Any, NoReturn

from engine.errors import ReportUnavailable
from engine.report.html import html
from engine.report.model import Report

_TALKATIVE = ("weasyprint", "weasyprint.progress", "fontTools")
"""Loggers that tell every step, and warn of style rules for screens, which do not concern paper:
of them only errors are heard."""


def pdf(report: Report) -> bytes:
    """The pages as a PDF file.

    Raises:
        ReportUnavailable: Pango is not on this machine.
    """
    for name in _TALKATIVE:  # before the import, which tells steps too
        logging.getLogger(name).setLevel(logging.ERROR)
    weasyprint = _weasyprint()
    page = weasyprint.HTML(string=html(report), url_fetcher=_refuse)
    return page.write_pdf(pdf_variant="pdf/ua-1")


def _weasyprint() -> Any:
    """The library, imported only here: it looks for Pango when it is imported."""
    try:
        import weasyprint
    except OSError as error:
        raise ReportUnavailable(
            "A PDF cannot be made here: the Pango library is missing.",
            "Install it (Debian and Ubuntu: `apt install libpango-1.0-0 libpangoft2-1.0-0"
            " libharfbuzz-subset0 fonts-noto-cjk`), or take html and print it from a browser.",
        ) from error
    return weasyprint


def _refuse(url: str, **_more: object) -> NoReturn:
    """Nothing is ever fetched: a report holds all it needs."""
    raise ValueError(f"a report refers to {url[:80]}")
