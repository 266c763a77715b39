"""The parts of a report, the same for every format: plain text, numbers, tables and chart data.

Nothing here is escaped: each writer of a format escapes every string it is given.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from engine.report.words import Lang

Tone = Literal["good", "warn", "bad", "open", "none"]
"""How a verdict or a mark is coloured; a sign and a word always say the same."""
Party = Literal["original", "converted", "control"]


@dataclass(frozen=True)
class Mark:
    """A judgement: sign and word, coloured by tone."""

    tone: Tone
    sign: str
    word: str


@dataclass(frozen=True)
class Figure:
    """One headline number."""

    title: str
    value: str
    """With its unit."""
    meaning: str
    """What the number is, in words."""
    interval: str
    """Interval and n, or why there is none."""
    target: str
    """The acceptance gate, or that none was set."""
    mark: Mark | None
    """The gate's verdict; none without a gate."""
    number: float | None
    """The value itself, in the unit shown."""


@dataclass(frozen=True)
class Picture:
    """An estimate, its interval and the limit on one line, in the gate's own unit."""

    estimate: float
    low: float
    high: float
    limit: float
    at_most: bool
    """Whether the allowed side is below the limit."""
    alt: str
    """The same in words."""


@dataclass(frozen=True)
class GateRow:
    """One acceptance gate with what was measured."""

    name: str
    mark: Mark
    measured: str
    limit: str
    remark: str
    """Why, on what condition, and what would settle it; may be empty."""
    deciding: bool
    """Whether the overall verdict is this gate's."""
    picture: Picture | None


@dataclass(frozen=True)
class Series:
    """One model's line. `y` has None where there is no reading."""

    party: Party
    name: str
    y: tuple[float | None, ...]
    low: tuple[float | None, ...] = ()
    high: tuple[float | None, ...] = ()
    out_of_memory: tuple[bool, ...] = ()
    """Where the model did not fit: drawn as a cross, never left out."""


@dataclass(frozen=True)
class Chart:
    """A line chart with its reading in one sentence."""

    title: str
    reading: str
    x_label: str
    y_label: str
    x: tuple[float, ...]
    series: tuple[Series, ...]
    log_x: bool = False
    from_zero: bool = True
    y_most: float | None = None
    """Above this there is nothing: 100 where y is in percent of a whole."""
    x_limit: float | None = None
    """Right of this only the timing counts: the trained context."""
    x_limit_label: str = ""


@dataclass(frozen=True)
class Table:
    """A table; the first column names the row."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: bool = False
    """Cells are text and not numbers: aligned left, and allowed to be wide."""


@dataclass(frozen=True)
class Section:
    """A heading with what belongs to it, in this order."""

    title: str
    paragraphs: tuple[str, ...] = ()
    bullets: tuple[str, ...] = ()
    charts: tuple[Chart, ...] = ()
    tables: tuple[Table, ...] = ()
    quotes: tuple[tuple[str, str], ...] = ()
    """Texts from outside, word for word, each with its label."""


@dataclass(frozen=True)
class Report:
    """Two pages to decide by, then annexes."""

    lang: Lang
    title: str
    subtitle: str
    facts: tuple[tuple[str, str], ...]
    """What was measured, when and on what: label and value."""
    verdict: Mark
    sentence: str
    """Which gates decided, or why there is no verdict."""
    meaning: str
    """What the verdict says, and what it does not."""
    figures: tuple[Figure, ...]
    gates: tuple[GateRow, ...]
    lines: Section
    """What one can say in the meeting."""
    money: Section
    charts: tuple[Chart, ...]
    risks: Section
    untested: Section
    annexes: tuple[Section, ...] = field(default=())
    footer: str = ""
