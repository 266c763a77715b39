"""How a measured number is rounded where a person reads it."""

from __future__ import annotations

import math


def significant(value: float, digits: int = 4) -> str:
    """`value` rounded to so many significant digits, thousands grouped: 59,382.7 is "59,380" and
    2.6123 "2.612". More would claim to know better."""
    if not value:
        return "0"
    places = digits - 1 - math.floor(math.log10(abs(value)))
    return f"{round(value, places):,.{max(0, places)}f}"
