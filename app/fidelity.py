"""How far each converted head is from the original's: a map by layer and head, and a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from app import heat, notes, tables
from app.charts import Figure
from app.numbers import count, number, percent
from app.text import sentences, t, tn
from engine.evidence.fidelity_parts import Fidelity, HeadFidelity
from engine.evidence.results import Comparison

MEASURES = ("output_error", "divergence", "entropy", "look_back", "sink_mass")
"""What the map can show; the last three are differences, converted less original."""
_DIFFERENCES = MEASURES[2:]
_SHARES = ("output_error", "sink_mass")
_MOST_ROWS = 144


def value(head: HeadFidelity, measure: str) -> float | None:
    """A head's reading; with its sign where it is a difference."""
    if measure not in _DIFFERENCES:
        return getattr(head, measure)
    mine, theirs = getattr(head, f"{measure}_converted"), getattr(head, f"{measure}_original")
    return None if mine is None or theirs is None else mine - theirs


def written(reading: float | None, measure: str, lang: str) -> str:
    """A reading as a person reads it."""
    if reading is None:
        return "–"
    sign = "+" if measure in _DIFFERENCES and reading >= 0 else ""
    if measure in _SHARES:
        return sign + percent(reading, 1, lang)
    return sign + number(reading, 2)


def chart(comparison: Comparison, measure: str, lang: str) -> Figure | None:
    """A row for every layer, a column for every head; layers that keep softmax say so."""
    found = comparison.fidelity
    if found is None or not found.heads:
        return None
    readings = {(h.layer, h.head): value(h, measure) for h in found.heads}
    kept = comparison.conversion.layers_kept
    layers = sorted({layer for layer, _ in readings} | set(kept))
    heads = sorted({head for _, head in readings})
    names = {layer: t("fidelity.layer", lang, layer=count(layer)) for layer in layers}
    scale = 100 if measure in _SHARES else 1
    table = [[readings.get((layer, head)) for head in heads] for layer in layers]
    known = [abs(x) for row in table for x in row if x is not None]
    made = heat.heat(
        [[None if x is None else scale * abs(x) for x in row] for row in table],
        [[written(x, measure, lang) if layer not in kept else "" for x in row]
         for layer, row in zip(layers, table, strict=True)],
        columns=[count(head) for head in heads], rows=list(names.values()),
        x_title=t("fidelity.head", lang), y_title=t("fidelity.layer_axis", lang),
        top=scale * max(known, default=0.0), unit=t(f"fidelity.unit.{measure}", lang),
    )  # fmt: skip
    for layer in kept:
        heat.note_row(made, names[layer], t("fidelity.kept", lang))
    return made


def reading(comparison: Comparison, measure: str, lang: str) -> str:
    """Which layer is furthest from the original by this measure."""
    found = comparison.fidelity
    if found is None:
        return ""
    means = {layer: _mean_distance(found, layer, measure) for layer in found.drifting_layers}
    known = {layer: mean for layer, mean in means.items() if mean is not None}
    if not known:
        return notes.told(found.note, lang)
    worst = max(known, key=known.__getitem__)
    distance = percent(known[worst], 1, lang)
    if measure not in _SHARES:
        distance = number(known[worst], 2)
    said = t(f"fidelity.worst.{measure}", lang, layer=count(worst), distance=distance)
    source = tn("fidelity.source", lang, found.documents, tokens=count(found.tokens))
    # How maps are held against each other concerns no other measure.
    note = found.note if measure == "divergence" else notes.without(found.note, "maps")
    return sentences(lang, [said, source, notes.told(note, lang)])


def _mean_distance(found: Fidelity, layer: int, measure: str) -> float | None:
    known = [x for h in found.heads if h.layer == layer and (x := value(h, measure)) is not None]
    return sum(map(abs, known)) / len(known) if known else None


def table(comparison: Comparison, lang: str) -> str:
    """Every head of every converted layer with all readings, means by layer where there are too
    many to read; and the layers that keep softmax."""
    found = comparison.fidelity
    if found is None:
        return ""
    kept = [
        [count(layer), t("fidelity.kept", lang), *["–"] * 8]
        for layer in comparison.conversion.layers_kept
    ]
    every = [_row(h.layer, count(h.head), [h], lang) for h in found.heads] + kept
    shown = every
    if len(found.heads) > _MOST_ROWS:
        layers = sorted({h.layer for h in found.heads})
        shown = [
            _row(
                layer, t("fidelity.mean", lang), [h for h in found.heads if h.layer == layer], lang
            )
            for layer in layers
        ] + kept
    columns = [
        t("fidelity.layer_axis", lang),
        t("fidelity.head", lang),
        *(t(f"fidelity.measure.{name}", lang) for name in ("output_error", "divergence")),
        *(
            f"{t(f'fidelity.reading.{name}', lang)}: {t(f'party.{party}', lang)}"
            for name in _DIFFERENCES
            for party in ("original", "converted")
        ),
    ]
    return tables.numbers(columns, shown, t("fidelity.title", lang), lang, saved=every)


def _row(layer: int, name: str, heads: Sequence[HeadFidelity], lang: str) -> list[str]:
    """Readings of one head, or means over several."""

    def mean(reading: str) -> float | None:
        known = [x for h in heads if (x := getattr(h, reading)) is not None]
        return sum(known) / len(known) if known else None

    return [
        count(layer), name, written(mean("output_error"), "output_error", lang),
        number(mean("divergence"), 2),
        *(number(mean(f"{name}_{party}"), 2)
          for name in _DIFFERENCES for party in ("original", "converted")),
    ]  # fmt: skip
