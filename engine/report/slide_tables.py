"""Tables on slides: columns as wide as their words, rows as high as their lines.

PowerPoint makes a row higher where its text needs more room, and what stands below it is then
covered. So the heights are worked out here, a little too large rather than too small.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pptx.enum.text import PP_ALIGN
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls, qn
from pptx.util import Inches

from engine.report.model import Table
from engine.report.slides import (
    INK,
    LINE,
    SOFT,
    Box,
    Run,
    color,
    fill_text,
    paragraph_height,
)
from engine.report.svg import text_width

_INSETS = 0.25  # left and right of a cell's text together
_MOST_SPARE = 1.1  # wider, and the eye loses the line between two numbers
_LEAST = 0.9
_MARGIN = 0.03  # above and below a cell's text


def column_widths(shown: Table, size: float, width: float) -> list[float]:
    """Widths in inches: what the longest line of each column needs. Too little room is taken from
    the widest columns; of room left, numbers get some each, and words all in the last column."""
    body = [
        _natural([row[place] for row in shown.rows], size) for place in range(len(shown.columns))
    ]
    heads = [_natural([name], size) for name in shown.columns]
    needed = [max(_LEAST, one, head) for one, head in zip(body, heads)]
    if sum(needed) > width:  # a column's name may take two lines, its numbers should not
        longest = [_natural(_latin_words(name), size) for name in shown.columns]
        needed = [
            max(_LEAST, one, word, 0.6 * head) for one, word, head in zip(body, longest, heads)
        ]
    spare = width - sum(needed)
    if spare >= 0 and shown.words:
        return [*needed[:-1], needed[-1] + spare]
    if spare >= 0:
        return [one + min(_MOST_SPARE, spare / len(needed)) for one in needed]
    level = _level(needed, width)
    return [min(one, level) for one in needed]


def _latin_words(name: str) -> list[str]:
    """Words that cannot be broken; Japanese ones can."""
    return [word for word in name.split() if all(ord(letter) <= 0x2E80 for letter in word)]


def _natural(texts: Sequence[str], size: float) -> float:
    """Inches that the longest line takes; a little more, for faces differ."""
    lines = (line for text in texts for line in text.split("\n"))
    return 1.08 * max((text_width(line, size) for line in lines), default=0) / 72 + _INSETS


def _level(needed: Sequence[float], width: float) -> float:
    """The width to which the widest columns are cut, so that all together have this much."""
    left = width
    for place, one in enumerate(ordered := sorted(needed)):
        level = left / (len(ordered) - place)
        if one > level:
            return level
        left -= one
    return max(needed)


def row_height(cells: Sequence[str], widths: Sequence[float], size: float) -> float:
    """Inches that a row needs for its highest cell."""
    highest = max(
        sum(paragraph_height(line, size, width) for line in text.split("\n"))
        for text, width in zip(cells, widths)
    )
    return highest + 2 * _MARGIN


def parts(shown: Table, widths: Sequence[float], size: float, room: float) -> list[Table]:
    """The table cut into as few tables as have room, all about equally long."""
    head = row_height(shown.columns, widths, size)
    heights = [row_height(row, widths, size) for row in shown.rows]
    target = max(1, -int(-sum(heights) // (room - head)))
    while True:
        made: list[list[tuple[str, ...]]] = [[]]
        used, limit = 0.0, min(room - head, sum(heights) / target + max(heights, default=0))
        for row, height in zip(shown.rows, heights):
            if made[-1] and used + height > limit:
                made.append([])
                used = 0.0
            made[-1].append(row)
            used += height
        if len(made) <= target:
            return [Table(shown.caption, shown.columns, tuple(rows), shown.words) for rows in made]
        target += 1


def height_of(shown: Table, widths: Sequence[float], size: float) -> float:
    """Inches that a table needs."""
    return sum(row_height(row, widths, size) for row in (shown.columns, *shown.rows))


def add(
    slide: Any, left: float, top: float, shown: Table, widths: Sequence[float], size: float
) -> Any:
    """A native table at a place."""
    box = Box(left, top, sum(widths), height_of(shown, widths, size))
    rows = [shown.columns, *shown.rows]
    frame = slide.shapes.add_table(len(rows), len(shown.columns), *box.emu())
    made = frame.table
    style = frame._element.find(".//" + qn("a:tableStyleId"))
    style.text = "{2D5ABB26-0587-4C30-8999-92F81FD0307C}"  # "No Style, No Grid"
    for column, width in zip(made.columns, widths):
        column.width = Inches(width)
    for number, cells in enumerate(rows):
        made.rows[number].height = Inches(row_height(cells, widths, size))
        for place, text in enumerate(cells):
            cell = made.cell(number, place)
            cell.margin_top = cell.margin_bottom = Inches(_MARGIN)
            cell.fill.solid()
            cell.fill.fore_color.rgb = color("#F1F4F9" if number == 0 else "#FFFFFF")
            ink = SOFT if number == 0 else INK
            fill_text(cell.text_frame, [Run(text, size, ink, bold=number == 0)])
            if place and not shown.words:
                for paragraph in cell.text_frame.paragraphs:
                    paragraph.alignment = PP_ALIGN.RIGHT
            _underline(cell)
    return frame


def _underline(cell: Any) -> None:
    fill = "".join(f'<a:solidFill><a:srgbClr val="{LINE.lstrip("#")}"/></a:solidFill>')
    properties = cell._tc.get_or_add_tcPr()
    # The schema wants borders before the fill.
    properties.insert(0, parse_xml(f'<a:lnB {nsdecls("a")} w="9525">{fill}</a:lnB>'))
