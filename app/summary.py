"""The headline figures as tiles: each with unit, judgement and the numbers behind it."""

from __future__ import annotations

from collections.abc import Sequence

from app import components as ui
from app import notes, readings, speed_reading
from app.components import Party, Tile, Tone
from app.numbers import count, number, percent, perplexity, size, times
from app.text import sentences, t
from engine.evidence.parts import ModelRecall, SpeedPair, SpeedPoint
from engine.evidence.results import Comparison
from engine.evidence.savings import cache_sizes, speed_ratios

_PARTIES: tuple[Party, ...] = ("original", "control", "converted", "swapped_untrained")


def _pair(party: Party, figure: str, lang: str) -> tuple[Party, str, str]:
    return (party, t(f"party.{party}", lang), figure)


def _quality(comparison: Comparison, lang: str) -> Tile:
    quality = comparison.quality
    pairs = [
        _pair(party, perplexity(scores.perplexity), lang)
        for party in _PARTIES
        if (scores := getattr(quality, party)) is not None
    ]
    verdict, look = _perplexity_verdict(comparison, lang)
    kept = [t(f"tile.perplexity.{p}_unhelped", lang) for p in readings.unhelped(comparison)]
    note = sentences(lang, [t("tile.perplexity.note", lang), *kept])
    return Tile(
        t("tile.perplexity.title", lang), perplexity(quality.converted.perplexity),
        t("unit.perplexity", lang), verdict, look, tuple(pairs), note,
        t("glossary.perplexity", lang),
    )  # fmt: skip


def _perplexity_verdict(comparison: Comparison, lang: str) -> tuple[str, Tone]:
    """Against the original and the control; the tone is the worse of the two."""
    quality = comparison.quality
    converted = quality.converted.perplexity
    if quality.guesses(quality.original):
        return t("tile.perplexity.guessing", lang), "open"
    clauses: list[str] = []
    looks: list[Tone] = []
    for party, scores in (("original", quality.original), ("control", quality.control)):
        if converted is None or scores is None or not scores.perplexity:
            continue
        ratio = converted / scores.perplexity
        look = readings.trend(ratio, higher_is_better=False)
        looks.append(look)
        change = percent(abs(ratio - 1), 1, lang=lang)
        clauses.append(t(f"tile.perplexity.{party}.{look}", lang, change=change))
    if not clauses:
        return t("tile.unknown", lang), "same"
    worst: Tone = "bad" if "bad" in looks else "same" if "same" in looks else "good"
    return t("tile.perplexity.join", lang).join(clauses), worst


def _agreement(comparison: Comparison, lang: str) -> Tile:
    quality = comparison.quality
    return Tile(
        t("tile.agreement.title", lang), percent(quality.top1_agreement, 1, lang=lang),
        note=t("tile.agreement.note", lang, kl=number(quality.kl, 2)),
        more=t("glossary.agreement", lang),
    )  # fmt: skip


def _share_recalled(scores: ModelRecall) -> float:
    """Over all distances together."""
    right, asked = scores.total
    return right / asked if asked else 0.0


def _recall(comparison: Comparison, lang: str) -> Tile:
    recall = comparison.recall
    title = t("tile.recall.title", lang)
    if recall.original is None or recall.converted is None or not recall.converted.by_distance:
        return Tile(
            title, "–", note=notes.told(recall.note, lang) or t("reading.recall.unknown", lang)
        )
    mine = _share_recalled(recall.converted)
    gap = _share_recalled(recall.original) - mine
    look: Tone = "same" if abs(gap) <= readings.SAME else ("bad" if gap > 0 else "good")
    said = [readings.recall(comparison, lang), notes.told(recall.note, lang)]
    if readings.original_fails(recall):
        look, said = "open", said[:1]  # the note says the same
    pairs = [
        _pair(party, percent(_share_recalled(scores), lang=lang), lang)
        for party in _PARTIES[:3]
        if (scores := getattr(recall, party)) is not None
    ]
    return Tile(
        title,
        percent(mine, lang=lang),
        "",
        t(f"tile.recall.{look}", lang),
        look,
        tuple(pairs),
        sentences(lang, said),
        t("glossary.recall", lang),
    )


def _memory(comparison: Comparison, lang: str) -> Tile:
    title = t("tile.memory.title", lang)
    found = cache_sizes(comparison.memory)
    if not found:
        return Tile(title, "–", note=t("reading.memory.unknown", lang))
    both = found[-1]
    look = readings.trend(both.ratio, higher_is_better=False)
    return Tile(
        title, size(both.converted), "",
        t(f"tile.memory.{look}", lang, ratio=times(max(both.ratio, 1 / both.ratio), lang=lang)),
        look,
        (
            _pair("original", size(both.original), lang),
            _pair("converted", size(both.converted), lang),
        ),
        t("tile.memory.note", lang, length=count(both.context_tokens)), t("glossary.memory", lang),
    )  # fmt: skip


def _speed(pair: SpeedPair, kind: str, lang: str) -> Tile:
    title = t(f"tile.{kind}.title", lang)
    ratios = speed_ratios(pair)
    if not ratios:
        return Tile(title, "–", note=t("reading.speed.unknown", lang))
    mine, theirs, ratio = _longest_trained(pair, ratios)
    look = speed_reading.look(mine, theirs)
    shown = ratio if look == "open" else max(ratio, 1 / ratio)
    note = t(f"tile.{kind}.note", lang, length=count(mine.context_tokens))
    if mine.beyond_trained_context:
        note = sentences(lang, [note, t("tile.speed.beyond", lang)])
    return Tile(
        title, number(mine.tokens_per_s), t("unit.tokens_per_s", lang),
        t(f"tile.speed.{look}", lang, ratio=times(shown, lang=lang)), look,
        (
            _pair("original", number(theirs.tokens_per_s), lang),
            _pair("converted", number(mine.tokens_per_s), lang),
        ),
        note, t(f"glossary.{kind}", lang),
    )  # fmt: skip


def _longest_trained(
    pair: SpeedPair, ratios: Sequence[tuple[int, float]]
) -> tuple[SpeedPoint, SpeedPoint, float]:
    """Both models' points and their ratio at the longest length that the model was trained for, as
    the acceptance gate has it; at the longest of all where none is."""
    mine = {point.context_tokens: point for point in pair.converted}
    theirs = {point.context_tokens: point for point in pair.original}
    trained = [one for one in ratios if not mine[one[0]].beyond_trained_context]
    length, ratio = (trained or ratios)[-1]
    return mine[length], theirs[length], ratio


def _decode(comparison: Comparison, lang: str) -> Tile:
    return _speed(comparison.speed.decode, "decode", lang)


def _prefill(comparison: Comparison, lang: str) -> Tile:
    return _speed(comparison.speed.prefill, "prefill", lang)


def tiles(comparison: Comparison, lang: str) -> str:
    """All headline figures as HTML."""
    makers = (_quality, _agreement, _recall, _memory, _decode, _prefill)
    return ui.tiles([make(comparison, lang) for make in makers])


def teaser(comparison: Comparison, lang: str) -> str:
    """The three figures of the landing page as HTML."""
    return ui.tiles([make(comparison, lang) for make in (_quality, _memory, _decode)])
