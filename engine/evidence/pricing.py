"""From what a run's goal says of load and prices to the inputs of `roi`."""

from __future__ import annotations

from engine.evidence.roi import MoneyInputs
from engine.goal import WORKING_HOURS, Goal


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
