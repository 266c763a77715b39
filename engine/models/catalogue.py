"""Models to choose from: those that ship with the repository, under `assets/models/<name>/`, those
in the folder that the operator named, and some on the Hub as their publishers describe them."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.directories import models_directory
from engine.errors import ModelNotFound

DEFAULT_MODEL = "business-2k"
MODELS_FOLDER = Path(__file__).resolve().parents[2] / "assets" / "models"
_HUB_MODELS = MODELS_FOLDER.with_name("hub-models.json")


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


@dataclass(frozen=True)
class FolderModel:
    """A folder in the operator's directory of models, as its own files describe it.

    Attributes:
        name: the folder's name, by which pages refer to it.
        parameters, context_tokens: None where its files do not tell.
        languages, licence: as of `BundledModel`.
    """

    name: str
    folder: Path
    parameters: int | None
    context_tokens: int | None
    languages: tuple[str, ...]
    licence: str


@dataclass(frozen=True)
class HubModel:
    """A model on the Hub that is known to be convertible, in its publisher's words.

    Attributes:
        id: owner/name.
        languages: codes, or "many".
        gated: whether its terms have to be accepted on the Hub first.
    """

    id: str
    parameters: int
    context_tokens: int
    languages: tuple[str, ...]
    licence: str
    gated: bool


def hub_models() -> tuple[HubModel, ...]:
    """Models of the Hub to begin with, smallest first. What is really there, the check reads."""
    known = json.loads(_HUB_MODELS.read_text(encoding="utf-8"))
    return tuple(HubModel(**{**one, "languages": tuple(one["languages"])}) for one in known)


def folder_models() -> tuple[FolderModel, ...]:
    """The models right below the operator's directory, by name; none where there is no such
    directory. A link that leads out of it is passed over."""
    home = models_directory()
    if home is None or not home.is_dir():
        return ()
    found = [
        folder for folder in sorted(home.iterdir())
        if folder.resolve().is_relative_to(home) and (folder / "config.json").is_file()
    ]  # fmt: skip
    return tuple(_folder_model(folder) for folder in found)


def folder_model(name: str) -> FolderModel:
    """The model of that name in the operator's directory.

    Raises:
        ModelNotFound: none of those listed has the name, whatever else it may point at.
    """
    for model in folder_models():
        if model.name == name:
            return model
    raise ModelNotFound(
        f"There is no model {name[:80]!r} in the directory of models.", "Choose one of the list."
    )


def _folder_model(folder: Path) -> FolderModel:
    languages, licence, _ = _card_facts(folder)
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        contexts = (config.get(key) for key in ("max_position_embeddings", "n_positions"))
        context = next((int(tokens) for tokens in contexts if tokens), None)
        weights = list(folder.glob("*.safetensors"))
        parameters = sum(map(_count_parameters, weights)) if weights else None
    except (OSError, ValueError, AttributeError, TypeError, KeyError):
        context = parameters = None  # a broken folder is listed too: the check tells what is wrong
    return FolderModel(folder.name, folder, parameters, context, languages, licence)


def _read(folder: Path) -> BundledModel:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    languages, licence, title = _card_facts(folder)
    return BundledModel(
        name=folder.name,
        folder=folder,
        title=title or folder.name,
        parameters=_count_parameters(folder / "model.safetensors"),
        context_tokens=int(config["max_position_embeddings"]),
        languages=languages,
        licence=licence,
    )


def _card_facts(folder: Path) -> tuple[tuple[str, ...], str, str]:
    """Languages, licence and title by the folder's model card; empty where there is none."""
    card = folder / "README.md"
    facts, title = _model_card(card.read_text("utf-8", "replace")) if card.is_file() else ({}, "")
    languages = facts.get("language") or ()
    known = (languages,) if isinstance(languages, str) else tuple(map(str, languages))
    return known, str(facts.get("license", "")), title


def _model_card(text: str) -> tuple[dict[str, Any], str]:
    """The front matter and the first heading of a model card."""
    import yaml  # here because only this needs it, and every start of the app imports the module

    facts: dict[str, Any] = {}
    if text.startswith("---\n") and "\n---" in text[4:]:
        front, text = text[4:].split("\n---", 1)
        try:
            read = yaml.safe_load(front)
        except yaml.YAMLError:  # a card is only for people
            read = None
        facts = read if isinstance(read, dict) else {}
    headings = (line[2:].strip() for line in text.splitlines() if line.startswith("# "))
    return facts, next(headings, "")


def _count_parameters(weights: Path) -> int:
    """Number of weights by the header of a safetensors file: 8 bytes of length, then JSON."""
    with weights.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > weights.stat().st_size:
            raise ValueError(f"{weights.name} is no safetensors file")
        header = json.loads(file.read(length))
    return sum(math.prod(t["shape"]) for name, t in header.items() if name != "__metadata__")
