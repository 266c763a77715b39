"""What the conversion is wanted for: the use, its load and the user's prices, fixed before the run.

Nothing here has an invented price. What the acceptance gates say of lengths, `context_tokens` and
`output_tokens`, is the load's too and not repeated.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

WORKING_HOURS = 8
"""Hours a day over which documents arrive where the busiest hour is not known."""

_Positive = Annotated[float, Field(gt=0)]
_NotNegative = Annotated[float, Field(ge=0)]


class _Part(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False
    )


class Prices(_Part):
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


class Goal(_Part):
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
