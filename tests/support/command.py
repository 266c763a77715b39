"""The command line, in process."""

from __future__ import annotations

import pytest

from engine.__main__ import main
from engine.runs import paths, store

KEPT = ("runs.sqlite3", "runs.sqlite3-wal", "runs.sqlite3-shm", "errors.log")
"""Files of the data directory that belong to no run."""


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[str, str]:
    """Error and hint of a command that must end with 2, print nothing and make nothing."""
    before = sorted(paths.data_directory().rglob("*"))
    capsys.readouterr()  # what making the input wrote
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    error, hint = err.splitlines()  # exactly two lines
    assert error.startswith("error: ") and hint.startswith("hint: ")
    after = [p for p in sorted(paths.data_directory().rglob("*")) if p.name not in KEPT]
    assert after == [p for p in before if p.name not in KEPT] and store.every() == []
    return error, hint
