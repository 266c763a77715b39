"""Small pieces of page as HTML strings. Every value from outside is escaped here, once.

`gr.HTML` runs what it is given, so only this file, `app.answers` and `app.gauges` write tags around
values.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Literal

from app.widths import fits_a_phone, letters

Tone = Literal["good", "bad", "same", "open"]
"""A judgement on a figure."""
NoticeTone = Literal["good", "bad", "warn", "info"]
Party = Literal["original", "converted", "control", "swapped_untrained"]

_LONG_NAME, _LONG_FACT = 22, 38
_LOGO = (Path(__file__).parents[1] / "assets" / "logo.svg").read_text("utf-8").strip()


def esc(value: object) -> str:
    """Any value as text that a browser shows and never runs."""
    return escape(str(value), quote=True)


def wrap(inner: str, kind: str = "div", extra: str = "") -> str:
    """A piece of the page around HTML that is safe already."""
    return f'<{kind} class="ts {extra}">{inner}</{kind}>'


def brand(name: str) -> str:
    """The logo and the product's name."""
    return wrap(f"{_LOGO}<span>{esc(name)}</span>", extra="ts-brand")


def language_link(text: str, code: str, address: str) -> str:
    """A link to the same place in another language; a script keeps the run in its address."""
    return wrap(
        f'<a class="ts-language" href="{esc(address)}" hreflang="{esc(code)}" lang="{esc(code)}">'
        f"{esc(text)}</a>"
    )


def hero(eyebrow: str, title: str, lead: str) -> str:
    """The first thing a visitor reads."""
    return wrap(
        f'<p class="ts-eyebrow">{esc(eyebrow)}</p><h1>{esc(title)}</h1>'
        f'<p class="ts-lead">{esc(lead)}</p>',
        extra="ts-hero",
    )


def section(title: str, text: str = "", *, level: int = 2, more: str = "") -> str:
    """A heading with a line below it; `more` explains its words on pointing or focusing."""
    below = f"<p>{esc(text)}</p>" if text else ""
    return wrap(f"<h{level}>{esc(title)}</h{level}>{explained(more)}{below}", extra="ts-section")


def explained(text: str) -> str:
    """A question mark that tells `text` to whoever points at it or reaches it by keyboard."""
    if not text:
        return ""
    return f'<span class="ts-help" tabindex="0" role="img" aria-label="{esc(text)}">?</span>'


def notice(tone: NoticeTone, title: str, text: str = "") -> str:
    """A boxed message; the title carries the meaning, the colour only repeats it."""
    role = "alert" if tone == "bad" else "status"
    below = f"<span>{esc(text)}</span>" if text else ""
    return wrap(
        f'<div class="ts-notice {tone}" role="{role}"><strong>{esc(title)}</strong>{below}</div>'
    )


def label(text: str) -> str:
    """A pill that says where something comes from."""
    return wrap(f'<span class="ts-label">{esc(text)}</span>')


def reading(text: str) -> str:
    """The one sentence that says what a chart shows."""
    return wrap(f'<p class="ts-reading">{esc(text)}</p>')


def inline(parts: Iterable[str]) -> str:
    """Short facts on one line."""
    return wrap(" · ".join(esc(part) for part in parts if part), extra="ts-muted ts-small")


@dataclass(frozen=True)
class Link:
    """A cell or a fact that leads somewhere within the app."""

    address: str
    text: str


@dataclass(frozen=True)
class Short:
    """The beginning of something long, such as a hash; the whole shows on pointing at it."""

    whole: str
    characters: int = 12


def facts(pairs: Iterable[tuple[str, str | Short | Link]]) -> str:
    """Named facts in columns; a long one has a line to itself."""
    rows = "".join(
        f"<div{_wide(v)}><dt>{esc(k)}</dt><dd>{_cell(v)}</dd></div>" for k, v in pairs
    )
    return wrap(f'<dl class="ts-facts">{rows}</dl>')


def bullets(lines: Iterable[str]) -> str:
    """A plain list of sentences."""
    return wrap("<ul>" + "".join(f"<li>{esc(line)}</li>" for line in lines) + "</ul>")


@dataclass(frozen=True)
class Tile:
    """One headline figure: its name, the figure, its unit, a judgement and the numbers behind."""

    title: str
    value: str
    unit: str = ""
    verdict: str = ""
    tone: Tone = "same"
    pairs: tuple[tuple[Party, str, str], ...] = ()
    """Party, its name, its number."""
    note: str = ""
    more: str = ""
    """What the figure is and how it was measured, for the question mark."""


_ROLES = (("tr", "row"), ("th", "rowheader"), ("td", "cell"))
_SIGNS = {"good": "✓ ", "bad": "✕ ", "same": "≈ ", "open": "? "}


def tiles(items: Sequence[Tile]) -> str:
    """Headline figures side by side."""
    cells = []
    for tile in items:
        unit = f"<small>{esc(tile.unit)}</small>" if tile.unit else ""
        verdict = (
            f'<p class="ts-verdict {tile.tone}"><span aria-hidden="true">{_SIGNS[tile.tone]}</span>'
            f"{esc(tile.verdict)}</p>"
            if tile.verdict
            else ""
        )
        rows = "".join(
            f'<dt><i class="ts-mark {party}"></i>{esc(name)}</dt><dd>{esc(figure)}</dd>'
            for party, name, figure in tile.pairs
        )
        pairs = f'<dl class="ts-pairs">{rows}</dl>' if rows else ""
        note = f'<p class="ts-note">{esc(tile.note)}</p>' if tile.note else ""
        cells.append(
            f'<div class="ts-tile"><h3>{esc(tile.title)}</h3>{explained(tile.more)}'
            f'<p class="ts-value">{esc(tile.value)}{unit}</p>{verdict}{pairs}{note}</div>'
        )
    return wrap("".join(cells), extra="ts-tiles")


def _cell(value: str | Link | Short) -> str:
    if isinstance(value, Short):
        return f'<span title="{esc(value.whole)}">{esc(value.whole[: value.characters])}</span>'
    if isinstance(value, Link):
        return f'<a href="{esc(value.address)}">{esc(value.text)}</a>'
    return esc(value)


def _wide(value: str | Short | Link) -> str:
    return ' class="wide"' if isinstance(value, str) and letters(value) > _LONG_FACT else ""


def _named(column: str) -> str:
    return f' data-column="{esc(column)}"'


def table(
    columns: Sequence[str],
    rows: Iterable[Sequence[str | Link]],
    *,
    caption: str,
    words: bool = False,
    prose: bool = False,
) -> str:
    """A table whose first column names the row; `words` aligns all columns as text, `prose` lets
    sentences break as well. On a phone the rows of both, and of numbers too wide for it, stand
    below one another, each cell with the name of its column. Long names of rows break, or there
    they would be all one sees."""
    rows = list(rows)
    stacked = words or prose or not fits_a_phone(columns, rows)
    names = [row[0].text if isinstance(row[0], Link) else str(row[0]) for row in rows]
    look = ["ts-table"] + ["stack"] * stacked + ["words"] * (words or prose) + ["prose"] * prose
    look += ["long"] * any(letters(name) > _LONG_NAME for name in names)
    head = "".join(f'<th scope="col">{esc(column)}</th>' for column in columns)
    # What is no table to the eye stays one to a screen reader.
    tr, th, td = (f'{kind} role="{part}"' if stacked else kind for kind, part in _ROLES)
    role = ' role="table"' if stacked else ""
    body = "".join(
        f'<{tr}><{th} scope="row"{_named(columns[0]) if stacked else ""}>{_cell(row[0])}</th>'
        + "".join(
            f"<{td}{_named(column) if stacked else ''}>{_cell(cell)}</td>"
            for column, cell in zip(columns[1:], row[1:], strict=True)
        )
        + "</tr>"
        for row in rows
    )
    # A scrolling region must be reachable by keyboard, hence the tabindex and the name.
    return wrap(
        f'<div class="ts-scroll" tabindex="0" role="region" aria-label="{esc(caption)}">'
        f'<table class="{" ".join(look)}"{role}>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def folded(summary: str, inner: str) -> str:
    """`inner` (already HTML from this file) behind a line that opens it."""
    return wrap(f"<details><summary>{esc(summary)}</summary>{inner}</details>")


def download(address: str, file: str, text: str) -> str:
    """A link that saves a file."""
    link = f'<a download="{esc(file)}" href="{esc(address)}">{esc(text)}</a>'
    return wrap(link, "p", "ts-small")


def documents(texts: Sequence[str]) -> str:
    """The beginnings of some documents, as they are."""
    return wrap("".join(f'<pre tabindex="0">{esc(text)}</pre>' for text in texts), extra="ts-docs")


def bar(share: float | None, name: str, parts: Iterable[str]) -> str:
    """A progress bar (share 0-1, None while unknown) with a line of facts below it."""
    width = 0.0 if share is None else min(1.0, max(0.0, share)) * 100
    now = "" if share is None else f' aria-valuenow="{width:.0f}"'
    below = "".join(f"<span>{esc(part)}</span>" for part in parts if part)
    return wrap(
        f'<div class="ts-bar" role="progressbar" aria-valuemin="0" aria-valuemax="100"{now}'
        f' aria-label="{esc(name)}"><i style="width:{width:.1f}%"></i></div>'
        f'<div class="ts-bar-line">{below}</div>'
    )
