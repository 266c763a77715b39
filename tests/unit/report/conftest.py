"""Each test of reports gets a data directory of its own and a finished run in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.runs.records import Run
from tests.support import example_reports as examples


@pytest.fixture(autouse=True)
def data_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data directory"
    monkeypatch.setenv("T2R_STUDIO_DATA", str(folder))
    return folder


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return examples.finished_run(tmp_path / "run", examples.comparison())
