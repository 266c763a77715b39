"""The three headline numbers, each with its interval, its unit and its gate."""

from __future__ import annotations

import math

from engine.evidence.judging import additional_nats
from engine.evidence.parts import ModelQuality
from engine.evidence.savings import (
    CacheSizes,
    cache_sizes,
    speed_interval,
    speed_ratio,
    timing_unit,
)
from engine.evidence.stats import Interval, paired_ratio
from engine.evidence.verdict import FEWEST, GateName, Unit
from engine.report.judgement import interval_in_words, limit_in_words, mark, value_in_words
from engine.report.model import Figure
from engine.report.source import Source
from engine.report.words import NONE, Words

_LARGEST_LOG = 700.0  # exp(710) overflows


def figures(source: Source, words: Words) -> tuple[Figure, ...]:
    """Quality, memory, and the one that decided against the conversion, so that no verdict stands
    above figures that do not show it; else cost where prices were given, else speed."""
    verdict = source.comparison.verdict
    against = verdict.decided_by if verdict and verdict.verdict != "go" else ()
    last = None
    if "recall" in against:
        last = _recall(source, words)
    if last is None and "speed" not in against:
        last = _cost(source, words)
    return (_quality(source, words), _memory(source, words), last or _speed(source, words))


def _figure(
    name: GateName, source: Source, words: Words, *, title: str, value: str, meaning: str,
    interval: str, number: float | None,
) -> Figure:  # fmt: skip
    gate = source.gate(name)
    if gate is None:
        target = words("figure.no_gate")
    else:
        target = words("figure.gate", limit=limit_in_words(gate, words))
    return Figure(
        title=words(title), value=value, meaning=meaning, interval=interval, target=target,
        mark=mark(gate.verdict, words) if gate else None, number=number,
    )  # fmt: skip


def quality_change(source: Source) -> tuple[str, float | None, Interval | None]:
    """Whose perplexity the converted model's is held against, the change in %, its interval."""
    quality, gate = source.comparison.quality, source.gate("quality")
    if gate is not None and gate.value is not None:
        return gate.reference, gate.value, gate.interval
    party = "control" if quality.control else "original"
    reference: ModelQuality = quality.control or quality.original
    mine, theirs = quality.converted.perplexity, reference.perplexity
    if mine is None or theirs is None or guessing_party(source):
        return party, None, None
    pairs = additional_nats(quality.converted, reference)
    if len(pairs) < FEWEST["documents"]:
        return party, 100 * (mine / theirs - 1), None
    logs = paired_ratio([loss for loss, _ in pairs], [tokens for _, tokens in pairs])
    change = logs.mapped(lambda log: 100 * math.expm1(min(log, _LARGEST_LOG)))
    return party, change.estimate, change


def guessing_party(source: Source) -> str | None:
    """The model that does no better than guessing on the held-out text, so that nothing can be
    held against it: the original, or else the control; None where both can read it."""
    quality = source.comparison.quality
    if quality.guesses(quality.original):
        return "original"
    return "control" if quality.control and quality.guesses(quality.control) else None


def _quality(source: Source, words: Words) -> Figure:
    party, value, interval = quality_change(source)
    said = words("figure.no_interval")
    if interval is not None:
        said = interval_in_words("quality", interval, "documents", words)
    documents = source.comparison.quality.converted.documents
    return _figure(
        "quality", source, words, title="figure.quality.title",
        value=words.percent(value, 2, sign=True),
        meaning=words("figure.quality.meaning", who=words(f"who.{party}"),
                      n=words.counted("unit.unseen_documents", documents)),
        interval=said, number=value,
    )  # fmt: skip


def _recall(source: Source, words: Words) -> Figure | None:
    """Facts lost; None where its gate has no number."""
    gate = source.gate("recall")
    if gate is None or gate.value is None:
        return None
    said = words("figure.no_interval")
    if gate.interval is not None:
        said = interval_in_words("recall", gate.interval, gate.unit, words)
    return _figure(
        "recall", source, words, title="figure.recall.title",
        value=value_in_words("recall", gate.value, words), number=gate.value,
        meaning=words("figure.recall.meaning"), interval=said,
    )  # fmt: skip


def caches(source: Source) -> CacheSizes | None:
    """Both caches at the headline length."""
    sizes = cache_sizes(source.comparison.memory)
    return next((both for both in sizes if both.context_tokens == source.length), None)


def _memory(source: Source, words: Words) -> Figure:
    found = caches(source)
    length = words.tokens(source.length or 0)
    meaning = words("figure.memory.unknown", length=length)
    if found:
        meaning = words("figure.memory.meaning", length=length,
                        converted=words.size(found.converted),
                        original=words.size(found.original))  # fmt: skip
    return _figure(
        "memory", source, words, title="figure.memory.title",
        value=words.times(found.ratio) if found else NONE, meaning=meaning,
        interval=words("gate.exact") if found else NONE, number=found.ratio if found else None,
    )  # fmt: skip


def decode_ratio(source: Source) -> tuple[float | None, Interval | None, Unit]:
    """Decode speed converted / original at the headline length, with its interval and what that
    counts; of runs with too few repeats, or none stored, only the ratio."""
    pair = source.comparison.speed.decode
    for mine, theirs in zip(pair.converted, pair.original):
        if mine.context_tokens == source.length and mine.tokens_per_s and theirs.tokens_per_s:
            interval = speed_interval(mine, theirs)
            ratio = interval.estimate if interval else speed_ratio(mine, theirs)
            return ratio, interval, timing_unit(mine.starts)
    return None, None, "repeats"


def _speed(source: Source, words: Words) -> Figure:
    ratio, interval, unit = decode_ratio(source)
    length = words.tokens(source.length or 0)
    said = words("figure.no_interval")
    if interval is not None:
        said = interval_in_words("speed", interval, unit, words)
    pair = source.comparison.speed.decode
    meaning = words("figure.speed.unknown", length=length)
    if ratio is not None:
        speeds = {
            party: words.number(point.tokens_per_s, 1)
            for party in ("original", "converted")
            for point in getattr(pair, party)
            if point.context_tokens == source.length
        }
        meaning = words("figure.speed.meaning", length=length, **speeds)
    return _figure(
        "speed", source, words, title="figure.speed.title", value=words.times(ratio),
        meaning=meaning, interval=said, number=ratio,
    )  # fmt: skip


def _cost(source: Source, words: Words) -> Figure | None:
    """Cost of 1,000 documents; None without prices or where a model misses the latency limit."""
    cases = {case.case: case for case in source.money.cases} if source.money else {}
    served = [cases[name].converted.cost_per_1000_documents for name in ("high", "base", "low")
              ] if cases else [None]  # fmt: skip
    if source.money is None or any(amount is None for amount in served):
        return None
    currency, base = source.money.inputs.currency, cases["base"]
    least, value, most = (words.money(amount, currency) for amount in served)
    return _figure(
        "cost", source, words, title="figure.cost.title", value=value,
        meaning=words("figure.cost.meaning", original=words.money(
            base.original.cost_per_1000_documents, currency)),
        interval=words("figure.cost.same") if least == most else words(
            "figure.cost.range", low=least, high=most),
        number=base.converted.cost_per_1000_documents,
    )  # fmt: skip
