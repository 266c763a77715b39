"""Uploads live as long as they are wanted, under an id that is no path."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from app import uploads


@pytest.fixture(autouse=True)
def data_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("T2R_STUDIO_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def _keep(tmp_path: Path, name: str = "点検.csv") -> str:
    file = tmp_path / name
    file.write_text("text")
    upload = uploads.keep(file)
    assert not file.exists(), "one copy, not two"
    return upload


def test_a_file_is_found_by_its_id_until_it_is_forgotten(tmp_path: Path) -> None:
    one, two = _keep(tmp_path), _keep(tmp_path)
    assert one != two and uploads.found(one) is not None
    file = uploads.found(one)
    assert file is not None and file.name == "点検.csv" and file.parent.stat().st_mode & 0o077 == 0
    uploads.forget(one)
    assert uploads.found(one) is None and uploads.found(two) is not None


@pytest.mark.parametrize("upload", [None, "", "..", "../uploads", "/etc", "0" * 31, "0" * 32])
def test_what_is_no_id_finds_and_deletes_nothing(upload: str | None, tmp_path: Path) -> None:
    kept = _keep(tmp_path)
    assert uploads.found(upload) is None
    uploads.forget(upload)
    assert uploads.found(kept) is not None


def test_a_day_later_it_is_gone(tmp_path: Path, data_directory: Path) -> None:
    old, new = _keep(tmp_path), _keep(tmp_path, "b.txt")
    past = time.time() - uploads.LIVE_S - 1
    os.utime(data_directory / "uploads" / old, (past, past))
    uploads.sweep()
    assert uploads.found(old) is None and uploads.found(new) is not None
