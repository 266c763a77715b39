"""What must be refused, with a hint."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.data.ingest import read_corpus
from engine.errors import BadDataset, EngineError
from engine.models.check import check_model


def model_refusal(ref: Path | str, error: type[EngineError], *words: str) -> EngineError:
    """The error `check_model` raises, which must have a hint and mention all the words."""
    with pytest.raises(error) as caught:
        check_model(str(ref))
    assert caught.value.hint
    for word in words:
        assert word in caught.value.message
    return caught.value


def data_refusal(
    path: Path, *words: str, text_column: str | None = None, encoding: str | None = None
) -> BadDataset:
    """The error `read_corpus` raises, which must have a hint and mention all the words."""
    with pytest.raises(BadDataset) as caught:
        read_corpus(path, text_column=text_column, encoding=encoding)
    assert caught.value.hint
    for word in words:
        assert word in caught.value.message
    return caught.value
