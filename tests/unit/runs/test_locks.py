from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from engine.errors import Cancelled
from engine.runs import locks
from engine.runs.locks import FileLock


def test_a_lock_is_exclusive_and_comes_free(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert locks.is_free(path)
    lock = FileLock.take(path)
    assert lock is not None
    assert FileLock.take(path) is None and not locks.is_free(path)
    lock.release()
    assert locks.is_free(path)
    again = FileLock.take(path)
    assert again is not None
    again.release()


def test_taking_waits_as_long_as_it_was_told(tmp_path: Path) -> None:
    lock = FileLock.take(tmp_path / "lock")
    assert lock is not None
    threading.Timer(0.3, lock.release).start()
    began = time.monotonic()
    second = FileLock.take(tmp_path / "lock", wait_s=5.0)
    assert second is not None and 0.2 < time.monotonic() - began < 4.0
    second.release()


def test_a_killed_process_leaves_the_lock_free(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    program = (
        "import sys, time; from pathlib import Path; from engine.runs.locks import FileLock\n"
        "lock = FileLock.take(Path(sys.argv[1])); print('held', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        assert not locks.is_free(path)
    finally:
        process.kill()
        process.communicate()
    assert locks.is_free(path)


def test_waiting_ends_when_the_check_objects(tmp_path: Path) -> None:
    lock = FileLock.take(tmp_path / "lock")
    assert lock is not None
    tries = iter([True, True, False])

    def may_try() -> bool:
        if not next(tries):
            raise Cancelled("Stopped.", "Go on later.")
        return True

    with pytest.raises(Cancelled), locks.waiting_for(tmp_path / "lock", may_try, poll_s=0.01):
        pytest.fail("the lock was held by another")
    lock.release()


def test_who_may_not_try_yet_waits_though_the_lock_is_free(tmp_path: Path) -> None:
    turns = iter([False, False, True])
    with locks.waiting_for(tmp_path / "lock", lambda: next(turns), poll_s=0.01):
        assert list(turns) == [] and not locks.is_free(tmp_path / "lock")
    assert locks.is_free(tmp_path / "lock")
