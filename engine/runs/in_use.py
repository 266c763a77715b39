"""Memory that a run's worker uses, as events of the run, without flooding its store.

Imports no torch: where the worker has set up a GPU, torch is there already.
"""

from __future__ import annotations

import logging
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psutil

from engine.events import Event
from engine.models.memory import total_memory_bytes
from engine.runs import store

READ_S = 1.0
"""How often memory is read; the highest of all readings is kept."""
LEAST_S = 2.0
"""Shortest time between two events."""
_SHARE = 0.01
"""Between two events lies this share of the time so far as well: however long a run works, only a
few hundred are written. A change by less than this share of the memory in use is not worth one."""

log = logging.getLogger("engine.runs.worker")


def reading() -> dict[str, Any]:
    """Memory in use now, in bytes: on a GPU by PyTorch's own count, else resident memory of this
    process and of those it started. Keys: device, used_bytes, total_bytes; on a GPU besides
    reserved_bytes and card_used_bytes (by all that runs on the card)."""
    torch = sys.modules.get("torch")
    ready = getattr(getattr(torch, "cuda", None), "is_initialized", None)  # half imported at first
    if torch is not None and ready is not None and ready():
        free, total = torch.cuda.mem_get_info()
        return {
            "device": "cuda", "used_bytes": torch.cuda.memory_allocated(),
            "reserved_bytes": torch.cuda.memory_reserved(), "card_used_bytes": total - free,
            "total_bytes": total,
        }  # fmt: skip
    here = psutil.Process()
    used = here.memory_info().rss
    for child in here.children(recursive=True):
        try:
            used += child.memory_info().rss
        except psutil.Error:  # it has just ended
            continue
    return {"device": "cpu", "used_bytes": used, "total_bytes": total_memory_bytes()}


class Meter:
    """Decides which readings become events."""

    def __init__(self, began: float) -> None:
        self._began = began
        self._told: tuple[float, int] | None = None
        self._peaks: dict[str, int] = {}

    def values(self, found: dict[str, Any], now: float) -> dict[str, Any] | None:
        """What an event would hold, with the highest reading so far (peak_bytes); None where it is
        too early for one, or little has changed.

        Args:
            found: as `reading` gives it.
            now: seconds on the clock of `began`.
        """
        used, device = found["used_bytes"], found["device"]
        peak = self._peaks[device] = max(self._peaks.get(device, 0), used)
        if self._told is not None:
            at, before = self._told
            if now - at < max(LEAST_S, _SHARE * (now - self._began)):
                return None
            if abs(used - before) < _SHARE * before:
                return None
        self._told = now, used
        return {**found, "peak_bytes": peak}


@contextmanager
def metered(run_id: str, read: Callable[[], dict[str, Any]] = reading) -> Iterator[None]:
    """While the block runs, read from a thread what it uses, and record it."""
    ended = threading.Event()
    meter = Meter(time.monotonic())

    def watch() -> None:
        while not ended.wait(READ_S):
            values = meter.values(read(), time.monotonic())
            try:
                stage = store.get(run_id).stage if values else None
                if values and stage is not None:  # the first event of a run is another's
                    store.record(run_id, Event("memory", stage, values=values))
            except sqlite3.Error:  # a busy disk; the next reading may fare better
                log.warning("a reading of memory was not written", exc_info=True)

    thread = threading.Thread(target=watch, daemon=True, name="memory")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
