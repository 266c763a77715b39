"""Bundled models, as their folders describe them."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.models import catalogue
from engine.models.catalogue import bundled_models
from engine.models.load import load
from tests.support.models import CONTEXT_TOKENS, tiny_model, tiny_model_folder

CARD = """---
language: [en, ja]
license: apache-2.0
---
# A small model
Text.
"""


def test_folder_with_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tiny_model_folder(tmp_path, "llama")
    (folder / "README.md").write_text(CARD)
    (tmp_path / "half-copied").mkdir()
    monkeypatch.setattr(catalogue, "MODELS_FOLDER", tmp_path)
    (model,) = bundled_models()
    assert (model.name, model.folder, model.title) == (folder.name, folder, "A small model")
    assert (model.languages, model.licence) == (("en", "ja"), "apache-2.0")
    assert model.parameters == tiny_model("llama").num_parameters()
    assert model.context_tokens == CONTEXT_TOKENS
    assert load(folder.name).ref == folder.name


def test_folder_without_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tiny_model_folder(tmp_path, "llama")
    monkeypatch.setattr(catalogue, "MODELS_FOLDER", tmp_path)
    (model,) = bundled_models()
    assert (model.title, model.languages, model.licence) == (folder.name, (), "")
