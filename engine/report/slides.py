"""The building blocks of the slides: text boxes, native charts and panels.

A slide is 13.333 x 7.5 inches. All places and sizes are in inches, fonts in points.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from pptx.chart.data import XyChartData
from pptx.dml.color import RGBColor
from pptx.enum.chart import XL_CHART_TYPE, XL_LEGEND_POSITION, XL_MARKER_STYLE
from pptx.enum.dml import MSO_LINE
from pptx.enum.shapes import MSO_SHAPE
from pptx.enum.text import MSO_ANCHOR
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls, qn
from pptx.util import Inches, Pt

from engine.report.model import Chart, Party
from engine.report.svg import COLORS, text_width

WIDTH, HEIGHT, MARGIN = 13.333, 7.5, 0.6
INK, SOFT, LINE = "#111827", "#4B5563", "#D9DFE8"
TONES = {"good": "#197A4B", "warn": "#8A5A00", "bad": "#CE0000", "open": "#0017C1",
         "none": "#4B5563"}  # fmt: skip
_SPACE_AFTER = 0.35  # below a paragraph, in sizes of its letters
_LATIN, _EAST_ASIAN = "Calibri", "Yu Gothic"
_DASHES: dict[Party, Any] = {"original": MSO_LINE.SOLID, "converted": MSO_LINE.DASH,
                             "control": MSO_LINE.ROUND_DOT}  # fmt: skip
_MARKERS: dict[Party, Any] = {"original": XL_MARKER_STYLE.CIRCLE,
                              "converted": XL_MARKER_STYLE.SQUARE,
                              "control": XL_MARKER_STYLE.DIAMOND}  # fmt: skip


def color(hexadecimal: str) -> RGBColor:
    """A colour written as #RRGGBB."""
    return RGBColor.from_string(hexadecimal.lstrip("#"))


@dataclass(frozen=True)
class Box:
    """A place on a slide."""

    left: float
    top: float
    width: float
    height: float

    def emu(self) -> tuple[Any, Any, Any, Any]:
        """The same in the library's units."""
        return (Inches(self.left), Inches(self.top), Inches(self.width), Inches(self.height))


@dataclass(frozen=True)
class Run:
    """Text in one style."""

    text: str
    size: float = 14
    ink: str = INK
    bold: bool = False


def lines_needed(text: str, size: float, width: float) -> int:
    """About how many lines a text takes, in a box of so many inches."""
    room = max(0.5, width - 0.25) * 72
    return sum(max(1, -(-int(text_width(part, size)) // int(room))) for part in text.split("\n"))


def paragraph_height(text: str, size: float, width: float) -> float:
    """About how many inches a paragraph takes with the space below it. Japanese faces have higher
    lines than Latin ones."""
    line = 1.45 if any(ord(letter) > 0x2E80 for letter in text) else 1.28
    return (lines_needed(text, size, width) * line + _SPACE_AFTER) * size / 72


def fitted(texts: Sequence[str], size: float, box: Box, *, smallest: float = 9) -> float:
    """The largest font size, from `size` down, at which the texts fit a box."""
    while size > smallest:
        if sum(paragraph_height(text, size, box.width) for text in texts) <= box.height:
            break
        size -= 0.5
    return size


def write(run: Any, style: Run) -> None:
    """Text and style of a run; the East Asian face is named too, else viewers guess one."""
    run.text = style.text
    run.font.size, run.font.bold = Pt(style.size), style.bold
    run.font.color.rgb, run.font.name = color(style.ink), _LATIN
    face = parse_xml(f'<a:ea {nsdecls("a")} typeface="{_EAST_ASIAN}"/>')
    run._r.get_or_add_rPr().append(face)


def text_box(slide: Any, box: Box, paragraphs: Sequence[Run], *, bullets: bool = False) -> Any:
    """A box of paragraphs."""
    shape = slide.shapes.add_textbox(*box.emu())
    fill_text(shape.text_frame, paragraphs, bullets=bullets)
    return shape


def fill_text(frame: Any, paragraphs: Sequence[Run], *, bullets: bool = False) -> None:
    """Put paragraphs into a text frame; a line break begins another one, without a bullet."""
    frame.word_wrap = True
    every = [
        (replace(style, text=line), number == 0)
        for style in paragraphs
        for number, line in enumerate(style.text.split("\n"))
    ]
    for number, (style, begins) in enumerate(every):
        paragraph = frame.paragraphs[0] if number == 0 else frame.add_paragraph()
        if bullets:
            properties = paragraph._p.get_or_add_pPr()
            properties.set("marL", "228600")
            properties.set("indent", "-228600" if begins else "0")
            mark = '<a:buChar {} char="•"/>' if begins else "<a:buNone {}/>"
            properties.append(parse_xml(mark.format(nsdecls("a"))))
        paragraph.space_after = Pt(style.size * _SPACE_AFTER)
        write(paragraph.add_run(), style)


def panel(slide: Any, box: Box, edge: str) -> Any:
    """A white box with a coloured edge."""
    shape = slide.shapes.add_shape(MSO_SHAPE.RECTANGLE, *box.emu())
    shape.fill.solid()
    shape.fill.fore_color.rgb = color("#FFFFFF")
    shape.line.color.rgb, shape.line.width = color(edge), Pt(1)
    shape.shadow.inherit = False
    frame = shape.text_frame
    frame.vertical_anchor = MSO_ANCHOR.TOP
    frame.margin_left = frame.margin_right = Inches(0.15)
    return shape


def chart(slide: Any, box: Box, shown: Chart) -> Any:
    """A native scatter chart with lines: its numbers can be edited in PowerPoint."""
    data = XyChartData()
    for one in shown.series:
        series = data.add_series(one.name)
        for x, y in zip(shown.x, one.y):
            if y is not None:
                series.add_data_point(x, y)
    frame = slide.shapes.add_chart(XL_CHART_TYPE.XY_SCATTER_LINES, *box.emu(), data)
    made = frame.chart
    made.font.size, made.font.name = Pt(11), _LATIN
    made.has_title = False
    made.has_legend = True
    made.legend.position, made.legend.include_in_layout = XL_LEGEND_POSITION.TOP, False
    for one, series in zip(shown.series, made.plots[0].series):
        line = series.format.line
        first = one.party == "original"  # it shows around the others where they coincide
        line.color.rgb, line.width = color(COLORS[one.party]), Pt(3 if first else 2)
        line.dash_style = _DASHES[one.party]
        series.smooth = False
        series.marker.style, series.marker.size = _MARKERS[one.party], 10 if first else 7
        series.marker.format.fill.solid()
        series.marker.format.fill.fore_color.rgb = color(COLORS[one.party])
        series.marker.format.line.color.rgb = color(COLORS[one.party] if first else "#FFFFFF")
    for axis, title in ((made.category_axis, shown.x_label), (made.value_axis, shown.y_label)):
        axis.has_title = True
        axis.axis_title.text_frame.text = title
        run = axis.axis_title.text_frame.paragraphs[0].runs[0]
        run.font.size, run.font.bold = Pt(11), False
        axis.tick_labels.number_format_is_linked = False
        axis.tick_labels.number_format = "#,##0.##" if axis is made.value_axis else "#,##0"
        axis.format.line.color.rgb = color("#9AA5B5")
    made.category_axis.has_major_gridlines = False
    made.value_axis.major_gridlines.format.line.color.rgb = color("#E5EAF1")
    if shown.from_zero:
        made.value_axis.minimum_scale = 0
    if shown.y_most is not None:
        made.value_axis.maximum_scale = shown.y_most
    if shown.log_x:
        _doubling(made.category_axis, shown)
    return frame


def coincide(shown: Chart) -> bool:
    """Whether a line lies under another all along, where not every viewer shows both."""
    values = [y for one in shown.series for y in one.y if y is not None]
    if not values:
        return False
    close = 0.02 * (max(values) - (0 if shown.from_zero else min(values)) or max(values))
    for one, other in combinations(shown.series, 2):
        both = [(a, b) for a, b in zip(one.y, other.y) if a is not None and b is not None]
        if both and all(abs(a - b) <= close for a, b in both):
            return True
    return False


def _doubling(axis: Any, shown: Chart) -> None:
    """A logarithmic axis to base 2; the library has no word for it, so it is set in the XML."""
    # A little more on the right, else some viewers cut the last mark off.
    axis.minimum_scale, axis.maximum_scale = min(shown.x), 1.1 * max(shown.x)
    axis.major_unit = 2  # times, not plus: without it some viewers step by ten
    scaling = axis._element.find(qn("c:scaling"))
    scaling.insert(0, parse_xml(f'<c:logBase {nsdecls("c")} val="2"/>'))
