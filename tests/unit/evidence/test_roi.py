"""Money from planted speeds, against a calculation by hand."""

import pytest
from pydantic import ValidationError

from engine.evidence.parts import Speed, SpeedPair
from engine.evidence.roi import MoneyInputs, instances_for, roi

INPUTS = {
    "currency": "JPY", "prices_date": "2026-11-25", "instance_price_per_hour": 100.0,
    "instance_hours_per_month": 730.0, "documents_per_month": 100_000.0,
    "peak_documents_per_hour": 3600.0, "latency_limit_s": 10.0, "input_tokens": 1000,
    "output_tokens": 100, "conversion_price_per_hour": 200.0, "other_conversion_cost": 50_000.0,
}  # fmt: skip
TIMING = {"preparing": 600.0, "transferring": 1200.0, "fine-tuning": 1800.0, "comparing": 9000.0}


def _points(rates: dict[int, float], spread: float = 0.0):
    return [
        {"context_tokens": n, "tokens_per_s": rate, "p10": rate * (1 - spread),
         "p90": rate * (1 + spread), "median_ms": None, "repeats": 5, "threads": 1,
         "beyond_trained_context": False, "out_of_memory": False} for n, rate in rates.items()
    ]  # fmt: skip


def _speed(original: dict[int, float], converted: dict[int, float], spread: float = 0.0) -> Speed:
    prefill = _points({500: 1e6, 1500: 1e6})
    return Speed(
        decode=SpeedPair.model_validate(
            {"original": _points(original, spread), "converted": _points(converted, spread)}
        ),
        prefill=SpeedPair.model_validate({"original": prefill, "converted": prefill}),
        note=None,
    )


def _roi(speed: Speed, **changes):
    return roi(speed, TIMING, MoneyInputs.model_validate({**INPUTS, **changes}))


@pytest.mark.parametrize(
    ("load", "seconds", "limit", "machines"),
    # x = 1: u <= 2/3, so 100 documents an hour of 36 s each (one machine's worth) need 1.5.
    [(100, 36.0, 72.0, 2), (0.001, 36.0, 37.0, 1), (100, 36.0, 36.0, None), (9, 36.0, 30.0, None)],
)  # fmt: skip
def test_instances(load, seconds, limit, machines):
    assert instances_for(load, seconds, limit) == machines


def test_instances_keep_the_mean_latency():
    for seconds in (1.0, 2.0, 7.0):
        n = instances_for(5000, seconds, 8.0)
        assert n
        for machines, kept in ((n, True), (n - 1, False)):
            use = 5000 * seconds / 3600 / machines
            latency = seconds + use * seconds / (2 * (1 - use)) if use < 1 else float("inf")
            assert (latency <= 8.0) == kept


def test_half_the_time_is_half_the_machines_and_pays_back():
    found = _roi(_speed({500: 50, 1500: 50}, {500: 100, 1500: 100}))
    assert found.conversion_hours == 1.0 and found.conversion_cost == 50_200
    base = found.cases[1]
    # 2 s and 1 s per document, one document a second at the peak.
    assert base.original.seconds_per_document == pytest.approx(2.001, abs=1e-6)
    assert (base.original.instances, base.converted.instances) == (3, 2)
    assert base.original.cost_per_month == 3 * 73_000
    assert base.original.cost_per_1000_documents == pytest.approx(2190)
    assert base.saving_per_month == 73_000
    assert base.payback_months == pytest.approx(50_200 / 73_000)
    assert found.dearer_at_tokens == ()


def test_low_and_high_take_the_ends_of_the_timings():
    low, base, high = _roi(_speed({500: 20, 1500: 20}, {500: 60, 1500: 60}, 0.2)).cases
    assert [c.case for c in (low, base, high)] == ["low", "base", "high"]
    savings = [c.saving_per_month or 0 for c in (low, base, high)]
    assert savings[0] < savings[1] < savings[2]
    assert low.original.seconds_per_document == pytest.approx(100 / 24, abs=0.01)
    assert low.converted.seconds_per_document == pytest.approx(100 / 48, abs=0.01)


def test_short_inputs_that_make_it_worse_cost_more_and_never_pay_back():
    speed = _speed({500: 100, 1500: 25}, {500: 40, 1500: 40})
    found = _roi(speed, input_tokens=500)
    assert found.dearer_at_tokens == (500,) and found.measured_tokens == (500, 1500)
    base = found.cases[1]
    assert (base.saving_per_month or 0) < 0 and base.payback_months is None
    assert (_roi(speed, input_tokens=1500).cases[1].saving_per_month or 0) > 0


def test_between_two_lengths_the_time_is_between():
    found = _roi(_speed({500: 100, 1500: 25}, {500: 40, 1500: 40}), input_tokens=1000)
    assert found.cases[1].original.seconds_per_document == pytest.approx(2.501, abs=1e-3)


def test_nothing_is_carried_beyond_what_was_measured():
    speed = _speed({500: 100, 1500: 25}, {500: 40, 1500: 40})
    assert _roi(speed, input_tokens=499).cases == () == _roi(speed, input_tokens=1501).cases


def test_a_missed_latency_has_no_price():
    found = _roi(_speed({500: 10, 1500: 10}, {500: 100, 1500: 100}), latency_limit_s=5.0).cases[1]
    assert found.original.instances is None and found.original.cost_per_month is None
    assert found.converted.instances and found.saving_per_month is None


@pytest.mark.parametrize("missing", sorted(INPUTS))
def test_no_price_and_no_load_is_made_up(missing):
    with pytest.raises(ValidationError):
        MoneyInputs.model_validate({k: v for k, v in INPUTS.items() if k != missing})
