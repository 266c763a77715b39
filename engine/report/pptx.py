"""A report as PowerPoint slides: real text, real tables, and charts whose numbers can be edited."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from pptx import Presentation
from pptx.enum.text import PP_ALIGN
from pptx.util import Inches

from engine.report import slide_tables, slides
from engine.report.model import Chart, Figure, Report, Section, Table
from engine.report.slides import HEIGHT, INK, LINE, MARGIN, SOFT, TONES, WIDTH, Box, Run
from engine.report.words import Words

_INNER = WIDTH - 2 * MARGIN
_TOP, _BOTTOM = 1.25, 6.95
"""Between them is room for what a slide says, in inches from its upper edge."""
_BODY = Box(MARGIN, 1.35, _INNER, 5.45)
_CAPTION = 0.42
_SMALL = 11
"""Points of the letters in tables."""
_FEW_NOTES = 2.6
"""Inches of notes that still stand above their table; more get a slide of their own."""
_LONGEST_QUOTE = 700
_LONGEST_CELL = 120
_LONGEST_TITLE = 130


class _Deck:
    """Slides with a title, a footer and a number."""

    def __init__(self, report: Report) -> None:
        self.report, self.words = report, Words(report.lang)
        self.deck = Presentation()
        self.deck.slide_width, self.deck.slide_height = Inches(WIDTH), Inches(HEIGHT)
        self.deck.core_properties.title = _short(report.title, _LONGEST_TITLE)
        self.deck.core_properties.author = "T2R Studio"
        self.deck.core_properties.language = report.lang

    def slide(self, title: str) -> Any:
        title = _short(title, _LONGEST_TITLE)
        # The layout's own title: outlines and screen readers go by it.
        slide = self.deck.slides.add_slide(self.deck.slide_layouts[5])
        place: Any = slide.shapes.title
        place.left, place.top, place.width, place.height = Box(MARGIN, 0.4, _INNER, 0.8).emu()
        size = slides.fitted([title], 26, Box(0, 0, _INNER, 0.75), smallest=14)
        slides.fill_text(place.text_frame, [Run(title, size, INK, bold=True)])
        place.text_frame.paragraphs[0].alignment = PP_ALIGN.LEFT
        number = len(self.deck.slides)
        slides.text_box(slide, Box(MARGIN, 7.02, 9, 0.3), [Run(self.report.footer, 9, SOFT)])
        place = slides.text_box(slide, Box(WIDTH - MARGIN - 1, 7.02, 1, 0.3),
                                [Run(str(number), 9, SOFT)])  # fmt: skip
        place.text_frame.paragraphs[0].alignment = PP_ALIGN.RIGHT
        return slide

    def bullets(self, title: str, texts: Sequence[str], *, size: float = 18) -> None:
        """One slide, or more where the texts do not fit one at a readable size."""
        for number, some in enumerate(_pages(texts, _BODY)):
            slide = self.slide(title if number == 0 else f"{title} ({number + 1})")
            fit = slides.fitted(some, size, _BODY, smallest=12)
            slides.text_box(slide, _BODY, [Run(text, fit) for text in some], bullets=True)

    def tables(self, title: str, shown: Sequence[Table], *, notes: Sequence[str] = ()) -> None:
        """Short notes and then the tables below each other, on as many slides as they need."""
        slide, top = None, _TOP
        if notes and sum(_height(note, 13) for note in notes) <= _FEW_NOTES:
            slide, top = self.slide(title), _TOP + sum(_height(note, 13) for note in notes) + 0.2
            box = Box(MARGIN, _TOP, _INNER, top - _TOP - 0.1)
            slides.text_box(slide, box, [Run(note, 13) for note in notes])
        elif notes:
            self.bullets(title, notes, size=15)
        for one in map(_cut, shown):
            widths = slide_tables.column_widths(one, _SMALL, _INNER)
            room = _BOTTOM - _TOP - _CAPTION
            if slide_tables.height_of(one, widths, _SMALL) > room:  # in parts anyway: begin here
                room = min(room, max(_BOTTOM - top - _CAPTION, 0.6 * room))
            for part in slide_tables.parts(one, widths, _SMALL, room):
                height = _CAPTION + slide_tables.height_of(part, widths, _SMALL)
                if slide is None or top + height > _BOTTOM:
                    slide, top = self.slide(title), _TOP
                caption = Box(MARGIN, top, _INNER, _CAPTION)
                slides.text_box(slide, caption, [Run(part.caption, 14, SOFT)])
                slide_tables.add(slide, MARGIN, top + _CAPTION, part, widths, _SMALL)
                top += height + 0.2


def _height(text: str, size: float) -> float:
    return sum(slides.paragraph_height(line, size, _INNER) for line in text.split("\n"))


def _cut(shown: Table) -> Table:
    most = _LONGEST_CELL * (2 if shown.words else 1)
    rows = tuple(tuple(_short(cell, most) for cell in row) for row in shown.rows)
    return Table(shown.caption, shown.columns, rows, shown.words)


def pptx(report: Report) -> bytes:
    """The slides as a .pptx file."""
    made = _Deck(report)
    _verdict(made)
    _gates(made)
    _charts(made, made.words("report.charts"), report.charts)
    money = report.money
    if money.tables:
        made.tables(money.title, money.tables, notes=money.paragraphs)
    else:
        made.bullets(money.title, money.paragraphs)
    made.bullets(report.lines.title, report.lines.bullets)
    made.bullets(report.risks.title, report.risks.bullets)
    made.bullets(report.untested.title, report.untested.bullets)
    for number, section in enumerate(report.annexes, start=1):
        _annex(made, number, section)
    file = io.BytesIO()
    made.deck.save(file)
    return file.getvalue()


def _verdict(made: _Deck) -> None:
    report = made.report
    slide = made.slide(report.title)
    facts = "   ".join(f"{label}: {_short(value, 40)}" for label, value in report.facts)
    place = Box(MARGIN, 1.2, _INNER, 0.35)
    slides.text_box(slide, place, [Run(facts, slides.fitted([facts], 11, place, smallest=7), SOFT)])
    tone = TONES[report.verdict.tone]
    shape = slides.panel(slide, Box(MARGIN, 1.6, _INNER, 1.95), tone)
    slides.fill_text(
        shape.text_frame,
        [Run(f"{report.verdict.sign} {report.verdict.word}", 28, tone, bold=True),
         Run(report.sentence, 15, INK, bold=True), Run(report.meaning, 13)],
    )  # fmt: skip
    _left(shape)
    width = (_INNER - 0.5) / 3
    for place, figure in enumerate(report.figures):
        box = Box(MARGIN + place * (width + 0.25), 3.8, width, 3.0)
        _left(slides.panel(slide, box, LINE), _figure(figure))


def _figure(figure: Figure) -> list[Run]:
    texts = [Run(figure.title, 14, INK, bold=True), Run(figure.value, 30, INK, bold=True),
             Run(figure.meaning, 12, SOFT), Run(figure.interval, 12),
             Run(figure.target, 12)]  # fmt: skip
    if figure.mark is not None:
        mark = figure.mark
        texts.append(Run(f"{mark.sign} {mark.word}", 12, TONES[mark.tone], bold=True))
    return texts


def _left(shape: Any, texts: Sequence[Run] = ()) -> None:
    if texts:
        slides.fill_text(shape.text_frame, texts)
    for paragraph in shape.text_frame.paragraphs:
        paragraph.alignment = PP_ALIGN.LEFT


_GATE_COLUMNS = (3.4, 3.4, 1.6, 3.2)


def _gates(made: _Deck) -> None:
    if not made.report.gates:
        return
    words = made.words
    columns = tuple(words(f"gate.column.{c}") for c in ("gate", "measured", "limit", "verdict"))
    rows = tuple(
        (gate.name, gate.measured, gate.limit,
         f"{gate.mark.sign} {gate.mark.word}" + (f"\n{gate.remark}" if gate.remark else ""))
        for gate in made.report.gates
    )  # fmt: skip
    slide = made.slide(words("report.gates"))
    shown = Table(words("report.gates"), columns, rows, words=True)
    total = sum(_GATE_COLUMNS)
    widths = [share * _INNER / total for share in _GATE_COLUMNS]
    room, size = _BOTTOM - 1.4, 13.0
    while size > 9 and slide_tables.height_of(shown, widths, size) > room:
        size -= 0.5
    frame = slide_tables.add(slide, MARGIN, 1.4, shown, widths, size)
    for number, gate in enumerate(made.report.gates, start=1):
        run = frame.table.cell(number, 3).text_frame.paragraphs[0].runs[0]
        run.font.color.rgb, run.font.bold = slides.color(TONES[gate.mark.tone]), True


def _charts(made: _Deck, title: str, charts: Sequence[Chart]) -> None:
    if not charts:
        return
    slide = made.slide(title)
    width = (_INNER - 0.4 * (len(charts) - 1)) / len(charts)
    for place, shown in enumerate(charts):
        left = MARGIN + place * (width + 0.4)
        if len(charts) > 1:
            heading = [Run(shown.title, 15, INK, bold=True)]
            slides.text_box(slide, Box(left, 1.25, width, 0.4), heading)
        slides.chart(slide, Box(left, 1.65, width, 4.3), shown)
        notes = [shown.reading]
        if shown.x_limit is not None:
            notes.append(made.words("chart.limit", n=made.words.tokens(int(shown.x_limit))))
        lacking = [f"{one.name} {x:,.0f}" for one in shown.series
                   for x, out in zip(shown.x, one.out_of_memory) if out]  # fmt: skip
        if lacking:
            notes.append(f"{made.words('chart.out_of_memory')}: {', '.join(lacking)}")
        if slides.coincide(shown):
            notes.append(made.words("chart.coincide"))
        note = made.words("list.sentence").join(notes)
        box = Box(left, 6.0, width, 0.95)
        slides.text_box(slide, box, [Run(note, slides.fitted([note], 13, box))])


def _annex(made: _Deck, number: int, section: Section) -> None:
    title = f"{made.words('report.annex')} {number}: {section.title}"
    texts = [*section.paragraphs, *section.bullets]
    texts += [f"{label}: {_both_ends(text, _LONGEST_QUOTE)}" for label, text in section.quotes]
    for shown in section.charts:
        _charts(made, f"{title}: {shown.title}", [shown])
    if section.tables:
        made.tables(title, section.tables, notes=texts)
    elif texts:
        made.bullets(title, texts, size=15)


def _pages(texts: Sequence[str], box: Box, *, smallest: float = 12) -> list[list[str]]:
    """The texts in groups that fit one slide each at the smallest size allowed."""
    pages: list[list[str]] = [[]]
    used = 0.0
    for text in texts:
        height = _height(text, smallest)
        if pages[-1] and used + height > box.height:
            pages.append([])
            used = 0.0
        pages[-1].append(text)
        used += height
    return pages


def _both_ends(text: str, most: int) -> str:
    """The text without its middle where a slide could not hold it: what is asked stands at a
    prompt's end, and what is answered at an answer's beginning."""
    half = most // 2
    return text if len(text) <= most else f"{text[:half]} … {text[-half:]}"


def _short(text: str, most: int) -> str:
    """The text, cut where a slide could not hold it; the HTML and the PDF have all of it."""
    return text if len(text) <= most else text[: most - 1] + "…"
