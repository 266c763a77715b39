"""One honest sentence per chart, made from the numbers alone: it says "worse" when it is worse."""

from __future__ import annotations

from collections.abc import Sequence

from app import notes, numbers
from app.components import Party, Tone
from app.numbers import count, percent, size, times
from app.text import sentences, t, tn
from engine.evidence.exact_match import begins_with
from engine.evidence.parts import Recall
from engine.evidence.results import Comparison, FinetuningEnd
from engine.evidence.savings import cache_sizes, larger_peaks, peaks
from engine.evidence.selection import judged_questions

SAME = 0.02
"""Ratios within 2 % of one are called "about the same": repeats differ by as much."""


def trend(ratio: float, *, higher_is_better: bool) -> Tone:
    """What a ratio converted / original means for the converted model."""
    if abs(ratio - 1) <= SAME:
        return "same"
    return "good" if (ratio > 1) == higher_is_better else "bad"


def perplexity(comparison: Comparison, lang: str) -> str:
    """Converted against original and control over all held-out tokens, and where it is worst."""
    quality = comparison.quality
    converted, original = quality.converted.perplexity, quality.original.perplexity
    if converted is None or original is None:
        return t("reading.perplexity.unknown", lang)
    if quality.guesses(quality.original):
        return t(
            "reading.perplexity.guessing", lang, converted=numbers.perplexity(converted),
            original=numbers.perplexity(original), vocabulary=count(quality.vocabulary),
        )  # fmt: skip
    look = trend(converted / original, higher_is_better=False)
    change = percent(abs(converted / original - 1), 1, lang=lang)
    sentence = t(
        f"reading.perplexity.{look}", lang,
        converted=numbers.perplexity(converted), original=numbers.perplexity(original),
        change=change,
    )  # fmt: skip
    kept = [t(f"reading.perplexity.{party}_unhelped", lang) for party in unhelped(comparison)]
    control = quality.control.perplexity if quality.control else None
    if control is None:
        return sentences(lang, [sentence, t("reading.perplexity.no_control", lang), *kept])
    look = trend(converted / control, higher_is_better=False)
    against = t(
        f"reading.perplexity.control.{look}", lang, control=numbers.perplexity(control),
        change=percent(abs(converted / control - 1), 1, lang=lang),
    )  # fmt: skip
    return sentences(lang, [sentence, against, *kept])


def unhelped(comparison: Comparison) -> list[Party]:
    """The models that kept step 0 of their fine-tuning: no reading was lower than before it."""
    ends = comparison.finetuning
    found: list[tuple[Party, FinetuningEnd | None]] = []
    if ends is not None:
        found = [("control", ends.control), ("converted", ends.converted)]
    return [party for party, end in found if end is not None and end.kept_step == 0]


def by_position(comparison: Comparison, lang: str) -> str:
    """Where along the context the converted model loses most against the original; nothing where
    the original only guesses, since `perplexity` says that there is nothing to read then."""
    quality = comparison.quality
    if quality.guesses(quality.original):
        return ""
    pairs = [
        (mine.perplexity / theirs.perplexity, mine)
        for mine, theirs in zip(
            quality.converted.perplexity_by_position,
            quality.original.perplexity_by_position,
            strict=False,
        )
        if mine.perplexity is not None and theirs.perplexity
    ]
    if not pairs:
        return t("reading.position.unknown", lang)
    ratio, worst = max(pairs, key=lambda pair: pair[0])
    look = "worse" if trend(ratio, higher_is_better=False) == "bad" else "level"
    return t(
        f"reading.position.{look}", lang,
        start=count(worst.from_token), end=count(worst.to_token),
        change=percent(ratio - 1, 1, lang=lang),
    )  # fmt: skip


def crossover(comparison: Comparison, kind: str, lang: str) -> str:
    """Up to which length the converted model is worse; kind: "decode", "prefill" or "cache"."""
    return "".join(
        t(f"reading.crossover.{kind}", lang, tokens=count(found.tokens),
          worse=count(max(found.worse)), better=count(min(found.better)))
        for found in comparison.crossovers if found.kind == kind and found.tokens
    )  # fmt: skip


def listed(items: Sequence[str], lang: str) -> str:
    """Items in a sentence: "512, 1,024 and 2,048"."""
    first = t("reading.list.join", lang).join(items[:-1])
    return t("reading.list.last", lang, first=first, last=items[-1]) if first else "".join(items)


def memory(comparison: Comparison, lang: str) -> str:
    """Cache against state at the longest measured length, and whether the state is constant."""
    found = cache_sizes(comparison.memory)
    if not found:
        return t("reading.memory.unknown", lang)
    first, last = found[0], found[-1]
    look = trend(last.ratio, higher_is_better=False)
    sentence = t(
        f"reading.memory.{look}", lang, length=count(last.context_tokens),
        original=size(last.original), converted=size(last.converted),
        ratio=times(max(last.ratio, 1 / last.ratio), lang=lang),
    )  # fmt: skip
    if first.converted == last.converted:
        growth = t("reading.memory.constant", lang)
    else:
        growth = tn(
            "reading.memory.grows", lang, len(comparison.conversion.layers_kept),
            first=size(first.converted), length=count(first.context_tokens),
        )  # fmt: skip
    return sentences(lang, [sentence, growth])


def peak(comparison: Comparison, lang: str) -> str:
    """Where the converted model needs more at its peak, which the bytes it keeps do not show."""
    higher = larger_peaks(comparison.memory)
    if not higher:
        return ""
    last = higher[-1]
    key = "always" if len(higher) == len(peaks(comparison.memory)) else "at"
    lengths = listed([count(one.context_tokens) for one in higher], lang)
    return t(
        f"reading.memory.peak.{key}", lang, lengths=lengths, length=count(last.context_tokens),
        converted=size(last.converted), original=size(last.original),
    )  # fmt: skip


def original_fails(recall: Recall) -> bool:
    """Whether the original itself fails the questions, which then say nothing of the conversion."""
    if recall.questions:
        return not judged_questions(recall.questions)
    return recall.original is not None and not recall.original.total[0]


def recall(comparison: Comparison, lang: str) -> str:
    """Where the converted model misses most facts, or why there is nothing to read."""
    result = comparison.recall
    if result.original is None or result.converted is None:
        return notes.told(result.note, lang) or t("reading.recall.unknown", lang)
    pairs = list(zip(result.converted.by_distance, result.original.by_distance, strict=False))
    if not pairs:
        return notes.told(result.note, lang) or t("reading.recall.unknown", lang)
    if original_fails(result):
        return t("verdict.why.original_fails", lang)
    mine, theirs = max(pairs, key=lambda pair: pair[1].accuracy - pair[0].accuracy)
    kept = theirs.accuracy - mine.accuracy <= SAME
    if kept:
        mine, theirs = pairs[-1]
    figures = {
        "distance": count(mine.distance_tokens),
        "converted": percent(mine.accuracy, lang=lang),
        "original": percent(theirs.accuracy, lang=lang),
    }
    lost = tn("reading.recall.lost", lang, mine.n, **figures)
    return t("reading.recall.kept", lang, **figures) if kept else lost


def answers(comparison: Comparison, lang: str) -> str:
    """How far both answers agree, and whether they give the known fact."""
    pair = comparison.answers
    if pair.original.text == pair.converted.text:
        shared = t("reading.answers.same", lang)
    elif pair.same_prefix_tokens == 0:
        shared = t("reading.answers.apart", lang)
    else:
        shared = tn("reading.answers.differ", lang, pair.same_prefix_tokens)
    if pair.expected is None:
        return shared
    found = right_or_wrong(pair.expected, pair.original.text, pair.converted.text, lang)
    return sentences(lang, [shared, found])


def right_or_wrong(expected: str, original: str, converted: str, lang: str) -> str:
    """What the document says, and which of both answers begins with it."""
    found = [
        t("reading.answers.right" if begins_with(answer.lstrip(), expected)
          else "reading.answers.wrong", lang, party=t(f"party.{party}", lang))
        for party, answer in (("original", original), ("converted", converted))
    ]  # fmt: skip
    return sentences(lang, [t("reading.answers.expected", lang, text=expected), *found])
