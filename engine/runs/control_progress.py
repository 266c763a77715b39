"""Where the last request for a run's controls stands, as a file in the run's folder."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from engine.runs import locks
from engine.runs.records import Run
from engine.services.jsonfile import write_json

PROGRESS_FILE = "controls-progress.json"
State = Literal["working", "done", "cancelled", "failed", "interrupted"]


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


def write(folder: Path, progress: Progress) -> None:
    """Put it into the run's folder."""
    write_json(folder / PROGRESS_FILE, asdict(progress))


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
