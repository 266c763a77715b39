"""What tests of the pages share."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.pages import convert


@pytest.fixture
def own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A data directory of the test's own, and no torch loaded in the background."""
    monkeypatch.setenv("T2R_STUDIO_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(convert, "warm_up", lambda: None)
