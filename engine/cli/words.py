"""Tables and numbers of the command line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.evidence.rounding import significant


def table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Columns under a rule; the first is aligned left, all others right. None shows as "-"."""
    cells = [[str(c) for c in head], *[["-" if c is None else str(c) for c in r] for r in rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    cells.insert(1, ["-" * width for width in widths])
    lines = [
        "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:]))])
        for row in cells
    ]
    return "\n".join(line.rstrip() for line in lines)


def counted(n: int, thing: str) -> str:
    """A number with its noun, e.g. "1 thread", "2,048 tokens"."""
    return f"{n:,} {thing}" if n == 1 else f"{n:,} {thing}s"


def between(low: float, high: float, digits: int) -> str:
    """Both ends of an interval of a change, e.g. "-1.5 to +0.2"."""
    return f"{low:+.{digits}f} to {high:+.{digits}f}"


def measured(value: float | None, digits: int, unit: str) -> str:
    """A number with its digits and unit, or that there is none."""
    return "not measured" if value is None else f"{value:,.{digits}f}{unit}"


def times(ratio: float) -> str:
    """A ratio, e.g. "1.32x"; small ones keep two significant digits, as in the report."""
    return f"{significant(ratio, 2) if 0 < ratio < 0.1 else format(ratio, '.2f')}x"


def perplexity(value: float | None) -> str:
    """Four significant digits, e.g. 2.612 and 59,380."""
    return "not measured" if value is None else significant(value)
