"""The texts that the live comparison offers: one that fits into the model's limit, one far longer.

Both are made up and end in a question that they answer themselves, so that anyone sees which model
still knows. A run's own data is never filled in.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import get_args

from app import components as ui
from app.numbers import count
from app.text import DEFAULT_LANG, sentences, t, tn
from engine.data.documents import Language
from engine.data.lengths import token_lengths
from engine.data.long_record import LEAST_CHARACTERS, LongRecord, long_record
from engine.evidence.results import Comparison
from engine.models.catalogue import bundled_models
from engine.runs.live import ANSWER_TOKENS
from engine.runs.records import Run

LONG_CHARACTERS = 40_000
CHARACTERS_PER_TOKEN = {"en": 3.0, "ja": 1.0}
"""Cautious, for a model whose tokenizer is not here: a text by this fits rather than not."""
_SHORTER = 0.97


@dataclass(frozen=True)
class Offer:
    """A text for the box.

    Attributes:
        record: the text and what it asks.
        tokens: how many it has for the run's model; None where its tokenizer is not here.
        limit: tokens that the original is known to have been trained for; None where none is known.
    """

    record: LongRecord
    tokens: int | None
    limit: int | None

    @property
    def beyond(self) -> bool:
        """Whether it is known to be longer than what the original was trained for."""
        return self.tokens is not None and self.limit is not None and self.tokens > self.limit


def fitting(run: Run, result: Comparison, lang: str) -> Offer:
    """The longest record that the original can honestly be asked about."""
    limit = _limit(result)
    room = (limit or 2 * ANSWER_TOKENS) - ANSWER_TOKENS
    return _fitting(str(run.config.get("model", "")), limit, room, _language(lang))


def long(run: Run, result: Comparison, lang: str) -> Offer:
    """The record of tens of thousands of characters."""
    record = long_record(_language(lang), LONG_CHARACTERS)
    return Offer(record, _tokens(record.text, str(run.config.get("model", ""))), _limit(result))


@lru_cache(maxsize=8)
def _fitting(model: str, limit: int | None, room: int, language: Language) -> Offer:
    characters = min(LONG_CHARACTERS, round(room * CHARACTERS_PER_TOKEN[language]))
    draft = long_record(language, characters)
    tokens = _tokens(draft.text, model)
    if tokens is None:
        return Offer(draft, None, limit)
    characters = min(LONG_CHARACTERS, round(room * len(draft.text) / tokens))
    while True:
        record = long_record(language, characters)
        tokens = _tokens(record.text, model) or 0
        if tokens <= room or characters <= LEAST_CHARACTERS:
            return Offer(record, tokens, limit)
        characters = int(characters * _SHORTER)


def offered(run: Run, result: Comparison, text: str, lang: str) -> Offer | None:
    """The one of both that a text is; None for a text of the visitor's own."""
    both = (fitting(run, result, lang), long(run, result, lang))
    return next((one for one in both if one.record.text == text), None)


def _limit(result: Comparison) -> int | None:
    """The longest length measured that the original was trained for; it reads at least as much."""
    points = result.speed.decode.original
    return max((p.context_tokens for p in points if not p.beyond_trained_context), default=None)


def _tokens(text: str, model: str) -> int | None:
    known = next((one for one in bundled_models() if one.name == model), None)
    if known is None:
        return None
    return token_lengths([text], known.folder / "tokenizer.json")[0][0]


def _language(lang: str) -> Language:
    return next((one for one in get_args(Language) if one == lang), DEFAULT_LANG)


def told(offer: Offer, lang: str, *, whole: bool) -> str:
    """What was filled in, what it asks, and how it lies in the model's limit, as HTML.

    Args:
        offer: what was filled in.
        lang: of the page.
        whole: whether all of it is to be read, even beyond the limit.
    """
    record, tokens = offer.record, offer.tokens
    long = count(len(record.text))
    said = [
        t("watch.made_up", lang, characters=long)
        if tokens is None
        else t("watch.counted", lang, characters=long, tokens=tn("unit.tokens", lang, tokens)),
        t("watch.asks", lang, answer=record.answer, distance=count(record.distance)),
    ]
    if not offer.beyond:
        return ui.reading(sentences(lang, said))
    limit = tn("unit.tokens", lang, offer.limit or 0)
    return ui.reading(sentences(lang, said)) + ui.notice(
        "warn", t("watch.over", lang, limit=limit),
        t("watch.over_whole" if whole else "watch.over_cut", lang),
    )  # fmt: skip
