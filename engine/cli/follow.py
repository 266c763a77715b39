"""Progress of a run on standard error: one line that is rewritten, or one line now and then."""

from __future__ import annotations

import sys
import time
from typing import TextIO

from engine.errors import Cancelled, EngineError, RunBusy
from engine.events import Event
from engine.runs import service
from engine.runs.records import Run

POLL_S = 0.5
PLAIN_EVERY_S = 10.0
"""How often progress is written where it cannot be rewritten (a log file, a pipe)."""

_LOSSES = {
    "transfer_loss": "error", "train_loss": "loss", "validation_loss": "validation",
    "teacher_loss": "original",
}  # fmt: skip


class ProgressLine:
    """Shows where a run stands."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._rewrites = self._stream.isatty()
        self._readings: dict[str, float] = {}
        self._part = ""
        self._ends: float | None = None
        self._shown = ""
        self._shown_at = 0.0

    def event(self, event: Event) -> None:
        """Take note of readings; write notes and the start of a stage, or of a part of it, as lines
        of their own."""
        if event.kind == "stage":
            self._readings.clear()
            self.line(f"{event.stage}...")
        elif event.kind == "progress":
            part, left = str(event.values.get("part", "")), event.values.get("left_s")
            self._ends = None if left is None else time.monotonic() + left
            if part and part != self._part:
                self.line(f"  {part}")
            self._part = part
        elif event.kind in ("note", "warning"):
            mark = "  ! " if event.kind == "warning" else "  "
            self.line(mark + str(event.values.get("text", "")))
        elif event.kind == "loss" and event.values.get("track") != "control":
            for key, label in _LOSSES.items():
                if isinstance(value := event.values.get(key), int | float):
                    self._readings[label] = value

    def status(self, run: Run) -> None:
        """Show stage, step of total, time left and the last readings."""
        self.show(self._describe(run))

    def show(self, text: str) -> None:
        """Show where the work stands, in place of what was shown before."""
        now = time.monotonic()
        if self._rewrites:
            self._stream.write("\r\x1b[K" + text[:110])
            self._stream.flush()
        elif text != self._shown and now - self._shown_at >= PLAIN_EVERY_S:
            self._shown_at = now
            self._stream.write(text + "\n")
            self._stream.flush()
        self._shown = text

    def line(self, text: str) -> None:
        """Write a line above the progress."""
        self._stream.write(("\r\x1b[K" if self._rewrites else "") + text + "\n")
        self._stream.flush()

    def end(self) -> None:
        """Leave no half line behind."""
        if self._rewrites and self._shown:
            self._stream.write("\r\x1b[K")
            self._stream.flush()

    def _describe(self, run: Run) -> str:
        if run.state == "queued":
            return "queued: waiting for the worker to start, or for another run to end"
        parts = [f"{run.state} {run.step}/{run.total}" if run.total else str(run.state)]
        eta = run.eta_seconds()
        if run.state == "comparing" and self._ends is not None:
            eta = max(0.0, self._ends - time.monotonic())
        if eta is not None:
            parts.append(f"{int(eta) // 60}:{int(eta) % 60:02d} left")
        parts += [f"{label} {value:.3f}" for label, value in self._readings.items()]
        return "  ".join(parts)


def follow(run_id: str, *, after_seq: int = 0) -> Run:
    """Show the run's progress until it ends. The first Ctrl-C asks it to save and stop.

    Args:
        run_id: a run that was started.
        after_seq: events up to this number are old news.

    Raises:
        KeyboardInterrupt: a second Ctrl-C; the worker saves and stops by itself.
    """
    progress = ProgressLine()
    seen, asked = after_seq, False
    try:
        while True:
            try:
                run = service.get(run_id)  # before its events: none can follow a terminal state
                for event in service.events(run_id, seen):
                    progress.event(event)
                    seen = event.seq
                if not run.working:
                    return run
                progress.status(run)
                time.sleep(POLL_S)
            except KeyboardInterrupt:
                if asked:
                    progress.line("The worker goes on in the background until it has saved.")
                    raise
                asked = True
                service.cancel(run_id)
                progress.line("Saving and stopping; press Ctrl-C again to leave without waiting.")
    finally:
        progress.end()


def require_done(run: Run) -> None:
    """Raise what kept the run from its end.

    Raises:
        RunBusy: it is still at work.
        Cancelled: the user stopped it.
        EngineError: it failed or was interrupted.
    """
    name = run.name or run.id
    if run.working:
        raise RunBusy(
            f"Run {name} is at work ({run.state}).",
            f"Wait until it has ended; `python -m engine runs show {name}` tells how far it is.",
        )
    go_on = f"Go on with `python -m engine runs resume {name}`."
    if run.state == "cancelled":
        done = "what was done is saved" if run.begun else "it had not begun"
        raise Cancelled(f"Run {name} was cancelled; {done}.", go_on)
    if run.state != "done":
        raise EngineError(
            run.error_message or f"Run {name} is {run.state}.",
            run.error_hint or go_on,
        )
