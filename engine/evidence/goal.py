"""What the conversion is wanted for: the use, its load and the user's prices, fixed before the run.

Nothing here has an invented price. What the acceptance gates say of lengths, `context_tokens` and
`output_tokens`, is the load's too and not repeated.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import Field

from engine.evidence.parts import Result
from engine.evidence.roi import MoneyInputs

WORKING_HOURS = 8
"""Hours a day over which documents arrive where the busiest hour is not known."""

_Positive = Annotated[float, Field(gt=0)]
_NotNegative = Annotated[float, Field(ge=0)]


class Prices(Result):
    """The user's prices, all in one currency."""

    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]
    """Currency, as three letters (ISO 4217)."""
    prices_date: date
    """The day on which they were valid."""
    instance_price_per_hour: _Positive
    """Of one machine like the one measured, per hour."""
    instance_hours_per_month: Annotated[float, Field(gt=0, le=744)] = 730.0
    """Hours a month for which every machine is paid; 730 when it is always on."""
    conversion_price_per_hour: _NotNegative | None = None
    """Of the machine that converts, per hour; empty takes `instance_price_per_hour`."""
    other_conversion_cost: _NotNegative = 0.0
    """What the conversion costs besides: people's time, tests, approval."""


class Goal(Result):
    """What the conversion is wanted for."""

    use_case: Annotated[str, Field(max_length=300)] = ""
    """In the user's words."""
    documents_per_day: _Positive | None = None
    """Documents processed a day."""
    days_per_month: Annotated[float, Field(gt=0, le=31)] = 30.0
    """Days a month on which documents are processed."""
    peak_documents_per_hour: _Positive | None = None
    """Documents of the busiest hour; empty spreads a day's evenly over `WORKING_HOURS`."""
    latency_limit_s: _Positive | None = None
    """Longest mean time from a document's arrival to its finished answer, s."""
    prices: Prices | None = None
    """The user's prices; empty gives no money figures."""


def money_inputs(goal: Goal, *, input_tokens: int | None, output_tokens: int) -> MoneyInputs | None:
    """What `roi` needs, if the user gave it; None where a number is missing.

    Args:
        goal: of the run.
        input_tokens: tokens read per document.
        output_tokens: tokens written per document.
    """
    prices, daily, limit = goal.prices, goal.documents_per_day, goal.latency_limit_s
    if prices is None or daily is None or limit is None or input_tokens is None:
        return None
    converting = prices.conversion_price_per_hour
    return MoneyInputs(
        currency=prices.currency,
        prices_date=prices.prices_date,
        instance_price_per_hour=prices.instance_price_per_hour,
        instance_hours_per_month=prices.instance_hours_per_month,
        documents_per_month=daily * goal.days_per_month,
        peak_documents_per_hour=goal.peak_documents_per_hour or daily / WORKING_HOURS,
        latency_limit_s=limit,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        conversion_price_per_hour=(
            prices.instance_price_per_hour if converting is None else converting
        ),
        other_conversion_cost=prices.other_conversion_cost,
    )
