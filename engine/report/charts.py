"""A comparison's curves as chart data, each with its reading in one honest sentence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.evidence.memory_parts import Memory
from engine.evidence.parts import SpeedPair
from engine.evidence.savings import Side, cache_sizes, speed_ratios, speed_sides
from engine.report.model import Chart, Party, Series
from engine.report.source import Source
from engine.report.words import Words

_THREE: tuple[Party, ...] = ("original", "control", "converted")
_TWO: tuple[Party, ...] = ("original", "converted")
_SIDES: tuple[Side, ...] = ("slower", "open", "same", "faster")


def _series(party: Party, words: Words, y: Sequence[float | None], **more: Any) -> Series:
    return Series(party=party, name=words(f"party.{party}"), y=tuple(y), **more)


def memory(source: Source, words: Words) -> Chart | None:
    """Exact cache by context length, in MiB. Linear axes, so that growth shows as it is."""
    parts = source.comparison.memory
    if not parts.original:
        return None
    series = [
        _series(
            party,
            words,
            [None if p.cache_bytes is None else p.cache_bytes / 2**20 for p in points],
            out_of_memory=tuple(p.cache_bytes is None for p in points),
        )
        for party in _TWO
        for points in (getattr(parts, party),)
    ]
    return Chart(
        title=words("chart.memory"),
        reading=_memory_reading(parts, words),
        x_label=words("axis.context"), y_label=words("axis.memory"),
        x=tuple(p.context_tokens for p in parts.original), series=tuple(series),
    )  # fmt: skip


def _memory_reading(memory: Memory, words: Words) -> str:
    found = cache_sizes(memory)
    if not found:
        return words("reading.unknown")
    short, last = found[0], found[-1]
    grows = "flat" if last.converted == short.converted else "grows"
    return words(
        f"reading.memory.{grows}", length=words.tokens(last.context_tokens),
        converted=words.size(last.converted), original=words.size(last.original),
        ratio=words.times(last.ratio),
    )  # fmt: skip


def speed(source: Source, words: Words, phase: str) -> Chart | None:
    """Tokens per second by context length: medians, and the range from p10 to p90."""
    pair: SpeedPair = getattr(source.comparison.speed, phase)
    if not pair.original:
        return None
    series = [
        _series(
            party,
            words,
            [p.tokens_per_s for p in points],
            low=tuple(p.p10 for p in points),
            high=tuple(p.p90 for p in points),
            out_of_memory=tuple(p.out_of_memory for p in points),
        )
        for party in _TWO
        for points in (getattr(pair, party),)
    ]
    within = [p.context_tokens for p in pair.original if not p.beyond_trained_context]
    beyond = len(within) < len(pair.original)
    return Chart(
        title=words(f"chart.{phase}"), reading=_speed_reading(pair, words),
        x_label=words("axis.context"), y_label=words("axis.speed"),
        x=tuple(p.context_tokens for p in pair.original), series=tuple(series), log_x=True,
        x_limit=max(within) if within and beyond else None,
        x_limit_label=words("chart.timing_only") if within and beyond else "",
    )  # fmt: skip


def _speed_reading(pair: SpeedPair, words: Words) -> str:
    sides = speed_sides(pair)
    if not sides:
        return words("reading.unknown")
    ratios = [ratio for _, ratio in speed_ratios(pair)]
    said = []
    for name in _SIDES:
        found = [tokens for tokens, side in sides if side == name]
        if len(found) == len(sides):
            low, high = words.times(min(ratios)), words.times(max(ratios))
            return words(f"reading.speed.always_{name}", low=low, high=high)
        if found:
            lengths = words.listed([words.count(tokens) for tokens in found])
            said.append(words(f"reading.speed.{name}", lengths=lengths))
    return words("list.sentence").join(said)


def by_position(source: Source, words: Words) -> Chart | None:
    """Perplexity of held-out tokens by the context they had."""
    quality = source.comparison.quality
    bins = quality.original.perplexity_by_position
    if not bins:
        return None
    series = [
        _series(party, words, [b.perplexity for b in scores.perplexity_by_position])
        for party in _THREE
        if (scores := getattr(quality, party)) is not None
    ]
    losses = [
        (mine.perplexity / theirs.perplexity - 1, mine)
        for mine, theirs in zip(quality.converted.perplexity_by_position, bins)
        if mine.perplexity and theirs.perplexity
    ]
    reading = words("reading.unknown")
    if losses:
        loss, worst = max(losses, key=lambda one: one[0])
        reading = words(
            "reading.position.worse" if loss > 0 else "reading.position.nowhere",
            start=words.count(worst.from_token), end=words.count(worst.to_token - 1),
            change=words.percent(100 * loss, 2, sign=True),
        )  # fmt: skip
    return Chart(
        title=words("chart.position"), reading=reading, x_label=words("axis.position"),
        y_label=words("axis.perplexity"), x=tuple(b.to_token for b in bins),
        series=tuple(series), from_zero=False,
    )  # fmt: skip


def recalled(source: Source, party: Party) -> tuple[int, int]:
    """Questions answered, and asked, over all distances."""
    scores = getattr(source.comparison.recall, party)
    return scores.total if scores else (0, 0)


def recall(source: Source, words: Words) -> Chart | None:
    """Facts recalled by distance, in percent."""
    found = source.comparison.recall
    if found.original is None or found.converted is None or not found.original.by_distance:
        return None
    series = [
        _series(party, words, [100 * p.accuracy for p in scores.by_distance])
        for party in _THREE
        if (scores := getattr(found, party)) is not None
    ]
    (mine, n), (theirs, _) = recalled(source, "converted"), recalled(source, "original")
    reading = words("reading.recall", n=words.counted("unit.asked", n),
                    converted=words.count(mine), original=words.count(theirs))  # fmt: skip
    return Chart(
        title=words("chart.recall"), reading=reading, x_label=words("axis.distance"),
        y_label=words("axis.recall"), series=tuple(series), log_x=True, y_most=100,
        x=tuple(p.distance_tokens for p in found.original.by_distance),
    )  # fmt: skip
