"""Money: what serving costs with either model, and when a conversion pays for itself.

Times are the run's own measurements at batch size 1 and are never carried beyond the lengths
measured. Prices and loads are the user's, with the date of the prices; none has a default. A
conversion that costs more than it saves is said to: savings go below zero.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise
from statistics import median
from typing import Annotated, Literal

from pydantic import Field

from engine.evidence.parts import Result, Speed, SpeedPair, SpeedPoint

Party = Literal["original", "converted"]
Case = Literal["low", "base", "high"]
Pace = Literal["p10", "tokens_per_s", "p90"]

_PACES: dict[Case, dict[Party, Pace]] = {
    "low": {"original": "p90", "converted": "p10"},
    "base": {"original": "tokens_per_s", "converted": "tokens_per_s"},
    "high": {"original": "p10", "converted": "p90"},
}
_HOUR = 3600.0
_Positive = Annotated[float, Field(gt=0)]
_NotNegative = Annotated[float, Field(ge=0)]


class MoneyInputs(Result):
    """The user's load, limits and prices: all have to be given."""

    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]
    """Currency of all prices, as three letters (ISO 4217)."""
    prices_date: date
    """The day on which the prices were valid, e.g. 2026-11-25."""
    instance_price_per_hour: _Positive
    """Price of one machine like the one measured, per hour."""
    instance_hours_per_month: Annotated[float, Field(gt=0, le=744)]
    """Hours a month for which every instance is paid; 730 when it is always on."""
    documents_per_month: _Positive
    """Documents processed a month."""
    peak_documents_per_hour: _Positive
    """Documents that arrive in the busiest hour: what the instances must bear."""
    latency_limit_s: _Positive
    """Longest mean time from a document's arrival to its finished answer in the busiest hour, s."""
    input_tokens: Annotated[int, Field(ge=1)]
    """Tokens read per document."""
    output_tokens: Annotated[int, Field(ge=1)]
    """Tokens written per document."""
    conversion_price_per_hour: _NotNegative
    """Price per hour of the machine that converts."""
    other_conversion_cost: _NotNegative
    """What the conversion costs besides: people's time, tests, approval."""


class Serving(Result):
    """One model under the stated load."""

    seconds_per_document: float
    """Prefill and all decode steps, one document at a time."""
    instances: int | None
    """Machines for the busiest hour; null where one document alone takes longer than the limit."""
    cost_per_month: float | None
    """Of these machines."""
    cost_per_1000_documents: float | None
    """The same, divided among the month's documents."""


class Payback(Result):
    """One case: low takes the slow end of the converted model's timings and the fast end of the
    original's, base both medians, high the reverse of low."""

    case: Case
    """low, base or high."""
    original: Serving
    """Serving the original."""
    converted: Serving
    """Serving the converted model."""
    saving_per_month: float | None
    """Negative where converting makes serving dearer; null where either misses the limit."""
    payback_months: float | None
    """Months until the saving has paid for the conversion; null where it never does."""


class InputCost(Result):
    """Both models' time for one document of this length: where short inputs make it worse."""

    input_tokens: int
    """Tokens read."""
    original_s: float
    """Seconds of the original."""
    converted_s: float
    """Seconds of the converted model."""


class Roi(Result):
    """Return on the conversion."""

    inputs: MoneyInputs
    """The user's numbers it was computed with."""
    conversion_hours: float
    """Measured: preparing, attention transfer and fine-tuning, the control's too."""
    conversion_cost: float
    """One-off: those hours at their price, and what was given besides."""
    cases: tuple[Payback, ...]
    """low, base, high; none where the inputs' length lies outside the lengths measured."""
    measured_tokens: tuple[int, int] | None
    """Shortest and longest length for which both models were measured; null without any."""
    by_input: tuple[InputCost, ...]
    """At every length measured."""
    dearer_at_tokens: tuple[int, ...]
    """Those lengths at which the converted model takes longer."""


def roi(speed: Speed, timing: Mapping[str, float], inputs: MoneyInputs) -> Roi:
    """What the conversion costs and saves.

    Args:
        speed: of the comparison.
        timing: of the comparison: seconds by stage.
        inputs: the user's.
    """
    by_input = _by_input(speed, inputs.output_tokens)
    lengths = [one.input_tokens for one in by_input]
    stages = ("preparing", "transferring", "fine-tuning")
    hours = sum(timing.get(stage, 0.0) for stage in stages) / _HOUR
    cost = hours * inputs.conversion_price_per_hour + inputs.other_conversion_cost
    inside = bool(lengths) and lengths[0] <= inputs.input_tokens <= lengths[-1]
    return Roi(
        inputs=inputs,
        conversion_hours=hours,
        conversion_cost=cost,
        cases=tuple(_payback(case, speed, inputs, cost) for case in _PACES) if inside else (),
        measured_tokens=(lengths[0], lengths[-1]) if lengths else None,
        by_input=by_input,
        dearer_at_tokens=tuple(
            one.input_tokens for one in by_input if one.converted_s > one.original_s
        ),
    )


def instances_for(
    documents_per_hour: float, seconds_per_document: float, latency_limit_s: float
) -> int | None:
    """Machines that bear the load within the mean latency; None where no number does.

    Each machine takes one document at a time from its own queue of random arrivals (M/D/1): at
    utilisation u and service time S the mean wait is u S / (2 (1 - u)) (Pollaczek-Khinchine), so
    u <= 2x / (1 + 2x) with x = (limit - S) / S.
    """
    slack = (latency_limit_s - seconds_per_document) / seconds_per_document
    if slack <= 0:
        return None
    utilisation = 2 * slack / (1 + 2 * slack)
    return math.ceil(documents_per_hour * seconds_per_document / _HOUR / utilisation)


def document_times(speed: Speed, party: Party, length: int, output_tokens: int) -> list[float]:
    """Seconds for one document, repeat by repeat, at a length that was measured; empty if not."""
    prefill, decode = (_at(pair, party, length) for pair in (speed.prefill, speed.decode))
    if not prefill or not decode or not decode.seconds or not decode.tokens_per_s:
        return []
    tokens = round(decode.tokens_per_s * median(decode.seconds))  # of one timed repeat
    return [p + d / tokens * output_tokens for p, d in zip(prefill.seconds, decode.seconds)]


def _at(pair: SpeedPair, party: Party, length: int) -> SpeedPoint | None:
    points: Sequence[SpeedPoint] = getattr(pair, party)
    return next((p for p in points if p.context_tokens == length), None)


def _payback(case: Case, speed: Speed, inputs: MoneyInputs, cost: float) -> Payback:
    original, converted = (
        _serving(_seconds(speed, party, inputs, _PACES[case][party]), inputs)
        for party in ("original", "converted")
    )
    saving = payback = None
    if original.cost_per_month is not None and converted.cost_per_month is not None:
        saving = original.cost_per_month - converted.cost_per_month
        payback = cost / saving if saving > 0 else None
    return Payback(
        case=case, original=original, converted=converted, saving_per_month=saving,
        payback_months=payback,
    )  # fmt: skip


def _serving(seconds: float, inputs: MoneyInputs) -> Serving:
    needed = instances_for(inputs.peak_documents_per_hour, seconds, inputs.latency_limit_s)
    monthly = None
    if needed is not None:
        monthly = needed * inputs.instance_price_per_hour * inputs.instance_hours_per_month
    return Serving(
        seconds_per_document=seconds,
        instances=needed,
        cost_per_month=monthly,
        cost_per_1000_documents=None
        if monthly is None
        else 1000 * monthly / inputs.documents_per_month,
    )


def _seconds(speed: Speed, party: Party, inputs: MoneyInputs, pace: Pace) -> float:
    """Seconds for one document of the user's, on the straight line between the lengths measured."""
    known = [
        (length, _document(prefill, decode, inputs.output_tokens, pace))
        for length, prefill, decode in _measured(speed, party)
    ]
    at = inputs.input_tokens
    for (left, fast), (right, slow) in pairwise(known):
        if left <= at <= right:
            return fast + (slow - fast) * (at - left) / (right - left)
    return known[0][1]  # one length only, and it is the user's


def _document(prefill: SpeedPoint, decode: SpeedPoint, output_tokens: int, pace: Pace) -> float:
    reading, writing = getattr(prefill, pace), getattr(decode, pace)
    return prefill.context_tokens / reading + output_tokens / writing


def _measured(speed: Speed, party: Party) -> list[tuple[int, SpeedPoint, SpeedPoint]]:
    """The lengths at which both models ran, with this model's prefill and decode."""
    found = []
    for theirs in speed.decode.original:
        length = theirs.context_tokens
        every = [_at(pair, side, length) for pair in (speed.prefill, speed.decode)
                 for side in ("original", "converted")]  # fmt: skip
        if all(point is not None and point.tokens_per_s for point in every):
            prefill, decode = _at(speed.prefill, party, length), _at(speed.decode, party, length)
            assert prefill and decode  # just seen
            found.append((length, prefill, decode))
    return found


def _by_input(speed: Speed, output_tokens: int) -> tuple[InputCost, ...]:
    sides = zip(_measured(speed, "original"), _measured(speed, "converted"))
    return tuple(
        InputCost(
            input_tokens=theirs[0],
            original_s=_document(theirs[1], theirs[2], output_tokens, "tokens_per_s"),
            converted_s=_document(mine[1], mine[2], output_tokens, "tokens_per_s"),
        )
        for theirs, mine in sides
    )
