"""Numbers as a person reads them: rounded, grouped, always with a unit."""

from __future__ import annotations

from datetime import datetime


def number(value: float | None, digits: int = 3) -> str:
    """`value` with about `digits` significant digits and grouped thousands; "–" for None."""
    if value is None:
        return "–"
    if value != 0 and abs(value) < 1:
        return f"{value:.{digits}g}" if abs(value) >= 1e-3 else f"{value:.1e}"
    whole = len(str(int(abs(value))))
    return f"{value:,.{max(0, digits - whole)}f}"


def count(value: int | None) -> str:
    """A whole number with grouped thousands, e.g. "2,048"."""
    return "–" if value is None else f"{value:,}"


def size(n_bytes: float | None) -> str:
    """Bytes in the unit that reads best, e.g. "1.5 MiB"; powers of 1,024."""
    if n_bytes is None:
        return "–"
    for unit, step in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if n_bytes >= step:
            return f"{number(n_bytes / step)} {unit}"
    return f"{int(n_bytes)} B"


def duration(seconds: float | None) -> str:
    """Seconds as "42 s", "3 min 05 s" or "2 h 10 min"."""
    if seconds is None:
        return "–"
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def percent(share: float | None, digits: int = 0) -> str:
    """A fraction, 0-1 or more, as "97 %"."""
    return "–" if share is None else f"{share * 100:,.{digits}f} %"


def times(ratio: float) -> str:
    """A ratio as "3.2×"."""
    return f"{number(ratio, 2)}×"


def day(iso: str) -> str:
    """The date of an ISO timestamp, e.g. "2026-11-24"; the text itself when it is no timestamp."""
    return moment(iso)[:10]


def moment(iso: str) -> str:
    """An ISO timestamp as "2026-11-24 01:02"; the text itself when it is no timestamp."""
    try:
        return datetime.fromisoformat(iso).strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return iso
