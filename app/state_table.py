"""What the state of each converted layer does: how it grows, and which features never fire."""

from __future__ import annotations

from app import components as ui
from app import tables
from app.numbers import count, number, percent, times
from app.text import sentences, t
from engine.evidence.fidelity_parts import Fidelity, LayerState


def section(found: Fidelity, lang: str) -> str:
    """The whole part as HTML; says so where it was not measured."""
    heading = ui.section(t("state_of.title", lang), t("state_of.text", lang), level=3)
    if not found.states:
        return heading + ui.reading(t("state_of.unmeasured", lang))
    return heading + ui.reading(reading(found, lang)) + _table(found, lang)


def growth(state: LayerState) -> float | None:
    """Norm at the end over the first one that is not zero: a hybrid's far field starts empty."""
    norms = [norm for norm in state.norms or () if norm > 0]
    return norms[-1] / norms[0] if len(norms) > 1 else None


def reading(found: Fidelity, lang: str) -> str:
    """Which state grows most, and where most features are dead."""
    grown = {s.layer: g for s in found.states if (g := growth(s)) is not None}
    dead = {s.layer: s.dead_features for s in found.states if s.dead_features is not None}
    said = []
    if grown:
        layer = max(grown, key=grown.__getitem__)
        said.append(t("state_of.grows", lang, layer=count(layer), ratio=times(grown[layer], lang)))
    if any(dead.values()):
        layer = max(dead, key=dead.__getitem__)
        said.append(
            t("state_of.dead", lang, layer=count(layer), share=percent(dead[layer], 1, lang))
        )
    elif dead:
        said.append(t("state_of.alive", lang))
    return sentences(lang, said)


def _table(found: Fidelity, lang: str) -> str:
    rows = []
    for state in found.states:
        norms = state.norms or [None] * len(found.state_at_tokens)
        rows.append([
            count(state.layer), *(number(norm) for norm in norms),
            "–" if (ratio := growth(state)) is None else times(ratio, lang),
            percent(state.dead_features, 1, lang),
        ])  # fmt: skip
    columns = [
        t("fidelity.layer_axis", lang),
        *(t("state_of.norm", lang, tokens=count(n)) for n in found.state_at_tokens),
        t("state_of.growth", lang), t("state_of.never", lang),
    ]  # fmt: skip
    return tables.numbers(columns, rows, t("state_of.title", lang), lang)
