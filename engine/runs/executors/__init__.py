"""Where a run's worker process is started; one file per kind of machine."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol


class Executor(Protocol):
    """Starts the worker of a run, detached from the caller."""

    def submit(self, run_id: str, log: Path, lock_fd: int) -> None:
        """Start the worker; it inherits the run's lock as `lock_fd` and writes its log to `log`."""
        ...
