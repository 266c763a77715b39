"""The verdict and the acceptance gates in words."""

from __future__ import annotations

import math

from engine.evidence.stats import Interval
from engine.evidence.verdict import GateName, GateVerdict, Word, fewest_more
from engine.report.model import GateRow, Mark, Picture, Tone
from engine.report.source import Source
from engine.report.words import NONE, Words

_TONES: dict[Word, Tone] = {
    "go": "good", "conditional": "warn", "no_go": "bad", "not_enough_evidence": "open",
}  # fmt: skip
_SIGNS: dict[Word, str] = {
    "go": "✓", "conditional": "!", "no_go": "✕", "not_enough_evidence": "?",
}  # fmt: skip
_AT_LEAST: tuple[GateName, ...] = ("speed",)
_NUMBERS_SAY_IT = ("within", "beyond", "crosses")


def mark(word: Word, words: Words) -> Mark:
    """A verdict as sign and word."""
    return Mark(_TONES[word], _SIGNS[word], words(f"verdict.word.{word}"))


def overall(source: Source, words: Words) -> tuple[Mark, str, str]:
    """The verdict, which gates decided or why there is none, and what that does and does not
    say."""
    verdict = source.comparison.verdict
    if verdict is None:
        none = Mark("none", "–", words("verdict.none.word"))
        return none, words("verdict.none.sentence"), words("verdict.none.meaning")
    gates = words.listed([words(f"gate.name.{gate}") for gate in verdict.decided_by])
    sentence = words(f"verdict.overall.{verdict.reason}", gates=gates)
    meaning = "verdict.undecidable" if verdict.reason != "decided" else "verdict.meaning"
    if verdict.reason == "decided":
        meaning += f".{verdict.verdict}"
    return mark(verdict.verdict, words), sentence, words(meaning)


def value_in_words(gate: GateName, value: float, words: Words) -> str:
    """A number in the gate's own unit."""
    if gate == "quality":
        return words.percent(value, 2, sign=True)
    return words.points(value, sign=False) if gate == "recall" else words.times(value)


def range_in_words(gate: GateName, low: float, high: float, words: Words) -> str:
    """Both ends of an interval, with the unit once."""
    first = words.ratio(low)
    if gate in ("quality", "recall"):
        first = words.number(low, 2 if gate == "quality" else 1, sign=gate == "quality")
    return words("unit.range", low=first, high=value_in_words(gate, high, words))


def limit_in_words(gate: GateVerdict, words: Words) -> str:
    """The threshold."""
    side = "at_least" if gate.gate in _AT_LEAST else "at_most"
    return words(f"gate.{side}", limit=value_in_words(gate.gate, gate.limit, words))


def interval_in_words(gate: GateName, interval: Interval, unit: str | None, words: Words) -> str:
    """Level, both ends and n."""
    level = words.percent(100 * interval.level, 0)
    n = words.counted(f"unit.{unit}", interval.n)
    both = range_in_words(gate, interval.low, interval.high, words)
    return words("gate.interval", level=level, range=both, n=n)


def gate_rows(source: Source, words: Words) -> tuple[GateRow, ...]:
    """Every gate that was set."""
    verdict = source.comparison.verdict
    return tuple(_row(gate, gate.gate in verdict.decided_by, words) for gate in verdict.gates
                 ) if verdict else ()  # fmt: skip


def _row(gate: GateVerdict, deciding: bool, words: Words) -> GateRow:
    measured = NONE if gate.value is None else value_in_words(gate.gate, gate.value, words)
    if gate.value is not None and gate.interval is not None:
        measured += "\n" + interval_in_words(gate.gate, gate.interval, gate.unit, words)
    elif gate.value is not None and gate.gate == "memory":
        measured += "\n" + words("gate.exact")
    return GateRow(
        name=f"{words(f'gate.name.{gate.gate}')}\n{_what(gate, words)}",
        mark=mark(gate.verdict, words),
        measured=measured,
        limit=limit_in_words(gate, words),
        remark=remark(gate, words),
        deciding=deciding,
        picture=_picture(gate, words),
    )


def _what(gate: GateVerdict, words: Words) -> str:
    length = words.tokens(gate.context_tokens) if gate.context_tokens else NONE
    return words(f"gate.what.{gate.gate}", who=words(f"who.{gate.reference}"), length=length)


def remark(gate: GateVerdict, words: Words) -> str:
    """Why, on what condition, and what would settle it."""
    parts: list[str] = []
    if gate.reason not in _NUMBERS_SAY_IT:
        key = gate.reason
        if key == "worse_at":
            key = "larger_at" if gate.gate == "memory" else "slower_at"
        lengths = words.listed([words.count(n) for n in gate.at_tokens])
        length = words.tokens(gate.context_tokens or 0)
        parts.append(words(f"why.{key}", lengths=lengths, length=length))
    fewest = fewest_more(gate)
    if fewest is not None and gate.more is not None:
        most = words.counted(f"unit.more_{gate.unit}", gate.more)
        parts.append(words("why.more_range", low=words.count(fewest), n=most))
    elif fewest is not None:
        least = words.counted(f"unit.more_{gate.unit}", fewest)
        parts.append(words("why.more_at_least", n=least))
    elif gate.more is not None:
        parts.append(words("why.more", n=words.counted(f"unit.more_{gate.unit}", gate.more)))
    elif gate.reason == "crosses":
        parts.append(words("why.too_close"))
    if gate.more is not None and gate.unscored:
        parts.append(words.counted("why.unscored", gate.unscored))
    return words("list.sentence").join(parts)


def _picture(gate: GateVerdict, words: Words) -> Picture | None:
    if gate.value is None or not math.isfinite(gate.value):
        return None
    low, high = (gate.interval.low, gate.interval.high) if gate.interval else (gate.value,) * 2
    alt = words(
        "gate.picture",
        value=value_in_words(gate.gate, gate.value, words),
        range=range_in_words(gate.gate, low, high, words),
        limit=limit_in_words(gate, words),
    )
    return Picture(gate.value, low, high, gate.limit, gate.gate not in _AT_LEAST, alt)
