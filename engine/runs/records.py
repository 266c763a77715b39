"""What a run looks like to whoever asks: its row and its events, as plain frozen data.

Times are seconds since the epoch, UTC.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from engine.events import Event, Stage

RunState = Literal[
    "queued", "preparing", "transferring", "fine-tuning", "comparing",
    "done", "failed", "cancelled", "interrupted",
]  # fmt: skip
WORKING: tuple[RunState, ...] = (
    "queued", "preparing", "transferring", "fine-tuning", "comparing",
)  # fmt: skip
"""States in which a worker has, or is about to have, the run in hand."""


@dataclass(frozen=True)
class Run:
    """A run as it stands now."""

    id: str
    name: str | None
    folder: Path
    config: dict[str, Any]
    """The frozen `RunConfig` as JSON data; validate it before work, show it as it is."""
    state: RunState
    created_at: float
    started_at: float | None = None
    finished_at: float | None = None
    stage: Stage | None = None
    """The last stage entered; says where a failed or interrupted run stopped."""
    step: int = 0
    total: int = 0
    stage_started_at: float | None = None
    stage_first_step: int | None = None
    """The first step this worker reported in the stage, so that ETA is right after a resume."""
    pid: int | None = None
    process_started: float | None = None
    """Creation time of process `pid`: tells it from a later process with the same number."""
    heartbeat: float | None = None
    cancel_requested_at: float | None = None
    error_message: str | None = None
    error_hint: str | None = None
    timings: dict[str, float] = field(default_factory=dict)
    """Seconds of work per stage, over all the run's workers."""
    sample: bool = False
    """One of the read-only runs that come with the project."""

    @property
    def working(self) -> bool:
        """Whether a worker has the run in hand, or is about to."""
        return self.state in WORKING

    @property
    def begun(self) -> bool:
        """Whether any worker has done anything of it."""
        return self.stage is not None or bool(self.timings)

    def eta_seconds(self, now: float | None = None) -> float | None:
        """Seconds to the end of the stage at the pace of this worker's steps; None if unknown: the
        parts of the comparison are too unlike to tell from, and say themselves what they know."""
        if self.stage == "comparing":
            return None
        if not self.working or self.stage_started_at is None or self.stage_first_step is None:
            return None
        done = self.step - self.stage_first_step
        if done <= 0 or self.total < self.step:
            return None
        elapsed = (time.time() if now is None else now) - self.stage_started_at
        return max(0.0, elapsed / done * (self.total - self.step))

    def as_json(self) -> dict[str, Any]:
        """Plain data for `--json` output and for sample runs."""
        return {**asdict(self), "folder": str(self.folder)}


@dataclass(frozen=True)
class RunEvent(Event):
    """An event as stored: numbered from 1 within its run, and dated."""

    seq: int = 0
    at: float = 0.0
