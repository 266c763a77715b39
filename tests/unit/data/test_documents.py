"""Business records: reproducible, with ground truth that says exactly what the text says."""

from __future__ import annotations

from itertools import islice, pairwise
from typing import get_args

import pytest

from engine.data.documents import (
    BUNDLED_SEEDS,
    HELD_OUT_SEEDS,
    PROBE_SEEDS,
    TRAINING_SEEDS,
    Document,
    Language,
    business_document,
    business_documents,
)


@pytest.fixture(scope="module", params=get_args(Language))
def documents(request: pytest.FixtureRequest) -> list[Document]:
    return [business_document(seed, request.param, 4_000) for seed in range(30)]


def test_same_seed_gives_same_document_and_another_seed_another() -> None:
    assert business_document(7, "ja", 2_000) == business_document(7, "ja", 2_000)
    assert business_document(7, "en", 2_000) != business_document(8, "en", 2_000)


def test_a_stream_alternates_languages_and_can_be_entered_anywhere() -> None:
    stream = list(islice(business_documents(4), 4))
    assert [document.language for document in stream] == ["en", "ja", "en", "ja"]
    assert stream[2] == next(business_documents(6))
    assert {d.language for d in islice(business_documents(0, languages=["ja"]), 5)} == {"ja"}


@pytest.mark.parametrize("language", get_args(Language))
@pytest.mark.parametrize("characters", [300, 1_000, 5_000, 40_000])
def test_size_is_kept_to(language: Language, characters: int) -> None:
    for seed in range(5):
        text = business_document(seed, language, characters).text
        assert 0.6 * characters - 150 < len(text) <= characters


def test_too_small_a_size_is_refused() -> None:
    with pytest.raises(ValueError, match="300"):
        business_document(0, "en", 299)


def test_facts_are_whole_sentences_that_state_the_answer(documents: list[Document]) -> None:
    for document in documents:
        assert document.recalls
        stop = {"en": ".", "ja": "。"}[document.language]
        for recall in document.recalls:
            fact = document.text[recall.fact_start : recall.fact_end]
            answer = document.text[recall.answer_start : recall.answer_end]
            assert fact.endswith(answer + {"en": ".", "ja": "です。"}[document.language])
            before = document.text[: recall.fact_start].rstrip(" ")
            assert before.endswith((stop, "]", "】"))
            assert document.text[recall.answer_end] in (stop, "で")
            assert 0 < recall.fact_end <= recall.answer_start


def test_an_answer_occurs_first_in_its_fact(documents: list[Document]) -> None:
    for document in documents:
        for recall in document.recalls:
            answer = document.text[recall.answer_start : recall.answer_end]
            assert recall.fact_start < document.text.index(answer) < recall.fact_end


def test_a_question_has_one_answer_and_an_answer_one_fact(documents: list[Document]) -> None:
    for document in documents:
        answers: dict[tuple[int, int], str] = {}
        questions: dict[str, str] = {}
        for recall in document.recalls:
            answer = document.text[recall.answer_start : recall.answer_end]
            mark = {"en": ": ", "ja": "では"}[document.language]
            fact = document.text[recall.fact_start : recall.fact_end]
            asked = fact[: fact.rindex(mark + answer)].split(":")[-1]
            asked = asked.removeprefix("Please note that ").removeprefix("なお、").strip().lower()
            assert answers.setdefault((recall.fact_start, recall.fact_end), answer) == answer
            assert questions.setdefault(asked.removeprefix("the "), answer) == answer
        assert len(set(answers.values())) == len(answers)


def test_recalls_cover_every_kind_and_near_and_far(documents: list[Document]) -> None:
    recalls = [recall for document in documents for recall in document.recalls]
    assert {recall.kind for recall in recalls} == {"part_number", "reading", "site", "deadline"}
    distances = sorted(recall.answer_start - recall.fact_end for recall in recalls)
    assert distances[0] < 150
    assert distances[-1] > 3_000


def test_recalls_are_ordered_by_answer(documents: list[Document]) -> None:
    for document in documents:
        starts = [recall.answer_start for recall in document.recalls]
        assert starts == sorted(starts)


def test_reserved_seeds_do_not_overlap() -> None:
    ranges = [TRAINING_SEEDS, BUNDLED_SEEDS, HELD_OUT_SEEDS, PROBE_SEEDS]
    for earlier, later in pairwise(ranges):
        assert earlier.stop <= later.start
