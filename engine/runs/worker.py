"""The process that does a run: `python -m engine.runs.worker RUN_ID`.

It holds the run's lock while it lives, waits its turn for the one lane to the processor or GPU,
and always leaves a terminal state behind; if it is killed, the freed lock tells so.
"""

from __future__ import annotations

import argparse
import logging
import os
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psutil

from engine.errors import Cancelled, EngineError, RunBusy
from engine.events import Event
from engine.runs import locks, paths, store
from engine.runs.boundary import boundary
from engine.runs.in_use import metered
from engine.runs.records import Run, RunState
from engine.runs.seal import recorded
from engine.runs.stopping import Stop
from engine.services.timings import read_timings

HEARTBEAT_S = 5.0

log = logging.getLogger("engine.runs.worker")


@contextmanager
def _heartbeat(run_id: str) -> Iterator[None]:
    """Date the row every few seconds, from a thread, so that long steps do not look dead."""
    ended = threading.Event()

    def beat() -> None:
        while True:
            try:
                store.update(run_id, heartbeat=time.time())
            except sqlite3.Error:  # a busy disk; without the next beat a sound worker would be shot
                log.warning("a heartbeat was not written", exc_info=True)
            if ended.wait(HEARTBEAT_S):
                return

    thread = threading.Thread(target=beat, daemon=True, name="heartbeat")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _my_turn(run: Run, stop: Stop) -> bool:
    """Whether no run that was started earlier still waits for the lane."""
    stop.check()
    mine = (run.started_at or run.created_at, run.id)
    return not any(
        other.state == "queued"
        and other.started_at is not None
        and (other.started_at, other.id) < mine
        and not locks.is_free(other.folder / "lock")
        for other in store.every()
    )


def execute(run: Run) -> RunState:
    """Do the run and write its terminal state, whatever happens."""
    stop = Stop(
        run.id, "The run was stopped; what was done is saved.", "Resume it to go on from there."
    )
    stop.hear()

    def listen(event: Event) -> None:
        store.record(run.id, event)
        if event.kind == "stage":
            store.update(run.id, timings=read_timings(run.folder))
        if event.kind in ("note", "warning", "stage"):
            log.info("%s %s %s", event.stage, event.kind, event.values.get("text", ""))
        stop.check()

    def note(text: str) -> None:
        """A line of the log on a stop or a new start, where there has been anything before."""
        if earlier := store.events(run.id):
            store.record(run.id, Event("note", earlier[-1].stage, values={"text": text}))

    error: EngineError | None = None
    state: RunState = "done"
    try:
        with (
            boundary("worker.log in the run's folder"),
            _heartbeat(run.id),
            locks.waiting_for(paths.lane_lock(), lambda: _my_turn(run, stop)),
            metered(run.id),
        ):
            # Imported only now: a queued worker should not hold a gigabyte of libraries.
            if run.begun:  # the seal of its creation is no work that could go on
                note("Resumed.")
            from engine.configs import RunConfig
            from engine.services.pipeline import run_pipeline

            run_pipeline(
                RunConfig.stored(run.config), run.folder, listen, recorded_sha256=recorded(run.id)
            )
    except Cancelled:
        asked = store.get(run.id).cancel_requested_at is not None
        state = "cancelled" if asked else "interrupted"
    except EngineError as failure:
        log.exception("the run failed")
        state, error = "failed", failure
    if state != "done":
        note(f"{state.capitalize()}.")
    store.update(
        run.id,
        state=state,
        finished_at=time.time(),
        timings=read_timings(run.folder),
        error_message=error.message if error else None,
        error_hint=error.hint if error else None,
    )
    log.info("the run is %s", state)
    return state


def main(arguments: Sequence[str] | None = None) -> int:
    """Take or inherit the run's lock, then do the run. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m engine.runs.worker", description=__doc__)
    parser.add_argument("run_id", type=paths.checked)
    parser.add_argument("--lock-fd", type=int, help="descriptor of the run's lock, already held")
    options = parser.parse_args(arguments)
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
    os.umask(0o077)
    os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"  # in a log file they are noise
    run = store.get(options.run_id)
    if options.lock_fd is not None:
        lock = locks.FileLock.adopt(options.lock_fd)
    else:
        lock = locks.FileLock.take(run.folder / "lock")
        if lock is None:
            raise RunBusy("Another worker has this run in hand.", "Wait until it has ended.")
    pid = os.getpid()
    store.update(run.id, pid=pid, process_started=psutil.Process(pid).create_time())
    try:
        return 0 if execute(run) == "done" else 1
    finally:
        lock.release()


if __name__ == "__main__":
    sys.exit(main())
