"""A worker that was asked to stop and does not: when it is left alone, and when it is pressed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from engine.runs import locks, paths, service
from engine.runs.records import Run
from tests.support.runs import STUB, ended, make_run, wait_for


def _in_the_step(run: Run) -> bool:
    """Once its stage is known, the worker still asks whether it shall stop."""
    return (run.folder / "checkpoint").is_dir()


def test_a_worker_in_a_long_step_is_left_to_end_and_save_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(service, "TERMINATE_AFTER_S", 0.1)
    monkeypatch.setattr(service, "KILL_AFTER_S", 0.2)
    run_id = make_run("long step", step_s=2.0)
    service.start(run_id, STUB)
    wait_for(run_id, _in_the_step)
    service.cancel(run_id)
    run = wait_for(run_id, ended)
    assert run.state == "cancelled" and run.error_message is None
    assert (run.folder / "checkpoint" / "step").read_text() == "1"
    assert "SIGTERM" not in (run.folder / "worker.log").read_text()


def test_a_worker_that_hangs_is_pressed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "TERMINATE_AFTER_S", 0.2)
    monkeypatch.setattr(service, "KILL_AFTER_S", 0.8)
    monkeypatch.setattr(service, "SILENT_AFTER_S", 0.5)
    run_id = make_run("long step", step_s=300.0)
    service.start(run_id, STUB)
    run = wait_for(run_id, _in_the_step)
    assert run.pid is not None
    os.kill(run.pid, signal.SIGSTOP)  # no more heartbeats
    service.cancel(run_id)
    run = wait_for(run_id, ended)
    assert run.state == "cancelled" and "before it could save" in (run.error_message or "")
    assert run.finished_at is not None and run.cancel_requested_at is not None
    assert run.finished_at - run.cancel_requested_at >= 0.8


def test_only_the_worker_itself_is_pressed(monkeypatch: pytest.MonkeyPatch) -> None:
    for limit in ("SILENT_AFTER_S", "TERMINATE_AFTER_S", "KILL_AFTER_S"):
        monkeypatch.setattr(service, limit, 0.0)
    bystander = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE,
                                 start_new_session=True)  # fmt: skip
    now = time.time()
    run_id = make_run(
        state="comparing", started_at=now, pid=bystander.pid, process_started=1.0,
        cancel_requested_at=now - 100,
    )  # fmt: skip
    lock = locks.FileLock.take(paths.default_folder(run_id) / "lock")
    assert lock is not None
    try:
        assert service.get(run_id).state == "comparing"
        assert bystander.poll() is None
    finally:
        bystander.communicate(b"\n")
        lock.release()
    assert bystander.returncode == 0
