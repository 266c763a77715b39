"""Cost so far by month: the lines are the prices, and they cross where the table says."""

from __future__ import annotations

import json
from datetime import date

import pytest

from app import break_even
from engine.evidence.roi import MoneyInputs, Roi, roi
from tests.support import example_runs as examples


def _roi(**changes: float) -> Roi:
    inputs = MoneyInputs(
        currency="JPY", prices_date=date(2026, 11, 25), instance_price_per_hour=100,
        instance_hours_per_month=730, documents_per_month=900_000, peak_documents_per_hour=20_000,
        latency_limit_s=60, input_tokens=8192, output_tokens=200, conversion_price_per_hour=1000,
        other_conversion_cost=3_000_000,
    )  # fmt: skip
    result = examples.comparison()
    return roi(result.speed, result.timing, inputs.model_copy(update=changes))


def _named(figure: dict, name: str) -> dict:
    return next(trace for trace in figure["data"] if trace.get("name") == name)


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_the_lines_are_the_costs_and_cross_where_it_has_paid(lang: str) -> None:
    found = _roi()
    base = next(case for case in found.cases if case.case == "base")
    assert base.payback_months and base.original.cost_per_month and base.converted.cost_per_month
    figure = break_even.chart(found, lang)
    assert figure is not None
    json.dumps(figure, allow_nan=False)
    crossing = _named(figure, "Break-even" if lang == "en" else "損益分岐点")
    paid = crossing["x"][0]
    assert paid == base.payback_months
    both = [break_even.spent(found, base, party, paid) for party in break_even.SIDES]
    assert crossing["y"][0] == pytest.approx(both[1]) == both[0]
    assert break_even.reading(found, lang) and "<table" in break_even.table(found, lang)


def test_the_first_year_is_drawn_as_ever_and_what_follows_dotted() -> None:
    found = _roi(other_conversion_cost=60_000_000.0)
    end = break_even.months(found)
    assert end > break_even.SURE_MONTHS
    figure = break_even.chart(found, "en")
    assert figure is not None
    converted = _named(figure, "Converted")
    assert (converted["x"][0], converted["x"][-1], converted["line"]["dash"]) == (0, 12, "dash")
    beyond = [t for t in figure["data"] if "Beyond a year" in t.get("name", "")]
    assert [(t["x"][0], t["x"][-1], t["line"]["dash"]) for t in beyond] == [(12, end, "dot")] * 2
    assert sum(t["showlegend"] for t in beyond) == 1


def test_a_conversion_that_never_pays_has_no_crossing() -> None:
    found = _roi(peak_documents_per_hour=1.0)
    figure = break_even.chart(found, "en")
    assert figure is not None and len(figure["data"]) == 4
    assert "do not cross" in break_even.reading(found, "en")


def test_nothing_is_drawn_without_prices_or_where_a_model_cannot_serve() -> None:
    assert break_even.chart(None, "en") is None
    assert break_even.chart(_roi(latency_limit_s=0.001), "en") is None
    assert break_even.chart(_roi(input_tokens=99_999), "en") is None
    assert break_even.reading(_roi(latency_limit_s=0.001), "en") == ""
