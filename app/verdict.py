"""The verdict above the figures: one word, the gate that decided, and a sentence for each gate."""

from __future__ import annotations

from app import components as ui
from app.components import NoticeTone
from app.numbers import count, percent, times
from app.readings import listed
from app.text import sentences, t, tn
from engine.evidence.verdict import GateVerdict, Verdict, Word, fewest_more

_TONES: dict[Word, NoticeTone] = {
    "go": "good", "conditional": "warn", "no_go": "bad", "not_enough_evidence": "info",
}  # fmt: skip
_SIGNS: dict[Word, str] = {
    "go": "✓", "conditional": "!", "no_go": "✕", "not_enough_evidence": "?",
}  # fmt: skip
_NUMBERS_SAY_IT = ("within", "beyond", "crosses")
"""Reasons that need no words besides the number and the gate."""


def banner(verdict: Verdict | None, lang: str) -> str:
    """The verdict and a row for each gate, as HTML."""
    title = headline(verdict, lang)
    if verdict is None or not verdict.gates:
        return title
    columns = [t(f"verdict.column.{name}", lang) for name in ("gate", "verdict", "why")]
    rows = [
        (t(f"verdict.gate.{gate.gate}", lang), _word(gate.verdict, lang), sentence(gate, lang))
        for gate in verdict.gates
    ]
    return title + ui.table(columns, rows, caption=t("verdict.caption", lang), prose=True)


def headline(verdict: Verdict | None, lang: str) -> str:
    """The verdict's word and the gate that decided, as HTML."""
    if verdict is None:
        return ui.notice("info", t("verdict.none", lang), t("verdict.none_text", lang))
    gates = listed([t(f"verdict.gate.{gate}", lang) for gate in verdict.decided_by], lang)
    text = t(f"verdict.overall.{verdict.reason}", lang, gates=gates)
    return ui.notice(_TONES[verdict.verdict], _word(verdict.verdict, lang), text)


def _word(word: Word, lang: str) -> str:
    """The verdict with its sign, so that colour is never alone."""
    return t("verdict.title", lang, sign=_SIGNS[word], word=t(f"verdict.word.{word}", lang))


def sentence(gate: GateVerdict, lang: str) -> str:
    """What a gate's verdict rests on, its threshold, and what would settle it."""
    parts = [_measured(gate, lang), reason(gate, lang)]
    parts.append(limit(gate, lang))
    fewest = fewest_more(gate)
    if gate.more is not None and fewest is not None:
        parts.append(t("verdict.more_range", lang, low=count(fewest), high=count(gate.more)))
    elif gate.more is not None:
        parts.append(tn(f"verdict.more.{gate.unit}", lang, gate.more))
    elif fewest is not None:
        parts.append(t("verdict.more_at_least", lang, n=count(fewest)))
    elif gate.reason == "crosses":
        parts.append(t("verdict.too_close", lang))
    if gate.more is not None and gate.unscored:
        parts.append(tn("verdict.unscored", lang, gate.unscored))
    return sentences(lang, parts)


def _figure(gate: GateVerdict, value: float, lang: str) -> str:
    """A number in the gate's own unit."""
    if gate.gate == "quality":
        return ("+" if value > 0 else "") + percent(value / 100, 2, lang=lang)
    if gate.gate == "recall":
        # No plus: the sentence says "lost" already. Below 0 more was found than by the original.
        return t("verdict.points", lang, value=f"{value:.1f}".replace("-0.0", "0.0"))
    return times(value, lang=lang)


def limit(gate: GateVerdict, lang: str) -> str:
    """The threshold that was set before the run, as it was typed."""
    shown = percent(gate.limit / 100, 2, lang=lang).replace(".00", "")
    if gate.gate != "quality":
        shown = _figure(gate, gate.limit, lang)
    return t(f"verdict.limit.{gate.gate}", lang, limit=shown)


def _length(gate: GateVerdict, lang: str) -> str:
    return tn("unit.tokens", lang, gate.context_tokens or 0)


def _measured(gate: GateVerdict, lang: str) -> str:
    if gate.value is None:
        return ""
    said = t(
        f"verdict.measured.{gate.gate}", lang, value=_figure(gate, gate.value, lang),
        party=t(f"party.{gate.reference}", lang), length=_length(gate, lang),
    )  # fmt: skip
    return sentences(lang, [said, spread(gate, lang)])


def spread(gate: GateVerdict, lang: str) -> str:
    """The interval of a gate's figure and how many units it rests on; empty where there is none."""
    if gate.interval is None:
        return ""
    low, high = (_figure(gate, end, lang) for end in (gate.interval.low, gate.interval.high))
    n = tn(f"verdict.unit.{gate.unit}", lang, gate.interval.n)
    level = percent(gate.interval.level, lang=lang)
    return t("verdict.interval", lang, level=level, low=low, high=high, n=n)


def reason(gate: GateVerdict, lang: str) -> str:
    """Why a gate got its verdict, where the number and the gate do not say it already."""
    if gate.reason in _NUMBERS_SAY_IT:
        return ""
    key = gate.reason
    if key == "worse_at":
        key = "larger" if gate.gate == "memory" else "slower"
    if key == "not_measured" and gate.context_tokens:
        key = "not_measured_at"
    lengths = listed([count(tokens) for tokens in gate.at_tokens], lang)
    return t(
        f"verdict.why.{key}", lang, length=_length(gate, lang), lengths=lengths,
        tokens=str(gate.context_tokens),
    )  # fmt: skip
