"""File locks that the kernel drops when their process dies, so a crash never leaves one behind."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


class FileLock:
    """An exclusive lock on a file, held by an open file description.

    The description may be inherited by a child process (`fd`), which then holds the same lock:
    so a run can be locked before its worker exists, with no moment in between.
    """

    def __init__(self, fd: int) -> None:
        self.fd = fd

    @classmethod
    def adopt(cls, fd: int) -> FileLock:
        """Take over a lock inherited from the parent process, and pass it on to no child."""
        os.set_inheritable(fd, False)
        return cls(fd)

    @classmethod
    def take(cls, path: Path, *, wait_s: float = 0.0) -> FileLock | None:
        """Lock `path`, trying for `wait_s` seconds; None when another process holds it."""
        fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + wait_s
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    os.close(fd)
                    return None
                time.sleep(0.05)
            else:
                return cls(fd)

    def release(self) -> None:
        """Close this process's handle; the lock is free once every holder has done so."""
        os.close(self.fd)


def is_free(path: Path) -> bool:
    """Whether no process holds the lock on `path` (a missing file counts as free)."""
    try:
        fd = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return True
    try:
        # Shared, so that two observers never take each other for the holder.
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(fd)
    return True


@contextmanager
def waiting_for(path: Path, may_try: Callable[[], bool], *, poll_s: float = 0.5) -> Iterator[None]:
    """Hold the lock on `path` for the block, waiting as long as it takes.

    `may_try` is asked before each try: False lets others go first, and what it raises ends the
    wait.
    """
    while not may_try() or (lock := FileLock.take(path)) is None:
        time.sleep(poll_s)
    try:
        yield
    finally:
        lock.release()
