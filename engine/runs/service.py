"""Runs as the app and the CLI see them: create, start, cancel, resume, delete, look.

Every function takes a run id and checks its form before it touches the file system. Nothing here
imports torch except `create_run`, which checks the model.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import time
from pathlib import Path
from typing import Any

import psutil

from engine.errors import BadRunConfig, ReadOnlyRun, RunBusy, RunNotFound
from engine.runs import locks, paths, samples, store
from engine.runs.creation import create_run
from engine.runs.executors import Executor
from engine.runs.executors.local import LocalExecutor
from engine.runs.files import delete_folder
from engine.runs.records import Run, RunEvent

__all__ = [
    "cancel", "comparison", "create_run", "delete", "events", "find", "get", "list_runs",
    "recover", "rename", "require_own", "resume", "start",
]  # fmt: skip

SILENT_AFTER_S = 60.0
"""A worker whose last heartbeat is older than this hangs. One that beats is in a long step, which
it will end and save: to kill it would lose the work since the last periodic save."""
TERMINATE_AFTER_S = 60.0
"""A cancelled worker that hangs gets SIGTERM this long after the request."""
KILL_AFTER_S = 75.0
"""And SIGKILL this long after it."""
NEVER_STARTED_AFTER_S = 60.0
"""A run that was created this long ago and never started was lost by its creator."""

LONGEST_NAME = 64

log = logging.getLogger(__name__)


def start(run_id: str, executor: Executor | None = None) -> Run:
    """Start the worker of a run that has none; a stopped run goes on where it was saved.

    Raises:
        RunBusy: a worker has the run in hand, or it is done.
    """
    run = require_own(run_id)
    if run.state == "done":
        raise RunBusy("The run is done.", "Create a new run to convert again.")
    # The lock is taken before the worker exists and inherited by it: at no moment does a started
    # run look dead, and a second start fails. The wait outlasts an observer's glance at the lock.
    lock = locks.FileLock.take(run.folder / "lock", wait_s=1.0)
    if lock is None:
        raise RunBusy("A worker has the run in hand already.", "Wait until it has ended.")
    try:
        store.update(
            run_id, state="queued", started_at=time.time(), finished_at=None, pid=None,
            process_started=None, heartbeat=None, cancel_requested_at=None, error_message=None,
            error_hint=None, stage=None, step=0, total=0, stage_started_at=None,
            stage_first_step=None,
        )  # fmt: skip
        (executor or LocalExecutor()).submit(run_id, run.folder / "worker.log", lock.fd)
    except OSError:
        store.update(run_id, state="interrupted", finished_at=time.time())
        raise
    finally:
        lock.release()
    return store.get(run_id)


def resume(run_id: str, executor: Executor | None = None) -> Run:
    """Go on with an interrupted, cancelled or failed run from what it saved.

    Raises:
        RunBusy: a worker has the run in hand, or it is done.
    """
    return start(run_id, executor)


def cancel(run_id: str) -> Run:
    """Ask the worker to save and stop. It does so at its next step; a run without one stops now."""
    run = require_own(run_id)
    if run.working:
        asked_at = run.cancel_requested_at or time.time()
        store.update(run_id, only_working=True, cancel_requested_at=asked_at)
        if run.started_at is None:
            store.update(run_id, only_working=True, state="cancelled", finished_at=time.time())
    return get(run_id)


def rename(run_id: str, name: str) -> Run:
    """Call the run something else, in any script; its id and address stay.

    Raises:
        BadRunConfig: the name cannot be used, or another run has it.
        ReadOnlyRun: it is a sample.
    """
    require_own(run_id)
    title = name.strip()
    if not title or len(title) > LONGEST_NAME or not title.isprintable() or paths.is_run_id(title):
        raise BadRunConfig(
            f"A run cannot be named {title[:80]!r}.",
            f"Use 1 to {LONGEST_NAME} letters, digits, spaces and signs.",
        )
    other = store.find(name=title)
    if other is not None and other.id != run_id:
        raise BadRunConfig(f"There is a run named {title!r} already.", "Choose another name.")
    store.update(run_id, name=title)
    return get(run_id)


def delete(run_id: str) -> None:
    """Remove the run for good: row, events and files.

    Raises:
        RunBusy: a worker has the run in hand.
        ReadOnlyRun: it is a sample.
    """
    run = require_own(run_id)
    if not run.folder.is_dir():
        store.remove(run_id)
        return
    lock = locks.FileLock.take(run.folder / "lock", wait_s=1.0)
    if lock is None:
        raise RunBusy("The run is being worked on.", "Cancel it first, then delete it.")
    try:
        delete_folder(run.folder, ours=run.folder == paths.default_folder(run_id))
        store.remove(run_id)
    finally:
        lock.release()


def get(run_id: str) -> Run:
    """The run as it stands now; notices a worker that died, and presses one that will not stop.

    Raises:
        RunNotFound: no run has the id.
    """
    if paths.is_sample_id(run_id):
        return samples.get(run_id)
    return _reconciled(store.get(paths.checked(run_id)))


def list_runs() -> list[Run]:
    """The user's runs, newest first, then the samples."""
    return [_reconciled(run) for run in store.every()] + samples.every()


def find(reference: str) -> Run:
    """The run with that id, name or folder: for the command line only, since it takes paths.

    Raises:
        RunNotFound: nothing answers to the reference.
    """
    if paths.is_run_id(reference):
        return get(reference)
    folder = Path(reference).expanduser().resolve()
    found = store.find(name=reference, folder=folder) or samples.named(reference)
    if found is None:
        raise RunNotFound(
            f"No run has the name, id or folder {reference!r}.",
            "List the runs with `python -m engine runs`.",
        )
    return get(found.id)


def events(run_id: str, after_seq: int = 0) -> list[RunEvent]:
    """The run's events numbered above `after_seq`, in order."""
    if paths.is_sample_id(run_id):
        return [event for event in samples.events(run_id) if event.seq > after_seq]
    return store.events(paths.checked(run_id), after_seq)


def comparison(run_id: str) -> dict[str, Any] | None:
    """The content of the run's comparison.json (schema: docs/comparison-schema.md), once it is
    there."""
    file = get(run_id).folder / "comparison.json"
    return json.loads(file.read_text("utf-8")) if file.is_file() else None


def recover() -> list[Run]:
    """Call at program start: mark the runs whose worker is gone, and return them."""
    now = time.time()
    for run in store.every():
        lost = run.state == "queued" and run.started_at is None
        if lost and now - run.created_at > NEVER_STARTED_AFTER_S:
            store.update(run.id, only_working=True, state="interrupted", finished_at=now)
    return [run for run in map(_reconciled, store.every()) if run.state == "interrupted"]


def require_own(run_id: str) -> Run:
    """A run that may be changed.

    Raises:
        RunNotFound: no run has the id.
        ReadOnlyRun: it is a sample.
    """
    if paths.is_sample_id(run_id):
        raise ReadOnlyRun(
            "A sample run comes with the project and cannot be changed.",
            "Convert the model yourself to get a run of your own.",
        )
    return get(run_id)


def _reconciled(run: Run) -> Run:
    """The run after comparing its row with what its worker really does."""
    if not run.working or run.started_at is None:
        return run
    now = time.time()
    if locks.is_free(run.folder / "lock"):
        # The worker writes its terminal state before it lets go of the lock, so a row that still
        # says "working" now was left behind by a worker that died.
        asked = run.cancel_requested_at is not None
        store.update(
            run.id,
            only_working=True,
            state="cancelled" if asked else "interrupted",
            finished_at=now,
            error_message="The worker process ended before it could save: it was killed, the"
            " memory ran out, or the machine restarted.",
            error_hint="Resume the run; what was saved earlier is kept. The end of worker.log in"
            " the run's folder may tell more.",
        )
        return store.get(run.id)
    if run.cancel_requested_at is not None:
        _press(run, now)
    return run


def _press(run: Run, now: float) -> None:
    """Signal the worker's process group if it was asked to stop long ago and hangs."""
    waited_s = now - (run.cancel_requested_at or now)
    silent_s = now - (run.heartbeat or run.started_at or now)
    if waited_s < TERMINATE_AFTER_S or silent_s < SILENT_AFTER_S or run.pid is None:
        return
    try:
        if psutil.Process(run.pid).create_time() != run.process_started:
            return  # another process has got the number since
        number = signal.SIGKILL if waited_s >= KILL_AFTER_S else signal.SIGTERM
        log.warning("run %s: sending %s to its worker", run.id, number.name)
        os.killpg(run.pid, number)
    except (psutil.NoSuchProcess, ProcessLookupError):
        log.info("run %s: its worker has just ended", run.id)
