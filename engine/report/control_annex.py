"""The annex of controls: the same recipe with one thing left out or exchanged."""

from __future__ import annotations

from engine.evidence.control_parts import QUESTION, ControlResult, worth
from engine.evidence.parts import ModelRecall
from engine.evidence.stats import Interval
from engine.report.model import Section, Table
from engine.report.source import Source
from engine.report.words import NONE, Words


def controls(source: Source, words: Words) -> Section | None:
    """The controls beside the converted model, where some were trained on request."""
    found = source.controls.controls
    if not found:
        return None
    comparison = source.comparison
    rows = [
        (words("party.converted"), NONE, words.perplexity(comparison.quality.converted.perplexity),
         _facts(comparison.recall.converted, words), NONE, NONE, NONE),
        *(_row(one, words) for one in found),
    ]  # fmt: skip
    columns = ("model", "steps", "perplexity", "facts", "lost_nats", "interval", "lost_facts")
    method = comparison.conversion.method
    return Section(
        title=words("annex.controls"),
        paragraphs=(words("annex.controls_how"), *(_said(one, method, words) for one in found)),
        tables=(Table(words("table.controls"), tuple(words(f"column.{c}") for c in columns),
                      tuple(rows)),),
    )  # fmt: skip


def _row(control: ControlResult, words: Words) -> tuple[str, ...]:
    lost = control.lost_facts
    return (
        words(f"control.name.{control.name}"), words.count(control.steps),
        words.perplexity(control.quality.perplexity), _facts(control.recall, words),
        words.number(control.lost_nats, 4, sign=True), _range(control.lost_interval, words),
        NONE if lost is None else words.points(100 * lost.estimate),
    )  # fmt: skip


def _facts(recall: ModelRecall | None, words: Words) -> str:
    return NONE if recall is None else words.fraction(*recall.total)


def _range(interval: Interval | None, words: Words) -> str:
    if interval is None:
        return NONE
    low, high = (words.number(end, 4, sign=True) for end in (interval.low, interval.high))
    return words("unit.range", low=low, high=high)


def _said(control: ControlResult, method: str, words: Words) -> str:
    name = words(f"control.name.{control.name}")
    if control.lost_nats is None:
        return words("control.reading.unknown", control=name)
    said = words(
        f"control.reading.{QUESTION[control.name]}.{worth(control)}",
        nats=words.number(abs(control.lost_nats), 4), method=method, rival=control.method,
    )  # fmt: skip
    interval = control.lost_interval
    if interval is None:
        return said
    basis = words.counted("unit.documents", interval.n)
    return words("control.basis", said=said, range=_range(interval, words), basis=basis)
