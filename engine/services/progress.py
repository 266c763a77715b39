"""Where a comparison stands: its parts are counted and timed, and the listener can stop it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from engine.events import Event, Listener

_LISTEN_EVERY_S = 0.25  # the listener writes to a data base; micro-batches can take milliseconds


class Progress:
    """Counts and times the parts, and lets the listener stop the work between micro-batches."""

    def __init__(self, listen: Listener) -> None:
        self.seconds: dict[str, float] = {}
        self.total = 16  # the usual number, until it is known
        self._listen = listen
        self._done = 0
        self._part = ""
        self._told = 0.0
        self._left_s: float | None = None

    @contextmanager
    def part(self, kind: str, name: str) -> Iterator[None]:
        """One part; its time is added to what its kind took."""
        self._part, self._left_s = name, None
        self._tell()
        start = time.perf_counter()
        yield
        spent = time.perf_counter() - start
        self.seconds[kind] = self.seconds.get(kind, 0.0) + spent
        self._done += 1
        self._tell()

    def tick(self, left_s: float | None = None) -> None:
        """Called often from within a part, the last one with the seconds left once it knows."""
        self._left_s = left_s
        if time.perf_counter() - self._told >= _LISTEN_EVERY_S:
            self._tell()

    def _tell(self) -> None:
        self._told = time.perf_counter()
        values: dict[str, Any] = {"part": self._part}
        if self._left_s is not None:
            values["left_s"] = round(self._left_s, 1)
        self._listen(Event("progress", "comparing", self._done, self.total, values))
