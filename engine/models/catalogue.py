"""The models that ship with the repository, under `assets/models/<name>/`."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DEFAULT_MODEL = "business-2k"
MODELS_FOLDER = Path(__file__).resolve().parents[2] / "assets" / "models"


@dataclass(frozen=True)
class BundledModel:
    """One bundled model, as its own folder describes it.

    Attributes:
        name: the folder's name, by which a run refers to it.
        title: first heading of its model card; the name where there is no card.
        parameters: number of weights.
        context_tokens: trained context.
        languages: codes such as "en"; empty where the card names none.
        licence: identifier such as "apache-2.0"; "" where the card names none.
    """

    name: str
    folder: Path
    title: str
    parameters: int
    context_tokens: int
    languages: tuple[str, ...]
    licence: str


def bundled_models() -> tuple[BundledModel, ...]:
    """Every complete bundled model, the default first, then by name."""
    found = [
        _read(folder)
        for folder in sorted(MODELS_FOLDER.glob("*/"))
        if (folder / "config.json").is_file() and (folder / "model.safetensors").is_file()
    ]
    return tuple(sorted(found, key=lambda model: (model.name != DEFAULT_MODEL, model.name)))


def _read(folder: Path) -> BundledModel:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    card = folder / "README.md"
    facts, title = _model_card(card.read_text(encoding="utf-8")) if card.is_file() else ({}, "")
    languages = facts.get("language") or ()
    return BundledModel(
        name=folder.name,
        folder=folder,
        title=title or folder.name,
        parameters=_count_parameters(folder / "model.safetensors"),
        context_tokens=int(config["max_position_embeddings"]),
        languages=(languages,) if isinstance(languages, str) else tuple(languages),
        licence=str(facts.get("license", "")),
    )


def _model_card(text: str) -> tuple[dict[str, Any], str]:
    """The front matter and the first heading of a model card."""
    import yaml  # here because only this needs it, and every start of the app imports the module

    facts: dict[str, Any] = {}
    if text.startswith("---\n") and "\n---" in text[4:]:
        front, text = text[4:].split("\n---", 1)
        facts = yaml.safe_load(front) or {}
    headings = (line[2:].strip() for line in text.splitlines() if line.startswith("# "))
    return facts, next(headings, "")


def _count_parameters(weights: Path) -> int:
    """Number of weights by the header of a safetensors file: 8 bytes of length, then JSON."""
    with weights.open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return sum(math.prod(t["shape"]) for name, t in header.items() if name != "__metadata__")
