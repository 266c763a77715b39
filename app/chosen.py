"""The second and third step of a run that is made: which text and which model it was made with."""

from __future__ import annotations

from app import components as ui
from app import data_view, tables
from app.pages import data, live, model
from app.text import t
from engine.data.ingest import bundled_datasets
from engine.evidence.results import Comparison
from engine.models.catalogue import bundled_models
from engine.report.source import place_less
from engine.runs.records import Run


def text(run: Run, result: Comparison | None, lang: str) -> str:
    """The data's step as HTML: what was chosen, how it was split, how it begins."""
    name = str(run.config.get("data", ""))
    facts = [(t("convert.data", lang), place_less(name)), *data.agreed(run.config, lang)]
    parts = [ui.section(t("chosen.data", lang), t("agreed.text", lang), level=1), ui.facts(facts)]
    if result is not None:
        parts += [
            ui.section(t("compare.dataset", lang), t("data.text", lang), level=3),
            tables.dataset(result.dataset, lang),
        ]
    if name in bundled_datasets():
        parts.append(data_view.beginnings(name, lang))
    return "".join(parts)


def weights(run: Run, lang: str) -> str:
    """The model's step as HTML: which one, and what is known of it."""
    name = str(run.config.get("model", ""))
    head = ui.section(t("chosen.model", lang), t("chosen.copied", lang), level=1)
    known = {t("convert.model", lang), t("live.weights", lang)}
    said = [fact for fact in live.settings(run.config, lang) if fact[0] in known]
    if name in {one.name for one in bundled_models()}:
        return head + model.describe(name, lang) + ui.facts(said[1:])
    return head + ui.facts(said)
