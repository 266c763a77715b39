"""What the figures do not show, and what each of them rests on."""

from __future__ import annotations

from app import components as ui
from app.numbers import count
from app.readings import listed
from app.text import t, tn
from engine.evidence.results import Comparison
from engine.evidence.verdict import FEW_DOCUMENTS
from engine.runs.records import Run


def table(run: Run, comparison: Comparison, lang: str) -> str:
    """Every risk with what it means, as HTML."""
    columns = [t(f"risk.column.{name}", lang) for name in ("what", "why")]
    return ui.table(columns, rows(run, comparison, lang), caption=t("risk.title", lang), prose=True)


def rows(run: Run, comparison: Comparison, lang: str) -> list[tuple[str, str]]:
    """The risks of this run: which there are depends on what was measured."""
    quality, recall = comparison.quality, comparison.recall
    found: list[tuple[str, str]] = []

    def add(key: str, **values: str) -> None:
        found.append((t(f"risk.{key}.what", lang), t(f"risk.{key}.why", lang, **values)))

    documents = quality.converted.documents
    add("few" if documents < FEW_DOCUMENTS else "documents",
        n=tn("unit.documents", lang, documents),
        tokens=tn("unit.tokens", lang, quality.converted.tokens))  # fmt: skip
    add("seed", seed=str(run.config.get("seed", 0)))
    if quality.control is None:
        add("control")
    if recall.original is None or not recall.languages:
        add("no_recall")
    else:
        named = [t(f"risk.language.{one}", lang) for one in recall.languages if one in ("en", "ja")]
        add("recall", languages=listed(named, lang))
    beyond = [
        p.context_tokens for p in comparison.speed.decode.converted if p.beyond_trained_context
    ]
    if beyond:
        add("beyond", lengths=listed([count(tokens) for tokens in beyond], lang))
    env = comparison.environment
    add("machine", machine=f"{env.cpu}, {env.device}", dtype=env.dtype)
    if not comparison.batches:
        add("batch")
    add("untested")
    return found
