"""Controls of a finished run: trained in this process, or in a worker process of the run's own.

The run stays done meanwhile: its row is left alone but for the request to stop. The worker is
`python -m engine.runs.controls RUN_ID --only NAMES`; it holds the run's lock while it lives, and
what it is at stands in the run's folder.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace

from engine.errors import BadRunConfig, Cancelled, EngineError, RunBusy
from engine.events import Event, Listener
from engine.evidence.control_parts import CONTROL_NAMES, ControlName, Controls
from engine.evidence.control_plan import RunSteps
from engine.runs import locks, paths, service, store
from engine.runs.boundary import boundary
from engine.runs.control_progress import Progress, State, progress_of, write
from engine.runs.executors import Executor
from engine.runs.executors.local import LocalExecutor
from engine.runs.records import Run
from engine.runs.stopping import Stop

WRITE_EVERY_S = 0.5
STOPPED = "Stopped; the controls that were finished are kept."
GO_ON = "Ask for the others again: a training goes on where it was stopped."

log = logging.getLogger(__name__)


def names_of(words: Sequence[str]) -> list[ControlName]:
    """Names of controls as a user writes them, each once.

    Raises:
        BadRunConfig: there is no control of a name.
    """
    known: dict[str, ControlName] = {name: name for name in CONTROL_NAMES}
    if unknown := [word for word in words if word not in known]:
        raise BadRunConfig(
            f"There is no control {unknown[0]!r}.", f"Choose from: {', '.join(CONTROL_NAMES)}."
        )
    return [known[word] for word in dict.fromkeys(words)]


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
    lock = _locked(run)
    try:
        store.update(run_id, cancel_requested_at=None)
        stop = Stop(run_id, STOPPED, GO_ON)
        return _recorded(run, only, listen, stop, "errors.log in the data directory")
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
    lock = _locked(run)
    try:
        store.update(run_id, cancel_requested_at=None)
        progress = Progress(tuple(only), "working", time.time())
        write(run.folder, progress)
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


def _finished(run_id: str) -> Run:
    run = service.require_own(run_id)
    if run.state != "done":
        raise RunBusy(f"The run is {run.state}, not done.", "Let it finish first.")
    return run


def _locked(run: Run) -> locks.FileLock:
    lock = locks.FileLock.take(run.folder / "lock", wait_s=1.0)
    if lock is None:
        raise RunBusy("The run is being worked on.", "Wait until that has ended.")
    return lock


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


def _recorded(
    run: Run, only: Sequence[ControlName], listen: Listener, stop: Stop, details: str
) -> Controls:
    """The work, told in the progress file as well; that gets a last word however the work ends.
    `details` is where a traceback goes, for the hint."""
    progress, written = Progress(tuple(only), "working", time.time()), 0.0

    def heard(event: Event) -> None:
        nonlocal progress, written
        stop.check()
        listen(event)
        if event.kind != "progress":
            return
        part = str(event.values.get("part", ""))
        changed = part != progress.part
        progress = replace(progress, part=part, step=event.step, total=event.total)
        if changed or time.monotonic() - written >= WRITE_EVERY_S:
            written = time.monotonic()
            write(run.folder, progress)

    state: State = "interrupted"
    message = hint = ""
    try:
        with boundary(details):
            found = _work(run, only, heard)
        state = "done"
        return found
    except Cancelled:
        state = "cancelled"
        raise
    except EngineError as error:
        state, message, hint = "failed", error.message, error.hint
        raise
    finally:
        write(run.folder, replace(progress, state=state, message=message, hint=hint))
        store.update(run.id, cancel_requested_at=None)


def _tell(event: Event) -> None:
    """Notes and warnings into the worker's log."""
    if event.kind in ("note", "warning"):
        log.info("%s", event.values.get("text", ""))


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
    stop = Stop(options.run_id, STOPPED, GO_ON)
    stop.hear()
    try:
        run, only = store.get(options.run_id), names_of(options.only.split(","))
        _recorded(run, only, _tell, stop, "worker.log in the run's folder")
    except EngineError as error:
        log.info("the controls ended early: %s", error.message)
        return 1
    finally:
        lock.release()
    return 0


if __name__ == "__main__":
    sys.exit(main())
