"""Lengths of documents: what the tokenizer counts, and bins that hold every document once."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data import lengths
from engine.data.lengths import histogram, token_lengths
from engine.models.catalogue import DEFAULT_MODEL, bundled_models
from tests.support.data_files import ENGLISH, JAPANESE

TOKENIZER = next(m for m in bundled_models() if m.name == DEFAULT_MODEL).folder / "tokenizer.json"


def test_tokens_are_those_of_the_models_tokenizer() -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(TOKENIZER.parent)
    texts = [*ENGLISH[:5], *JAPANESE[:5]]
    counted = [len(ids) for ids in tokenizer(texts)["input_ids"]]
    assert token_lengths(texts, TOKENIZER) == (counted, False)


def test_of_a_large_file_a_sample_is_counted_and_the_rest_estimated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole, _ = token_lengths(JAPANESE, TOKENIZER)
    monkeypatch.setattr(lengths, "MOST_CHARACTERS", sum(map(len, JAPANESE)) // 3 + 1)
    some, estimated = token_lengths(JAPANESE, TOKENIZER)
    assert estimated and some[::3] == whole[::3]
    assert sum(some) == pytest.approx(sum(whole), rel=0.02)


@settings(deadline=None)
@given(st.lists(st.integers(0, 10**6), min_size=1), st.none() | st.integers(1, 10**5))
def test_every_document_is_in_one_bin(sizes: list[int], mark: int | None) -> None:
    bins = histogram(sizes, mark)
    assert sum(one.documents for one in bins) == len(sizes)
    assert all(a.end == b.start for a, b in zip(bins, bins[1:])) and len(bins) <= 26
    for one in bins:
        assert one.documents == sum(one.start <= size < one.end for size in sizes)
    if mark is not None and max(sizes) < mark <= 1.5 * max(sizes):
        assert bins[0].start <= mark and mark < bins[-1].end


def test_bins_suit_the_lengths() -> None:
    assert [one.end - one.start for one in histogram([100, 130, 190])] == [5] * 19
    doubling = histogram([10] * 50 + [20_000])
    assert (doubling[0].start, doubling[0].end, doubling[0].documents) == (0, 16, 50)
    assert all(one.end == 2 * one.start for one in doubling[1:])
