"""The catalogue of step 3 as a table: what is known of each model, and whether it runs here."""

from __future__ import annotations

from collections.abc import Sequence

from app import components as ui
from app.numbers import count, language
from app.text import t
from engine.models.catalogue import bundled_models, folder_models, hub_models
from engine.models.memory import runs_here

_ICONS = {"yes": "✓", "tight": "△", "no": "✕"}
MANY = "many"


def table(lang: str) -> str:
    """All models that can be picked by name, as HTML; the light is read now, as memory changes."""
    rows = []
    for model in bundled_models():
        rows.append(_row(
            model.name, model.parameters, model.context_tokens, model.languages, model.licence,
            t("shelf.access.bundled", lang), lang,
        ))  # fmt: skip
    for model in folder_models():
        rows.append(_row(
            model.name, model.parameters, model.context_tokens, model.languages, model.licence,
            t("shelf.access.folder", lang), lang,
        ))  # fmt: skip
    for model in hub_models():
        access = t("shelf.access.gated" if model.gated else "shelf.access.open", lang)
        rows.append(_row(
            model.id, model.parameters, model.context_tokens, model.languages, model.licence,
            access, lang,
        ))  # fmt: skip
    columns = ("model", "size", "context", "languages", "licence", "access", "runs")
    return ui.table(
        [t(f"shelf.column.{column}", lang) for column in columns], rows,
        caption=t("shelf.title", lang), words=True,
    )  # fmt: skip


def _row(
    name: str, parameters: int | None, context: int | None, languages: tuple[str, ...],
    licence: str, access: str, lang: str,
) -> tuple[str, ...]:  # fmt: skip
    return (
        name, parameters_told(parameters, lang), count(context) if context else "–",
        spoken(languages, lang), licence or "–", access, light(parameters, lang),
    )  # fmt: skip


def spoken(languages: Sequence[str], lang: str) -> str:
    """The languages of a model by name."""
    if MANY in languages:
        return t("shelf.many", lang)
    named = [language(code, lang) for code in languages]
    return t("reading.list.join", lang).join(named) or "–"


def parameters_told(parameters: int | None, lang: str) -> str:
    """A number of weights, in millions."""
    if parameters is None:
        return "–"
    millions = parameters / 1e6
    return t("shelf.millions", lang, n=f"{millions:,.1f}" if millions < 10 else f"{millions:,.0f}")


def light(parameters: int | None, lang: str) -> str:
    """Whether a model of this size runs here, in a sign and a word."""
    if parameters is None:
        return t("shelf.runs.unknown", lang)
    found = runs_here(parameters)
    return f"{_ICONS[found]} {t(f'shelf.runs.{found}', lang)}"
