"""Each test of runs gets an empty data directory and leaves no worker behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.runs import kill_workers


@pytest.fixture(autouse=True)
def data_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "data directory"
    monkeypatch.setenv("T2R_STUDIO_DATA", str(folder))
    yield folder
    kill_workers()
