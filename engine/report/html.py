"""A report as one HTML file: style and charts inside, no script, no request, prints on A4."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from engine.report import svg
from engine.report.model import Report
from engine.report.words import Words

_FOLDER = Path(__file__).parent / "pages"


@cache
def _environment() -> Environment:
    # Everything is escaped, whatever the template's name ends with.
    environment = Environment(
        loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.globals.update(chart=svg.chart, picture=svg.picture)
    return environment


def html(report: Report) -> str:
    """The whole page."""
    style = (_FOLDER / "report.css").read_text(encoding="utf-8")
    page = _environment().get_template("report.html.jinja")
    return page.render(report=report, words=Words(report.lang), style=Markup(style))
