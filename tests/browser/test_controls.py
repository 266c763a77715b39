"""Controls from the page: offered, watched over a refresh, stopped, and a failure told. The run is
made up; a worker that is at work is one whose lock and progress this test holds."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect

from engine.configs import RunConfig
from engine.evidence.control_parts import CONTROLS_FILE, Controls
from engine.runs import locks, store
from engine.runs.control_progress import Progress, write
from engine.services.jsonfile import write_json
from tests.support import example_runs as examples
from tests.support.runs import make_run

pytestmark = pytest.mark.slow


def test_controls_are_offered_watched_stopped_and_read(open_page, server, monkeypatch) -> None:
    monkeypatch.setenv("T2R_STUDIO_DATA", str(server.data))
    run_id = make_run(state="done")
    config = RunConfig(model="no-such-model", data="source.txt").model_dump(mode="json")
    store.update(run_id, config=json.dumps(config))
    folder = store.get(run_id).folder
    (folder / "comparison.json").write_text(examples.comparison().model_dump_json(), "utf-8")
    lock = locks.FileLock.take(folder / "lock")
    assert lock is not None
    write(folder, Progress(("rfa",), "working", 0.0, "rfa: fine-tuning", 40, 160))

    page = open_page(f"/?run={run_id}&step=5")
    status, table = page.locator("#controls-status"), page.locator("#controls")
    expect(page.get_by_role("heading", name="What each part is worth")).to_be_visible()
    expect(table).to_contain_text("No control has been trained")
    expect(status).to_contain_text("RFA in place of the method: fine-tuning")
    page.reload()  # the worker is not the page's
    expect(status).to_contain_text("Step 40 of 160")
    page.get_by_role("button", name="Stop, and keep the finished ones").click()
    expect(page.get_by_role("button", name="Stop, and keep the finished ones")).to_be_disabled()
    assert store.get(run_id).cancel_requested_at is not None

    found = Controls().having(examples.control("no-transfer"))
    write_json(folder / CONTROLS_FILE, found.model_dump(mode="json"))
    write(folder, Progress(("rfa",), "cancelled", 0.0))
    lock.release()
    expect(status).to_contain_text("Cancelled")
    expect(table).to_contain_text("Attention transfer was worth 0.101 nats per token")
    expect(page.get_by_label("Without attention transfer")).to_have_count(0)

    page.get_by_role("button", name="Train the chosen controls").click()
    expect(status).to_contain_text("Failed", timeout=120_000)  # the worker finds no such model
    expect(status).to_contain_text("no-such-model")
