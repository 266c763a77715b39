"""A run's memory: read often, written seldom, its highest reading never lost."""

from __future__ import annotations

import math
import time
from typing import Any

from engine.events import Event
from engine.runs import in_use, store
from engine.runs.in_use import LEAST_S, Meter, metered, reading
from tests.support.runs import make_run

GIB = 2**30


def _found(used: int) -> dict[str, Any]:
    return {"device": "cpu", "used_bytes": used, "total_bytes": 8 * GIB}


def test_this_process_is_read_with_those_it_started() -> None:
    found = reading()
    assert found["device"] == "cpu" and 2**20 < found["used_bytes"] < found["total_bytes"]


def test_the_highest_reading_is_kept_though_it_was_not_written() -> None:
    meter = Meter(0.0)
    assert meter.values(_found(100), 1.0) == {**_found(100), "peak_bytes": 100}
    assert meter.values(_found(900), 1.5) is None, "too early"
    after = meter.values(_found(200), 1.0 + LEAST_S)
    assert after and (after["used_bytes"], after["peak_bytes"]) == (200, 900)


def test_what_hardly_changes_is_not_written() -> None:
    meter = Meter(0.0)
    meter.values(_found(10_000), 0.0)
    assert meter.values(_found(10_050), 60.0) is None
    assert meter.values(_found(10_200), 61.0) is not None


def test_a_long_run_writes_a_few_hundred_readings_at_most() -> None:
    meter, day = Meter(0.0), 24 * 3600
    readings = (_found(1000 + 500 * (second % 2)) for second in range(day))
    written = sum(meter.values(found, float(now)) is not None for now, found in enumerate(readings))
    assert 100 < written < 1000 and written < 100 * (2 + math.log(day / (100 * LEAST_S)))


def test_readings_become_events_of_the_stage_at_work(monkeypatch) -> None:
    monkeypatch.setattr(in_use, "READ_S", 0.01)
    run_id = make_run()
    used = iter(range(GIB, 100 * GIB, GIB))
    with metered(run_id, lambda: _found(next(used))):
        time.sleep(0.1)
        assert store.events(run_id) == [], "nothing comes before the run's own first event"
        store.record(run_id, Event("stage", "preparing"))
        monkeypatch.setattr(in_use, "LEAST_S", 0.02)
        deadline = time.monotonic() + 20
        while len(store.events(run_id)) < 3 and time.monotonic() < deadline:
            time.sleep(0.02)
    kinds = [(event.kind, event.stage) for event in store.events(run_id)]
    assert kinds[:3] == [("stage", "preparing"), *[("memory", "preparing")] * 2]
    assert store.get(run_id).step == 0, "a reading is no progress"
