"""Texts in another language than the page are said to be, and others are not."""

from __future__ import annotations

import pytest

from app.pages import vote
from app.pages.sample import first_sample
from app.text import t
from app.text_language import foreign, written_in
from app.written import two_answers
from engine.evidence.votes import Choice

SAMPLE = first_sample()


@pytest.mark.parametrize(
    ("text", "found"),
    [("神戸工場のタービンの電流値は LV091 21.7A です。", "ja"),
     ("Work order 12: pump P-7.", "latin"), ("日本語 in English text of many words", "latin"),
     ("12.5 / 7", ""), ("", ""), ("Цена", "")],
)  # fmt: skip
def test_letters_tell_the_language(text: str, found: str) -> None:
    assert written_in(text) == found


@pytest.mark.parametrize(
    ("text", "lang", "said"),
    [("これは試験です。", "en", True), ("これは試験です。", "ja", False),
     ("A test.", "ja", True), ("A test.", "en", False), ("7", "ja", False)],
)  # fmt: skip
def test_only_another_language_than_the_pages_is_said(text: str, lang: str, said: bool) -> None:
    assert bool(foreign(text, lang)) is said


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_the_blind_vote_says_the_language_of_its_pair(lang: str) -> None:
    assert SAMPLE is not None
    tried: dict[int, Choice] = {}
    said: list[bool] = []
    other = t("written.ja" if lang == "en" else "written.latin", lang)
    while (shown := vote.values(SAMPLE.run.id, lang, tried))[1]:
        said.append(other in str(shown[0]))
        tried[int(str(shown[1]))] = "tie"
    assert set(said) == {True, False}, "the sample's pairs are in both languages"


def test_two_answers_say_their_language() -> None:
    assert SAMPLE is not None
    assert t("written.ja", "en") in two_answers(SAMPLE.comparison, "en")
    assert "ts-label" not in two_answers(SAMPLE.comparison, "ja")
