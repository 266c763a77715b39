"""The comparison's two answers to one prompt, held against each other token by token."""

from __future__ import annotations

from collections.abc import Sequence

from app import answers, apart, notes, readings, text_language
from app import components as ui
from app.answers import AnswerView
from app.components import Party
from app.numbers import number, size
from app.text import sentences, t, tn
from app.watching import legend
from engine.evidence.results import Answer, Comparison


def _answer(party: Party, answer: Answer, mine: Sequence[str], others: Sequence[str],
            lang: str) -> AnswerView:  # fmt: skip
    speed = "–"
    if answer.tokens_per_s is not None:
        speed = f"{number(answer.tokens_per_s)} {t('unit.tokens_per_s', lang)}"
    return AnswerView(
        party, t(f"party.{party}", lang), apart.spans(mine, others),
        (
            (t("answer.first_token", lang), f"{number(answer.first_token_ms)} ms"),
            (t("answer.speed", lang), speed),
            (t("answer.cache", lang), size(answer.cache_bytes)),
            (t("answer.attention", lang), notes.attention(answer.attention, lang)),
            (t("answer.weights", lang), ui.Short(answer.weights_sha256)),
        ),
    )  # fmt: skip


def two_answers(result: Comparison, lang: str) -> str:
    """The same long prompt, answered by both."""
    pair = result.answers
    title = tn("answer.prompt", lang, pair.prompt_tokens)
    if pair.prompt_tokens_dropped:
        title = sentences(lang, [title, tn("answer.dropped", lang, pair.prompt_tokens_dropped)])
    told = bool(pair.original.pieces and pair.converted.pieces)
    alike = pair.original.text == pair.converted.text
    theirs, mine = (
        [one.text] if alike else list(one.pieces) if told else apart.words(one.text)
        for one in (pair.original, pair.converted)
    )
    views = [
        _answer("original", pair.original, theirs, mine, lang),
        _answer("converted", pair.converted, mine, theirs, lang),
    ]
    note = "" if told else t("apart.by_word", lang)
    marks = None if alike else legend(lang, note)
    shown = pair.prompt_tail + pair.original.text + pair.converted.text
    language = text_language.foreign(shown, lang)
    return answers.answers(title, pair.prompt_tail, views, marks, language) + ui.reading(
        readings.answers(result, lang)
    )
