"""A folder with a tiny model, for all tests of what may be loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.models import tiny_model_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tiny_model_folder(tmp_path, "llama")
