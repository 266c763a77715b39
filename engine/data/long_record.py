"""A long record that breaks off where a fact from its beginning is asked for: to try models on."""

from __future__ import annotations

from dataclasses import dataclass

from engine.data.documents import PROBE_SEEDS, Language, business_document

LEAST_CHARACTERS = 1_000
"""A shorter record may ask nothing."""
_SEED = PROBE_SEEDS.stop - 1
"""No model of ours was trained on it, and no probe asks it."""
_FROM_THE_END = 0.85
"""The text is cut at a question in the rest behind this share, so that it stays about as long."""


@dataclass(frozen=True)
class LongRecord:
    """A text for a model to go on with.

    Attributes:
        text: ends right before the answer.
        answer: what the text itself says.
        distance: characters between the statement of the fact and the end of the text.
    """

    text: str
    answer: str
    distance: int


def long_record(language: Language, characters: int) -> LongRecord:
    """A made-up record of at most so many characters, or of a thousand where that is less; the same
    one every time."""
    document = business_document(_SEED, language, max(LEAST_CHARACTERS, characters))
    late = [
        one for one in document.recalls if one.answer_start >= _FROM_THE_END * len(document.text)
    ] or list(document.recalls)
    far = max(late, key=lambda one: one.answer_start - one.fact_end)
    # No space at the end: tokenizers take it together with the word behind, so that a text which
    # ends in one is like nothing a model has read.
    text = document.text[: far.answer_start].rstrip()
    answer = document.text[far.answer_start : far.answer_end]
    return LongRecord(text, answer, len(text) - far.fact_end)
