"""Whatever goes wrong is told as an error with a hint, and its traceback is in the log."""

from __future__ import annotations

import logging
import sqlite3

import pytest
from pydantic import BaseModel

from engine.errors import BadDataset, EngineError, OutOfMemory
from engine.runs.boundary import boundary, explained


class _Stored(BaseModel):
    steps: int


def _invalid() -> None:
    _Stored.model_validate({"steps": "many"})


def _raise(error: Exception) -> None:
    raise error


@pytest.mark.parametrize(
    ("work", "message", "hint"),
    [
        (lambda: _raise(PermissionError(13, "Permission denied", "/data")),
         "/data: Permission denied.", "may be written"),
        (lambda: _raise(OSError("odd")), "odd.", "has room"),
        (lambda: _raise(sqlite3.OperationalError("database is locked")), "is locked", "local disk"),
        (_invalid, "steps: Input should be a valid integer", "another version"),
        (lambda: _raise(KeyError("x")), "KeyError", "fault of the program"),
    ],
)  # fmt: skip
def test_every_failure_gets_a_message_a_hint_and_a_traceback(
    work, message: str, hint: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(EngineError) as caught, boundary("the log"):
        work()
    assert message in caught.value.message and "\n" not in caught.value.message
    assert hint in caught.value.hint and "the log" in caught.value.hint
    (record,) = caplog.records
    assert record.levelno == logging.ERROR and record.exc_info


def test_running_out_of_memory_is_told_as_such() -> None:
    with pytest.raises(OutOfMemory), boundary("the log"):
        raise MemoryError


def test_our_own_errors_pass_as_they_are(caplog: pytest.LogCaptureFixture) -> None:
    error = BadDataset("Too little text.", "Add some.")
    with pytest.raises(BadDataset) as caught, boundary("the log"):
        raise error
    assert caught.value is error and caplog.records == []


def test_a_missing_package_is_no_fault_of_the_program() -> None:
    found = explained(ModuleNotFoundError("No module named 'torch.nn'", name="torch.nn"), "a log")
    assert "'torch'" in found.message and "make run" in found.hint
    ours = explained(ModuleNotFoundError("No module named 'engine.x'", name="engine.x"), "a log")
    assert "fault of the program" in ours.hint
