"""How far each converted head is from the original's: a sentence and a map by layer and head."""

from __future__ import annotations

from app import components as ui
from app import notes
from app.numbers import count, number, percent
from app.text import sentences, t, tn
from engine.evidence.fidelity_parts import Fidelity, HeadFidelity
from engine.evidence.results import Comparison

_SHADES = "\u00a0░▒▓█"  # colour alone would carry the meaning; the number stands beside the shade


def section(comparison: Comparison, lang: str) -> str:
    """The whole section as HTML; empty for a null conversion, and for older comparisons."""
    found = comparison.fidelity
    if found is None or not found.heads:
        return ""
    return (
        ui.section(
            t("fidelity.title", lang), t("fidelity.text", lang), more=t("glossary.fidelity", lang)
        )
        + ui.reading(_sentence(found, lang))
        + ui.folded(
            t("fidelity.map", lang), _map(found, "output_error", t("fidelity.map", lang), lang)
        )
        + ui.folded(t("compare.table", lang), _table(found, lang))
    )


def _sentence(found: Fidelity, lang: str) -> str:
    worst = found.drifting_layers[0]
    errors = [h.output_error for h in found.heads if h.layer == worst]
    known = [error for error in errors if error is not None]
    if not known:
        return notes.told(found.note, lang)
    mean = sum(known) / len(known)
    said = tn(
        "fidelity.worst", lang, found.documents, layer=count(worst), error=percent(mean, 1),
        tokens=count(found.tokens),
    )  # fmt: skip
    return sentences(lang, [said, notes.told(found.note, lang)])


def _map(found: Fidelity, reading: str, caption: str, lang: str) -> str:
    """One reading of every head: a row per layer, a column per head, shaded up to the largest."""
    values = {(h.layer, h.head): getattr(h, reading) for h in found.heads}
    largest = max((v for v in values.values() if v is not None), default=0.0)
    heads = sorted({h.head for h in found.heads})

    def cell(value: float | None) -> str:
        if value is None:
            return "–"
        share = value / largest if largest > 0 else 0.0
        return f"{_SHADES[round(share * (len(_SHADES) - 1))]} {number(value, 2)}"

    rows = [
        (t("fidelity.layer", lang, layer=count(layer)),
         *[cell(values.get((layer, h))) for h in heads])
        for layer in sorted({h.layer for h in found.heads})
    ]  # fmt: skip
    columns = [t("fidelity.head", lang), *[count(head) for head in heads]]
    return ui.table(columns, rows, caption=caption)


def _table(found: Fidelity, lang: str) -> str:
    """Means over the heads of each layer, original → converted."""

    def mean(heads: list[HeadFidelity], reading: str) -> str:
        known = [v for h in heads if (v := getattr(h, reading)) is not None]
        return number(sum(known) / len(known), 2) if known else "–"

    rows = []
    for layer in sorted({h.layer for h in found.heads}):
        heads = [h for h in found.heads if h.layer == layer]
        rows.append((
            t("fidelity.layer", lang, layer=count(layer)), mean(heads, "output_error"),
            mean(heads, "divergence"),
            *[f"{mean(heads, f'{name}_original')} → {mean(heads, f'{name}_converted')}"
              for name in ("entropy", "look_back", "sink_mass")],
        ))  # fmt: skip
    columns = [
        t(f"fidelity.column.{name}", lang)
        for name in ("layer", "error", "divergence", "entropy", "look_back", "sink_mass")
    ]
    return ui.table(columns, rows, caption=t("fidelity.title", lang))
