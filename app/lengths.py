"""Logarithmic axes for tokens, bytes and times, with ticks few and short enough for a phone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from app.numbers import count, number

_MOST_TICKS = 7
_MOST_LETTERS = 18
"""In the words of all ticks together: what stands side by side below a chart on a phone."""


def short(tokens: float) -> str:
    """A length as a tick says it: whole multiples of 1,024 as "2K", of 1,048,576 as "1M"."""
    for unit, step in (("M", 2**20), ("K", 2**10)):
        if tokens >= step and tokens % step == 0:
            return f"{count(int(tokens // step))}{unit}"
    return count(int(tokens))


def token_axis(values: Sequence[float]) -> dict[str, Any]:
    """A logarithmic axis for lengths in tokens."""
    ticks = _powers(values, side_by_side=True)
    return {"type": "log", "tickvals": ticks, "ticktext": [short(tick) for tick in ticks]}


def byte_axis(values: Sequence[float]) -> dict[str, Any]:
    """A logarithmic axis for memory."""
    ticks = _powers(values)
    return {"type": "log", "tickvals": ticks, "ticktext": [_bytes(tick) for tick in ticks],
            "rangemode": "normal"}  # fmt: skip


def _powers(values: Sequence[float], *, side_by_side: bool = False) -> list[int]:
    """Powers of two over the range of `values`, the largest among them always."""
    known = [value for value in values if value >= 1]
    if not known:
        return []
    low, high = math.ceil(math.log2(min(known))), math.floor(math.log2(max(known)))
    if low > high:
        return [round(max(known))]
    step = -(-(high - low + 1) // _MOST_TICKS)
    while True:
        ticks = [2**power for power in range(high, low - 1, -step)][::-1]
        letters = sum(len(short(tick)) for tick in ticks)
        if not side_by_side or letters <= _MOST_LETTERS or len(ticks) <= 2:
            return ticks
        step += 1


def _bytes(power_of_two: int) -> str:
    """In the unit that leaves a whole number."""
    for unit, step in (("TiB", 2**40), ("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if power_of_two >= step:
            return f"{power_of_two // step} {unit}"
    return f"{power_of_two} B"


def time_axis(values: Sequence[float]) -> dict[str, Any]:
    """A logarithmic axis for milliseconds."""
    known = [value for value in values if value > 0]
    low = math.floor(math.log10(min(known, default=1.0)))
    high = math.ceil(math.log10(max(known, default=1.0)))
    steps = (1, 3) if high - low <= 4 else (1,)
    ticks = [step * 10.0**power for power in range(low, high + 1) for step in steps]
    words = [f"{tick:g} ms" if tick < 1000 else f"{tick / 1000:g} s" for tick in ticks]
    return {"type": "log", "tickvals": ticks, "ticktext": words, "rangemode": "normal"}


def waiting(milliseconds: float) -> str:
    """A short time, in ms below a second: "390 ms", "1.2 s"."""
    if milliseconds < 1000:
        return f"{number(milliseconds)} ms"
    return f"{number(milliseconds / 1000)} s"
