"""The annex on the attention itself: how far each layer is from what it replaced."""

from __future__ import annotations

from collections.abc import Sequence

from engine.evidence.fidelity_parts import FEWEST_BEFORE, MOST_TOKENS, HeadFidelity
from engine.report import notes
from engine.report.model import Section, Table
from engine.report.source import Source
from engine.report.words import NONE, Words

_PAIRED = ("entropy", "look_back", "sink_mass")


def attention(source: Source, words: Words) -> Section | None:
    """Means over the heads of each converted layer, and its state; None where not measured."""
    found = source.comparison.fidelity
    if found is None or not found.heads:
        return None
    states = {state.layer: state for state in found.states}
    rows = []
    for layer in sorted({head.layer for head in found.heads}):
        heads = [head for head in found.heads if head.layer == layer]
        norms = states[layer].norms if layer in states else None
        dead = states[layer].dead_features if layer in states else None
        rows.append((
            words.count(layer), words.number(_mean(heads, "output_error"), 3),
            words.number(_mean(heads, "divergence"), 3),
            *(f"{words.number(_mean(heads, f'{name}_original'), 2)} → "
              f"{words.number(_mean(heads, f'{name}_converted'), 2)}" for name in _PAIRED),
            NONE if norms is None else f"{words.number(norms[0], 1)} → "
            f"{words.number(norms[-1], 1)}",
            words.percent(None if dead is None else 100 * dead, 1),
        ))  # fmt: skip
    columns = ("layer", "output_error", "divergence", *_PAIRED, "state", "dead")
    kept = ", ".join(words.count(n) for n in source.comparison.conversion.layers_kept)
    said = [words("annex.attention_text", tokens=words.tokens(found.tokens),
                  documents=words.counted("unit.documents_only", found.documents),
                  before=words.tokens(FEWEST_BEFORE), most=words.tokens(MOST_TOKENS))]  # fmt: skip
    if kept:
        said.append(words("annex.attention_kept", layers=kept))
    said += notes.maps(source, words)
    return Section(
        title=words("annex.attention"), paragraphs=tuple(said),
        tables=(Table(words("table.attention"), tuple(words(f"column.{c}") for c in columns),
                      tuple(rows)),),
    )  # fmt: skip


def _mean(heads: Sequence[HeadFidelity], reading: str) -> float | None:
    known = [value for head in heads if (value := getattr(head, reading)) is not None]
    return sum(known) / len(known) if known else None
