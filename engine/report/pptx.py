"""A report as PowerPoint slides: real text, real tables, and charts whose numbers can be edited."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from pptx import Presentation
from pptx.enum.text import PP_ALIGN
from pptx.util import Inches

from engine.report import slides
from engine.report.model import Figure, Report, Section, Table
from engine.report.slides import HEIGHT, INK, LINE, MARGIN, SOFT, TONES, WIDTH, Box, Run
from engine.report.words import Words

_INNER = WIDTH - 2 * MARGIN
_BODY = Box(MARGIN, 1.35, _INNER, 5.45)
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

    def table(
        self, title: str, shown: Table, *, notes: Sequence[str] = (), most_rows: int = 13
    ) -> None:
        """The table on as many slides as it needs, with notes under the last rows."""
        for start in range(0, max(1, len(shown.rows)), most_rows):
            rows = tuple(
                tuple(_short(cell, _LONGEST_CELL) for cell in row)
                for row in shown.rows[start : start + most_rows]
            )
            slide = self.slide(title)
            slides.text_box(slide, Box(MARGIN, 1.2, _INNER, 0.4), [Run(shown.caption, 14, SOFT)])
            part = Table(shown.caption, shown.columns, rows, shown.words)
            widths = [1.4, *[3.0 if shown.words else 1.0] * (len(shown.columns) - 1)]
            box = Box(MARGIN, 1.65, _INNER, 0.34 * (len(rows) + 1))
            slides.table(slide, box, part, widths=widths, size=11)
            if notes and start + most_rows >= len(shown.rows):
                room = Box(MARGIN, box.top + box.height + 0.2, _INNER, 6.9 - box.top - box.height)
                size = slides.fitted(notes, 13, room)
                slides.text_box(slide, room, [Run(note, size) for note in notes])


_FEW_WORDS = 600
"""Characters of notes that have room under a short table."""


def pptx(report: Report) -> bytes:
    """The slides as a .pptx file."""
    made = _Deck(report)
    _verdict(made)
    _gates(made)
    _charts(made, made.words("report.charts"), report.charts)
    money = report.money
    if money.tables:
        made.table(money.title, money.tables[0], notes=money.paragraphs)
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
    place = Box(MARGIN, 1.1, _INNER, 0.4)
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
    box = Box(MARGIN, 1.4, _INNER, 0.9 * (len(rows) + 0.5))
    frame = slides.table(slide, box, shown, widths=(3.2, 3.4, 1.6, 3.4), size=13)
    for number, gate in enumerate(made.report.gates, start=1):
        run = frame.table.cell(number, 3).text_frame.paragraphs[0].runs[0]
        run.font.color.rgb, run.font.bold = slides.color(TONES[gate.mark.tone]), True


def _charts(made: _Deck, title: str, charts: Sequence[Any]) -> None:
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
        note = shown.reading
        if shown.x_limit is not None:
            note += f" ({shown.x_limit:,.0f} →: {shown.x_limit_label})"
        lacking = [f"{one.name}: {x:,.0f}" for one in shown.series
                   for x, out in zip(shown.x, one.out_of_memory) if out]  # fmt: skip
        if lacking:
            note += f" {made.words('chart.out_of_memory')}: {', '.join(lacking)}"
        box = Box(left, 6.0, width, 0.95)
        slides.text_box(slide, box, [Run(note, slides.fitted([note], 13, box))])


def _annex(made: _Deck, number: int, section: Section) -> None:
    title = f"{made.words('report.annex')} {number}: {section.title}"
    texts = [*section.paragraphs, *section.bullets]
    texts += [f"{label}: {_short(text, _LONGEST_QUOTE)}" for label, text in section.quotes]
    short = section.tables and len(section.tables[0].rows) <= 8
    below = texts if short and sum(map(len, texts)) <= _FEW_WORDS else []
    if texts and not below:
        made.bullets(title, texts, size=15)
    for shown in section.charts:
        _charts(made, f"{title}: {shown.title}", [shown])
    for place, shown in enumerate(section.tables):
        made.table(title, shown, notes=below if place == 0 else ())


def _pages(texts: Sequence[str], box: Box, *, smallest: float = 12) -> list[list[str]]:
    """The texts in groups that fit one slide each at the smallest size allowed."""
    pages: list[list[str]] = [[]]
    used = 0.0
    for text in texts:
        height = slides.lines_needed(text, smallest, box.width) * smallest * 1.28 + smallest * 0.45
        if pages[-1] and used + height > box.height * 72:
            pages.append([])
            used = 0.0
        pages[-1].append(text)
        used += height
    return pages


def _short(text: str, most: int) -> str:
    """The text, cut where a slide could not hold it; the HTML and the PDF have all of it."""
    return text if len(text) <= most else text[: most - 1] + "…"
