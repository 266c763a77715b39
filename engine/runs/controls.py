"""Controls of a finished run: trained in this process, or in a worker process of the run's own.

The run stays done meanwhile: its row is left alone but for the request to stop. The worker is
`python -m engine.runs.controls RUN_ID --only NAMES`; it holds the run's lock while it lives, and
what it is at stands in the run's folder.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from engine.errors import BadRunConfig, Cancelled, EngineError, RunBusy
from engine.events import Event, Listener
from engine.evidence.control_parts import CONTROL_NAMES, ControlName, Controls
from engine.evidence.control_plan import RunSteps
from engine.runs import locks, paths, service, store
from engine.runs.boundary import boundary
from engine.runs.executors import Executor
from engine.runs.executors.local import LocalExecutor
from engine.runs.records import Run
from engine.runs.stopping import Stop
from engine.services.jsonfile import write_json

PROGRESS_FILE = "controls-progress.json"
WRITE_EVERY_S = 0.5
_STOPPED = "Stopped; the controls that were finished are kept."
_GO_ON = "Ask for the others again: a training goes on where it was stopped."

State = Literal["working", "done", "cancelled", "failed", "interrupted"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Progress:
    """Where the last request for controls stands."""

    names: tuple[str, ...]
    state: State
    began_at: float
    """Seconds since the epoch."""
    part: str = ""
    """What is at work: "waiting", "loading", or the control's name, a colon and the stage."""
    step: int = 0
    """Optimiser steps done, of all controls asked for."""
    total: int = 0
    message: str = ""
    """What went wrong, where something did, and what to do about it."""
    hint: str = ""


def names_of(words: Sequence[str]) -> list[ControlName]:
    """Names of controls as a user writes them.

    Raises:
        BadRunConfig: there is no control of a name.
    """
    known = {str(name): name for name in CONTROL_NAMES}
    if unknown := [word for word in words if word not in known]:
        raise BadRunConfig(
            f"There is no control {unknown[0]!r}.", f"Choose from: {', '.join(CONTROL_NAMES)}."
        )
    return [known[word] for word in words]


def train(run_id: str, only: Sequence[ControlName], listen: Listener) -> Controls:
    """Train controls in this process, once the run and the lane are free.

    Args:
        run_id: a run that is done.
        only: which; none means all that tell something about the run.
        listen: told everything that happens; may raise `Cancelled`, also while it waits.

    Raises:
        RunBusy: the run is not done, or is being worked on.
        ReadOnlyRun: it is a sample.
        EngineError: see `engine.services.controls.train_controls`.
    """
    run = _finished(run_id)
    lock = locks.FileLock.take(run.folder / "lock", wait_s=1.0)
    if lock is None:
        raise RunBusy("The run is being worked on.", "Wait until that has ended.")
    try:
        return _work(run, only, listen)
    finally:
        lock.release()


def start(
    run_id: str, only: Sequence[ControlName], executor: Executor | None = None
) -> Progress:
    """Start a worker that trains the named controls; it outlives the page.

    Raises:
        BadRunConfig: none is named, or one would tell nothing about this run.
        RunBusy: the run is not done, or is being worked on.
        ReadOnlyRun: it is a sample.
    """
    run = _finished(run_id)
    if not only:
        raise BadRunConfig("No control is chosen.", "Choose at least one.")
    steps = RunSteps.of(run.config)
    for name in only:
        if steps and (reason := steps.why_not(name)) is not None:
            raise BadRunConfig(
                f"The control {name} would tell nothing: {reason}.", "Choose another."
            )
    lock = locks.FileLock.take(run.folder / "lock", wait_s=1.0)
    if lock is None:
        raise RunBusy("The run is being worked on.", "Wait until that has ended.")
    try:
        store.update(run_id, cancel_requested_at=None)
        progress = Progress(tuple(only), "working", time.time())
        _write(run.folder, progress)
        command = (sys.executable, "-m", "engine.runs.controls", "--only", ",".join(only))
        (executor or LocalExecutor(command)).submit(run_id, run.folder / "worker.log", lock.fd)
    finally:
        lock.release()
    return progress


def cancel(run_id: str) -> None:
    """Ask the worker to save and stop; it does so within a step."""
    run = service.require_own(run_id)
    found = progress_of(run)
    if found is not None and found.state == "working":
        store.update(run_id, cancel_requested_at=time.time())


def progress_of(run: Run) -> Progress | None:
    """Where the last request of the run's stands; None where there was none."""
    file = run.folder / PROGRESS_FILE
    if not file.is_file():
        return None
    found = json.loads(file.read_text("utf-8"))
    progress = Progress(**{**found, "names": tuple(found["names"])})
    if progress.state == "working" and locks.is_free(run.folder / "lock"):
        return replace(progress, state="interrupted")  # its worker is gone and could not say so
    return progress


def _finished(run_id: str) -> Run:
    run = service.require_own(run_id)
    if run.state != "done":
        raise RunBusy(f"The run is {run.state}, not done.", "Let it finish first.")
    return run


def _work(run: Run, only: Sequence[ControlName], listen: Listener) -> Controls:
    """The work itself, by whoever holds the run's lock."""

    part = "loading"

    def may_try() -> bool:
        nonlocal part
        listen(Event("progress", "comparing", values={"part": part}))
        part = "waiting"  # if it is asked once more, the lane was taken
        return True

    with locks.waiting_for(paths.lane_lock(), may_try):
        # Imported only now: who waits should not hold a gigabyte of libraries.
        from engine.configs import RunConfig
        from engine.models.memory import run_device
        from engine.services.controls import train_controls

        config = RunConfig.stored(run.config)
        return train_controls(run.folder, config, only, listen, device=run_device())


def _write(folder: Path, progress: Progress) -> None:
    write_json(folder / PROGRESS_FILE, asdict(progress))


def _worker(run: Run, only: Sequence[ControlName]) -> Progress:
    """Work, and leave a last word in the progress file whatever happens."""
    stop = Stop(run.id, _STOPPED, _GO_ON)
    stop.hear()
    progress, written = Progress(tuple(only), "working", time.time()), 0.0

    def listen(event: Event) -> None:
        nonlocal progress, written
        stop.check()
        if event.kind in ("note", "warning"):
            log.info("%s", event.values.get("text", ""))
        elif event.kind == "progress":
            part = str(event.values.get("part", ""))
            changed = part != progress.part
            progress = replace(progress, part=part, step=event.step, total=event.total)
            if changed or time.monotonic() - written >= WRITE_EVERY_S:
                written = time.monotonic()
                _write(run.folder, progress)

    state, message, hint = "done", "", ""
    try:
        with boundary("worker.log in the run's folder"):
            _work(run, only, listen)
    except Cancelled:
        state = "cancelled"
    except EngineError as error:
        log.exception("the controls failed")
        state, message, hint = "failed", error.message, error.hint
    ended = replace(progress, state=state, message=message, hint=hint)
    _write(run.folder, ended)
    store.update(run.id, cancel_requested_at=None)
    log.info("the controls are %s", state)
    return ended


def main(arguments: Sequence[str] | None = None) -> int:
    """Take or inherit the run's lock, then train. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m engine.runs.controls", description=__doc__)
    parser.add_argument("run_id", type=paths.checked)
    parser.add_argument("--only", required=True, help="names of controls, with commas between")
    parser.add_argument("--lock-fd", type=int, required=True, help="the run's lock, already held")
    options = parser.parse_args(arguments)
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
    os.umask(0o077)
    os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"  # in a log file they are noise
    lock = locks.FileLock.adopt(options.lock_fd)
    try:
        run = store.get(options.run_id)
        return 0 if _worker(run, names_of(options.only.split(","))).state == "done" else 1
    finally:
        lock.release()


if __name__ == "__main__":
    sys.exit(main())
