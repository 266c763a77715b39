"""Charts and interval pictures as inline SVG: no script, readable in grey print.

One visual language: original blue, solid, circle; converted vermilion, dashed, square; control
grey, dotted, diamond. Sizes are in the picture's own units, about one CSS pixel on the page.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from engine.report.model import Chart, Party, Picture, Series

COLORS: dict[Party, str] = {"original": "#0072B2", "converted": "#D55E00", "control": "#6B7280"}
"""Okabe-Ito blue and vermilion, told apart by the colour-blind, and a grey."""
_DASHES: dict[Party, str] = {"original": "none", "converted": "6 3", "control": "1.5 3"}
TINY = 1e-300
"""Spans below this are none."""
_FAMILY = "IBM Plex Sans, Noto Sans JP, Noto Sans CJK JP, Hiragino Sans, Meiryo, sans-serif"
_INK, _GRID, _FONT = "#374151", "#E5EAF1", 9.5
_TOP, _BOTTOM, _RIGHT = 40.0, 36.0, 12.0


def text_width(text: str, size: float = _FONT) -> float:
    """About how wide a text is: Japanese letters are square, Latin ones half as wide."""
    return sum(size if ord(letter) > 0x2E80 else size * 0.56 for letter in text)


def nice_ticks(low: float, high: float, about: int = 4) -> list[float]:
    """Round numbers from at most `low` to at least `high`."""
    span, size = high - low, max(abs(low), abs(high))
    if span < 1e-9 * size:  # finer steps than floats of this size can tell apart
        span = size
    if span < TINY:  # nothing to tell apart: its logarithm would be none either
        span = 1.0
    step = 10.0 ** math.floor(math.log10(span / about))
    step *= next(m for m in (1, 2, 5, 10) if span / (step * m) <= about)
    first, last = math.floor(low / step), math.ceil(high / step)
    if first == last:
        last += 1
    return [n * step for n in range(first, last + 1)]


def _tick_text(value: float, step: float) -> str:
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    return f"{value:,.{decimals}f}".replace("-", "−")


@dataclass(frozen=True)
class _Plane:
    """From data to the picture."""

    chart: Chart
    width: float
    height: float
    left: float
    ticks: tuple[float, ...]

    def x(self, value: float) -> float:
        low, high = min(self.chart.x), max(self.chart.x)
        if self.chart.log_x:
            low, high, value = math.log(low), math.log(high), math.log(value)
        else:
            low = 0.0
        inside = self.width - _RIGHT - self.left - 16  # room for the first and last marker
        share = (value - low) / (high - low) if high > low else 0.5
        return self.left + 8 + inside * share

    def y(self, value: float) -> float:
        share = (value - self.ticks[0]) / (self.ticks[-1] - self.ticks[0])
        return self.height - _BOTTOM - (self.height - _BOTTOM - _TOP) * share


def chart(made: Chart, *, width: float = 340, height: float = 220) -> Markup:
    """A line chart as an SVG element."""
    values = [v for one in made.series for v in (*one.y, *one.low, *one.high) if v is not None]
    low, high = min(values, default=0.0), max(values, default=1.0)
    ticks = tuple(nice_ticks(min(0.0, low) if made.from_zero else low, high))
    labels = [_tick_text(tick, ticks[1] - ticks[0]) for tick in ticks]
    plane = _Plane(made, width, height, 8 + max(map(text_width, labels)), ticks)
    parts = [_text(0, 11, made.y_label), *_legend(made, width)]
    for tick, label in zip(ticks, labels):
        y = plane.y(tick)
        parts.append(_line(plane.left, y, width - _RIGHT, y, _GRID))
        parts.append(_text(plane.left - 4, y + 3, label, "end"))
    parts += _x_ticks(plane)
    parts.append(_text((plane.left + width - _RIGHT) / 2, height - 4, made.x_label, "middle"))
    if made.x_limit is not None:
        x = plane.x(made.x_limit)
        parts.append(_line(x, _TOP, x, height - _BOTTOM, "#9AA5B5", "2 2"))
        parts.append(_text(x + 3, _TOP + 8, f"{made.x_limit_label} →", size=8.5))
    for one in made.series:
        parts += _series(plane, one)
    name = escape(f"{made.title}. {made.reading}")
    return Markup(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img"'
        f' font-family="{_FAMILY}" aria-label="{name}">{"".join(parts)}</svg>'
    )


def _text(
    x: float, y: float, text: str, anchor: str = "start", size: float = _FONT, fill: str = _INK
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" fill="{fill}"'
        f' text-anchor="{anchor}">{escape(text)}</text>'
    )


def _line(
    x1: float, y1: float, x2: float, y2: float, color: str, dash: str = "none", width: float = 1
) -> str:
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{color}"'
        f' stroke-width="{width:g}" stroke-dasharray="{dash}"/>'
    )


def _legend(made: Chart, width: float) -> list[str]:
    parts, x = [], 0.0
    for one in made.series:
        parts.append(_line(x, 24, x + 26, 24, COLORS[one.party], _DASHES[one.party], 2))
        parts.append(_marker(one.party, x + 13, 24))
        parts.append(_text(x + 31, 27.5, one.name))
        x += 31 + text_width(one.name) + 14
    return parts


def _x_ticks(plane: _Plane) -> list[str]:
    """Labels at the measured places, from the right, as many as there is room for."""
    parts, free = [], plane.width + 20
    for value in sorted(set(plane.chart.x), reverse=True):
        label, x = f"{value:,.0f}", plane.x(value)
        half = text_width(label) / 2
        parts.append(_line(x, plane.height - _BOTTOM, x, plane.height - _BOTTOM + 3, "#9AA5B5"))
        if x + half + 4 <= free:
            at = min(x, plane.width - half)
            parts.append(_text(at, plane.height - _BOTTOM + 13, label, "middle"))
            free = at - half
    return parts


def _series(plane: _Plane, one: Series) -> list[str]:
    xs = plane.chart.x
    parts = _band(plane, one)
    color = COLORS[one.party]
    for run in _runs([(x, y) for x, y in zip(xs, one.y)]):
        points = " ".join(f"{plane.x(x):.1f},{plane.y(y):.1f}" for x, y in run)
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{color}"'
            f' stroke-width="{2.8 if one.party == "original" else 2:g}"'
            f' stroke-dasharray="{_DASHES[one.party]}"/>'
        )
        parts += [_marker(one.party, plane.x(x), plane.y(y)) for x, y in run]
    for x, lacking in zip(xs, one.out_of_memory):
        if lacking:
            shift = 5 if one.party == "converted" else -5
            parts.append(_text(plane.x(x) + shift, _TOP + 20, "✕", "middle", 13, color))
    return parts


def _band(plane: _Plane, one: Series) -> list[str]:
    held = [
        (x, low, high)
        for x, low, high in zip(plane.chart.x, one.low, one.high)
        if low is not None and high is not None
    ]
    if len(held) < 2:
        return []
    ring = [(x, high) for x, _, high in held] + [(x, low) for x, low, _ in reversed(held)]
    points = " ".join(f"{plane.x(x):.1f},{plane.y(y):.1f}" for x, y in ring)
    color = COLORS[one.party]
    return [
        f'<polygon points="{points}" fill="{color}" fill-opacity="0.14" stroke="{color}"'
        f' stroke-width="0.7" stroke-opacity="0.6" stroke-dasharray="{_DASHES[one.party]}"/>'
    ]


def _runs(points: Sequence[tuple[float, float | None]]) -> list[list[tuple[float, float]]]:
    """Stretches without a gap."""
    runs: list[list[tuple[float, float]]] = [[]]
    for x, y in points:
        if y is None:
            runs.append([])
        else:
            runs[-1].append((x, y))
    return [run for run in runs if run]


def _marker(party: Party, x: float, y: float) -> str:
    """The original's is drawn first and shows around the others, which have a white rim."""
    look = f'fill="{COLORS[party]}"'
    if party == "original":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.3" {look}/>'
    look += ' stroke="#FFFFFF" stroke-width="0.8"'
    if party == "converted":
        return f'<rect x="{x - 3:.1f}" y="{y - 3:.1f}" width="6" height="6" {look}/>'
    corners = f"{x:.1f},{y - 4:.1f} {x + 4:.1f},{y:.1f} {x:.1f},{y + 4:.1f} {x - 4:.1f},{y:.1f}"
    return f'<polygon points="{corners}" {look}/>'


def picture(shown: Picture, *, width: float = 120, height: float = 22) -> Markup:
    """An interval against its limit: the allowed side is grey, the limit a bar."""
    ends = [shown.low, shown.high, shown.limit, shown.estimate]
    low, high = min(ends), max(ends)
    room = (high - low or abs(high) or 1.0) * 0.18
    low, high = low - room, high + room

    def x(value: float) -> float:
        return 2 + (width - 4) * (value - low) / (high - low)

    middle, limit = height / 2, x(shown.limit)
    start, end = (2.0, limit) if shown.at_most else (limit, width - 2)
    color = COLORS["converted"]
    parts = [
        f'<rect x="{start:.1f}" y="4" width="{end - start:.1f}" height="{height - 8:g}"'
        ' fill="#DDE3EC"/>',
        _line(2, middle, width - 2, middle, "#9AA5B5"),
        _line(limit, 1, limit, height - 1, "#111827", width=2),
    ]
    if shown.high > shown.low:
        left, right = x(shown.low), x(shown.high)
        parts.append(_line(left, middle, right, middle, color, width=2.5))
        parts += [_line(at, middle - 4, at, middle + 4, color, width=1.5) for at in (left, right)]
    parts.append(f'<circle cx="{x(shown.estimate):.1f}" cy="{middle:g}" r="3.6" fill="{color}"/>')
    return Markup(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img"'
        f' aria-label="{escape(shown.alt)}">{"".join(parts)}</svg>'
    )
