"""Whether work on a run should save and end: a signal came, or the user asked for it."""

from __future__ import annotations

import logging
import signal
import threading

from engine.errors import Cancelled
from engine.runs import store

log = logging.getLogger(__name__)


class Stop:
    """A request to stop, by a signal to this process or in the run's row.

    Args:
        run_id: the run that is worked on.
        message, hint: of the `Cancelled` that ends the work.
    """

    def __init__(self, run_id: str, message: str, hint: str) -> None:
        self._run_id = run_id
        self._words = message, hint
        self._signalled = threading.Event()

    def hear(self) -> None:
        """Take SIGTERM and SIGINT for a request, from now on."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, _frame: object) -> None:
        log.info("received %s", signal.Signals(number).name)
        self._signalled.set()

    def check(self) -> None:
        """Raise `Cancelled` if the work should end."""
        if self._signalled.is_set() or store.get(self._run_id).cancel_requested_at is not None:
            raise Cancelled(*self._words)
