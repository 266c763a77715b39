"""How long a run's stages took, kept in its folder so that resuming adds up."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.events import Stage
from engine.services.jsonfile import write_json

TIMINGS_FILE = "timings.json"


def read_timings(folder: Path) -> dict[str, float]:
    """Seconds of work per stage so far, over all of the run's workers."""
    file = folder / TIMINGS_FILE
    return json.loads(file.read_text("utf-8")) if file.is_file() else {}


@contextmanager
def timed(stage: Stage, folder: Path) -> Iterator[None]:
    """Add the seconds of the block to the stage's, however the block ends."""
    began = time.perf_counter()
    try:
        yield
    finally:
        timings = read_timings(folder)
        timings[stage] = round(timings.get(stage, 0.0) + time.perf_counter() - began, 3)
        write_json(folder / TIMINGS_FILE, timings)
