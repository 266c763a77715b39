"""The three figures a decision rests on: quality kept, memory at the target length, cost or speed.

Each is the figure that its acceptance gate was judged by, with interval, n, threshold and mark.
"""

from __future__ import annotations

from app import components as ui
from app import verdict
from app.components import Tile, Tone
from app.numbers import count, money, percent, size, times
from app.text import sentences, t, tn
from engine.evidence.results import Comparison
from engine.evidence.roi import Roi
from engine.evidence.verdict import GateName, GateVerdict, Word

_TONES: dict[Word, Tone] = {
    "go": "good", "conditional": "same", "no_go": "bad", "not_enough_evidence": "open",
}  # fmt: skip


def tiles(comparison: Comparison, worth: Roi | None, lang: str) -> str:
    """The three tiles as HTML; empty where no gate was judged."""
    found = comparison.verdict
    if found is None or not found.gates:
        return ""
    gates = {gate.gate: gate for gate in found.gates}
    last = _cost(worth, lang) if worth and worth.cases else None
    made = [
        _gate(gates.get("quality"), comparison, lang),
        _gate(gates.get("memory"), comparison, lang),
        last or _gate(gates.get("cost") or gates.get("speed"), comparison, lang),
    ]
    return ui.tiles([tile for tile in made if tile])


def _gate(gate: GateVerdict | None, comparison: Comparison, lang: str) -> Tile | None:
    if gate is None:
        return None
    place = "" if gate.context_tokens is None else tn("unit.tokens", lang, gate.context_tokens)
    title = t(f"kpi.{gate.gate}", lang, length=place)
    value = "–" if gate.value is None else _value(gate.gate, gate.value, lang)
    mark = t(f"verdict.word.{gate.verdict}", lang)
    limit = verdict.limit(gate, lang)
    spread = verdict.spread(gate, lang)
    pairs = _bytes(gate, comparison, lang) if gate.gate == "memory" else ()
    against = unit = ""
    if gate.gate == "quality":
        unit = t("unit.perplexity", lang)
        against = t("kpi.against", lang, party=t(f"goal.against.{gate.reference}", lang))
    note = sentences(lang, [against, spread, limit, verdict.reason(gate, lang)])
    more = t(f"glossary.gate.{gate.gate}", lang)
    return Tile(title, value, unit, mark, _TONES[gate.verdict], pairs, note, more)


def _value(gate: GateName, value: float, lang: str) -> str:
    if gate == "quality":
        return ("+" if value > 0 else "") + percent(value / 100, 2, lang=lang)
    return times(value, lang=lang)


def _bytes(gate: GateVerdict, comparison: Comparison, lang: str) -> tuple:
    """What each model keeps at the judged length."""
    found = []
    for party in ("original", "converted"):
        points = getattr(comparison.memory, party)
        kept = next((p for p in points if p.context_tokens == gate.context_tokens), None)
        if kept and kept.cache_bytes:
            found.append((party, t(f"party.{party}", lang), size(kept.cache_bytes)))
    return tuple(found)


def _cost(worth: Roi, lang: str) -> Tile | None:
    """Cost of 1,000 documents; low and high as the spread."""
    base = next(case for case in worth.cases if case.case == "base")
    theirs, mine = base.original.cost_per_1000_documents, base.converted.cost_per_1000_documents
    if theirs is None or mine is None:
        return None
    currency = worth.inputs.currency
    ends = [
        money(case.converted.cost_per_1000_documents, currency, lang)
        for case in worth.cases
        if case.case != "base"
    ]
    tone: Tone = "good" if mine < theirs else "bad" if mine > theirs else "same"
    return Tile(
        t("kpi.money", lang), money(mine, currency, lang), "", t(f"kpi.money_{tone}", lang), tone,
        (
            ("original", t("party.original", lang), money(theirs, currency, lang)),
            ("converted", t("party.converted", lang), money(mine, currency, lang)),
        ),
        t("kpi.money_note", lang, low=ends[0], high=ends[-1],
          length=count(worth.inputs.input_tokens)),
        t("glossary.money", lang),
    )  # fmt: skip
