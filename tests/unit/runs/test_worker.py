"""The worker process, its lock and its lane, with a stand-in for the pipeline."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time

import psutil
import pytest

from engine.errors import RunBusy
from engine.events import Event
from engine.runs import locks, paths, service, store, worker
from engine.runs.executors.local import worker_environment
from tests.support.runs import STUB, at_step, ended, make_run, wait_for


def _spans(run_id: str) -> list[dict[str, float]]:
    text = (paths.default_folder(run_id) / "data" / "spans.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def test_a_run_is_done_and_its_lock_is_free() -> None:
    run_id = make_run()
    assert service.start(run_id, STUB).state == "queued"
    run = wait_for(run_id, ended)
    assert run.state == "done" and run.error_message is None
    assert (run.step, run.total) == (3, 3) and run.timings["transferring"] > 0.05
    assert run.finished_at > run.started_at and run.heartbeat is not None
    assert [e.kind for e in service.events(run_id)] == ["stage", *["progress"] * 3]
    assert _lock_comes_free(run_id)
    with pytest.raises(RunBusy, match="done"):
        service.start(run_id, STUB)


def _lock_comes_free(run_id: str) -> bool:
    """Within a moment: the worker lets go right after it wrote its state."""
    lock = locks.FileLock.take(paths.default_folder(run_id) / "lock", wait_s=5.0)
    if lock is not None:
        lock.release()
    return lock is not None


def test_the_worker_is_detached_from_its_starter() -> None:
    run_id = make_run(steps=30, step_s=0.05)
    starter = (
        "import os, sys; from engine.runs import service; from tests.support.runs import STUB\n"
        "service.start(sys.argv[1], STUB); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", starter, run_id], check=True, timeout=30)
    run = wait_for(run_id, at_step(1))
    assert run.pid is not None
    assert os.getsid(run.pid) == run.pid != os.getsid(0)
    assert psutil.Process(run.pid).ppid() != os.getpid()
    assert wait_for(run_id, ended).state == "done"


def test_the_worker_gives_way_to_the_pages() -> None:
    run_id = make_run(steps=30, step_s=0.05)
    service.start(run_id, STUB)
    run = wait_for(run_id, at_step(1))
    assert run.pid is not None
    assert os.getpriority(os.PRIO_PROCESS, run.pid) > os.getpriority(os.PRIO_PROCESS, 0)
    assert wait_for(run_id, ended).state == "done"


@pytest.mark.parametrize(
    ("stub", "message", "hint"),
    [
        ("bad data", "Too little text.", "Add some."),
        ("crash", "ZeroDivisionError: one by", "worker.log"),
        ("memory", "ran out of memory", "recipe.max_tokens"),
    ],
)
def test_a_failure_is_told_with_a_hint(stub: str, message: str, hint: str) -> None:
    run_id = make_run(stub)
    service.start(run_id, STUB)
    run = wait_for(run_id, ended)
    assert run.state == "failed"
    assert message in (run.error_message or "") and "\n" not in (run.error_message or "")
    assert hint in (run.error_hint or "")
    log = (run.folder / "worker.log").read_text()
    assert "Traceback" in log and "the run is failed" in log


def test_cancel_saves_and_resume_goes_on_from_there() -> None:
    run_id = make_run(steps=40, step_s=0.05)
    service.start(run_id, STUB)
    wait_for(run_id, at_step(2))
    service.cancel(run_id)
    run = wait_for(run_id, ended)
    assert run.state == "cancelled" and 2 <= run.step < 40
    assert _lock_comes_free(run_id)
    service.resume(run_id, STUB)
    again = wait_for(run_id, ended)
    assert again.state == "done" and again.cancel_requested_at is None
    notes = [e.values["text"] for e in service.events(run_id) if e.kind == "note"]
    assert notes == ["Cancelled.", "Resumed."]
    assert _spans(run_id)[-1]["first"] == run.step
    assert again.timings["transferring"] > 40 * 0.05  # both workers' time


def test_a_run_that_begins_is_not_said_to_be_resumed() -> None:
    run_id = make_run()
    store.record(run_id, Event("note", "preparing", values={"text": "Acceptance gates sealed."}))
    service.start(run_id, STUB)
    wait_for(run_id, ended)
    notes = [e.values["text"] for e in service.events(run_id) if e.kind == "note"]
    assert notes == ["Acceptance gates sealed."]


def test_cancel_works_while_queued() -> None:
    lane = locks.FileLock.take(paths.lane_lock())
    assert lane is not None
    run_id = make_run()
    service.start(run_id, STUB)
    wait_for(run_id, lambda run: run.heartbeat is not None)
    time.sleep(0.6)  # a full round of its waiting
    assert service.get(run_id).state == "queued"
    service.cancel(run_id)
    assert wait_for(run_id, ended).state == "cancelled"
    assert service.events(run_id) == []
    lane.release()


def test_cancel_before_the_start_needs_no_worker() -> None:
    run_id = make_run()
    assert service.cancel(run_id).state == "cancelled"


def test_one_lane_first_come_first_served() -> None:
    lane = locks.FileLock.take(paths.lane_lock())
    assert lane is not None
    runs = [make_run(steps=4, step_s=0.05) for _ in range(3)]
    for run_id in runs:
        service.start(run_id, STUB)
    for run_id in runs:
        wait_for(run_id, lambda run: run.heartbeat is not None)
    lane.release()
    for run_id in runs:
        assert wait_for(run_id, ended).state == "done"
    spans = [_spans(run_id)[0] for run_id in runs]
    assert spans[0]["ended"] <= spans[1]["began"] and spans[1]["ended"] <= spans[2]["began"]


def test_a_second_worker_is_refused() -> None:
    run_id = make_run(steps=100, step_s=0.05)
    service.start(run_id, STUB)
    with pytest.raises(RunBusy):
        service.start(run_id, STUB)
    with pytest.raises(RunBusy):
        service.delete(run_id)
    assert service.get(run_id).working


def test_a_killed_worker_is_interrupted_and_can_be_resumed() -> None:
    run_id = make_run(steps=20, step_s=0.05)
    service.start(run_id, STUB)
    run = wait_for(run_id, at_step(3))
    assert run.pid is not None
    os.kill(run.pid, signal.SIGKILL)
    run = wait_for(run_id, ended)
    assert run.state == "interrupted" and "killed" in (run.error_message or "")
    service.resume(run_id, STUB)
    assert service.get(run_id).error_message is None
    assert wait_for(run_id, ended).state == "done"
    assert _spans(run_id)[-1]["first"] >= 3


def test_sigterm_saves_and_interrupts() -> None:
    run_id = make_run(steps=100, step_s=0.05)
    service.start(run_id, STUB)
    run = wait_for(run_id, at_step(1))
    assert run.pid is not None
    os.kill(run.pid, signal.SIGTERM)
    run = wait_for(run_id, ended)
    assert run.state == "interrupted" and run.error_message is None
    assert int((run.folder / "checkpoint" / "step").read_text()) >= 1


def test_a_heartbeat_that_cannot_be_written_is_not_the_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    beats: list[str] = []

    def update(run_id: str, **columns: object) -> None:
        beats.append(run_id)
        if len(beats) == 1:
            raise sqlite3.OperationalError("database is locked")

    monkeypatch.setattr(worker, "HEARTBEAT_S", 0.01)
    monkeypatch.setattr(worker.store, "update", update)
    with worker._heartbeat("some run"):
        deadline = time.monotonic() + 5
        while len(beats) < 3:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_the_worker_gets_no_secrets_but_the_hubs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_PASSWORD", "x")
    monkeypatch.setenv("GRADIO_TEMP_DIR", "x")
    monkeypatch.setenv("HF_HOME", "/models")
    environment = worker_environment()
    assert environment["HF_HOME"] == "/models" and "T2R_STUDIO_DATA" in environment
    assert "DATABASE_PASSWORD" not in environment and "GRADIO_TEMP_DIR" not in environment


def test_the_workers_threads_wait_without_spinning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    assert worker_environment()["OMP_WAIT_POLICY"] == "PASSIVE"
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    assert worker_environment()["OMP_WAIT_POLICY"] == "ACTIVE"


def test_a_worker_that_dies_at_once_leaves_an_interrupted_run() -> None:
    run_id = make_run()
    broken = type(STUB)((sys.executable, "-c", "raise SystemExit(3)"))
    service.start(run_id, broken)
    assert wait_for(run_id, ended).state == "interrupted"
    assert store.get(run_id).pid is None
