"""Runs whose worker is a stand-in, in a data directory of their own, with nothing left running."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from engine.runs import files, paths, service, store
from engine.runs.executors.local import LocalExecutor
from engine.runs.records import Run

STUB = LocalExecutor((sys.executable, "-m", "tests.support.stub_worker"))


def make_run(stub: str = "steps", *, steps: int = 3, step_s: float = 0.02, **row: Any) -> str:
    """A queued run whose pipeline is one of `stub_worker`'s; returns its id."""
    run_id = paths.new_run_id()
    folder: Path = row.pop("folder", None) or paths.default_folder(run_id)
    source = paths.data_directory() / "source.txt"
    source.write_text("text")
    config = {
        "model": "m", "data": "source.txt", "method": {"name": "t2r"},
        "stub": stub, "steps": steps, "step_s": step_s, **row.pop("config", {}),
    }  # fmt: skip
    files.make_folder(folder, config=config, data=source)
    store.insert(run_id, folder, config, name=row.pop("name", None))
    if row:
        store.update(run_id, **row)
    return run_id


def wait_for(run_id: str, done: Callable[[Run], bool], *, within_s: float = 20.0) -> Run:
    """The run as soon as `done` says so."""
    deadline = time.monotonic() + within_s
    while not done(run := service.get(run_id)):
        assert time.monotonic() < deadline, f"still {run.state} at step {run.step}: {run}"
        time.sleep(0.02)
    return run


def ended(run: Run) -> bool:
    """Whether no worker has the run in hand."""
    return not run.working


def at_step(step: int) -> Callable[[Run], bool]:
    """Whether the run has reached a step."""
    return lambda run: run.step >= step


def kill_workers() -> None:
    """End every worker of the current data directory's runs."""
    for run in store.every():
        if run.pid is None:
            continue
        with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
            if psutil.Process(run.pid).create_time() == run.process_started:
                os.killpg(run.pid, signal.SIGKILL)
