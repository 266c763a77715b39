"""Errors as a person should see them: what happened, what was found, what to do."""

from __future__ import annotations

from contextlib import AbstractContextManager

from app import components as ui
from app import data_words, notes
from app.text import t
from engine.directories import models_directory
from engine.errors import BadDataset, EngineError, RunNotFound, UnclearColumn
from engine.runs.boundary import boundary


def guard() -> AbstractContextManager[None]:
    """Around whatever a click sets going, so that every failure is an `EngineError` to show."""
    # In the language of the sentence that it becomes part of, which is the engine's.
    return boundary(t("error.details", notes.ENGINE_LANG))


def words(error: EngineError, lang: str) -> tuple[str, str]:
    """Title and explanation of an error."""
    title = t(f"error.{type(error).__name__}", lang)
    if isinstance(error, BadDataset) and (known := data_words.refusal(error, lang)):
        return title, known
    shown = type(error)(_placeless(error.message), _placeless(error.hint))
    advice = ""
    if isinstance(error, RunNotFound | UnclearColumn):
        # The engine's own hints name a command or an option; a visitor of the page has none.
        advice = t(f"error.hint.{type(error).__name__}", lang)
    return title, notes.explained(shown, lang, advice)


def _placeless(words: str) -> str:
    """Words without the operator's directory of models, which concerns no visitor."""
    home = models_directory()
    return words if home is None else words.replace(f"{home}/", "")


def box(error: EngineError, lang: str) -> str:
    """The error as HTML, to be shown right below what caused it."""
    return ui.notice("bad", *words(error, lang))
