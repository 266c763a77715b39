"""Splits that share nothing, pieces that add up, batches that can be asked for by step."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data.batches import IGNORED
from engine.data.dataset import Batch, Dataset, Piece, batches, build_dataset, target_bytes
from engine.data.ingest import Corpus
from engine.errors import BadDataset
from tests.support.models import tiny_tokenizer

TOKENIZER = tiny_tokenizer()


def corpus(documents: list[str]) -> Corpus:
    return Corpus(
        documents=tuple(documents),
        name="a.jsonl",
        sha256="0" * 64,
        encoding="UTF-8",
        format="jsonl",
        text_column="text",
        duplicates=0,
        bytes=sum(map(len, documents)),
        notes=(),
    )


def numbered(count: int = 60, repeats: int = 8) -> list[str]:
    return [
        f"Report {n}: pump ポンプ {n * 31} inspected. " * (1 + n % repeats) for n in range(count)
    ]


def built(documents: list[str], *, max_tokens: int = 100, seed: int = 0) -> Dataset:
    return build_dataset(corpus(documents), TOKENIZER, max_tokens=max_tokens, seed=seed)


def of(dataset: Dataset) -> dict[str, tuple[Piece, ...]]:
    return {
        "train": dataset.train,
        "validation": dataset.validation,
        "heldout": dataset.heldout,
    }


# --- the split ---


def test_no_document_is_in_two_splits() -> None:
    splits = [{piece.document for piece in pieces} for pieces in of(built(numbered())).values()]
    assert sum(map(len, splits)) == len(set().union(*splits)) == 60


def test_shares_are_about_ten_and_five_percent() -> None:
    counts = built(numbered(200)).counts
    total = sum(count.tokens for count in counts.values())
    assert 0.10 <= counts["heldout"].tokens / total <= 0.20
    assert 0.05 <= counts["validation"].tokens / total <= 0.10


def test_texts_that_differ_in_case_width_or_spaces_count_once() -> None:
    documents = numbered()
    twins = [documents[3].upper(), documents[5].replace(" ", "\n  "), documents[7] + "\n"]
    dataset = built(documents + twins)
    assert dataset.near_duplicates == 3
    used = {piece.document for pieces in of(dataset).values() for piece in pieces}
    assert used == set(range(60))


def test_one_giant_document_stays_in_training() -> None:
    documents = [*numbered(30), "word and word. " * 1_500]
    for seed in range(4):
        assert 30 in {piece.document for piece in built(documents, seed=seed).train}


def test_split_depends_on_the_seed_and_on_nothing_else() -> None:
    first, again, other = (built(numbered(), seed=seed) for seed in (1, 1, 2))
    assert first.counts == again.counts
    assert [p.document for p in first.heldout] == [p.document for p in again.heldout]
    assert [p.document for p in first.heldout] != [p.document for p in other.heldout]
    longer = built(numbered(), seed=1, max_tokens=400)
    assert {p.document for p in first.heldout} == {p.document for p in longer.heldout}


def test_four_documents_are_enough() -> None:
    counts = built([f"{n} " * 1_500 for n in range(4)]).counts
    assert [counts[name].documents for name in ("train", "validation", "heldout")] == [2, 1, 1]


@pytest.mark.parametrize(
    ("documents", "purpose"),
    [
        (["one two three", "four five", "six", "seven"], "train on"),
        ([*(f"note {n}" for n in range(3)), "word " * 2_000], "validate on"),
    ],
)
def test_too_few_tokens_says_found_and_needed(documents: list[str], purpose: str) -> None:
    with pytest.raises(BadDataset) as caught:
        built(documents)
    for word in (purpose, "found", "needed"):
        assert word in caught.value.message


# --- the pieces ---


def test_pieces_are_stretches_of_their_documents() -> None:
    documents = numbered()
    dataset = built(documents)
    for piece in (piece for pieces in of(dataset).values() for piece in pieces):
        whole = TOKENIZER(documents[piece.document]).input_ids
        end = piece.start_token + len(piece.ids)
        assert piece.ids.tolist() == whole[piece.start_token : end]
        assert 2 <= len(piece.ids) <= 100
        assert piece.start_token % 100 == 0
        assert end == len(whole) or len(piece.ids) == 100 or len(whole) - end < 16


def test_counts_agree_with_the_pieces() -> None:
    documents = numbered()
    dataset = built(documents)
    for name, pieces in of(dataset).items():
        counts = dataset.counts[name]
        assert counts.pieces == len(pieces)
        assert counts.documents == len({piece.document for piece in pieces})
        assert counts.tokens == sum(len(piece.ids) for piece in pieces)
        assert counts.targets == counts.tokens - counts.pieces
        # One token is one byte here; at a cut within a character up to 2 bytes may be missed.
        assert abs(counts.target_bytes - counts.targets) <= 2 * counts.pieces
        assert target_bytes(pieces) == counts.target_bytes


def test_bytes_are_unknown_where_the_tokenizer_has_no_word() -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.unk_token = "o"  # as good as any
    pieces = of(build_dataset(corpus(numbered()), tokenizer, max_tokens=100, seed=0))["train"]
    known = [piece.target_bytes is not None for piece in pieces]
    unknown = tokenizer.unk_token_id
    assert known == [unknown not in piece.ids.tolist() for piece in pieces] and not all(known)
    assert target_bytes(pieces) is None
    tokenizer.eos_token = "o"  # one token for both, as in GPT-2, stands for known text
    pieces = of(build_dataset(corpus(numbered()), tokenizer, max_tokens=100, seed=0))["train"]
    assert target_bytes(pieces)


def test_a_start_token_stays_and_has_no_bytes() -> None:
    from tokenizers.processors import TemplateProcessing

    tokenizer = tiny_tokenizer()
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="<bos> $A", special_tokens=[("<bos>", 1)]
    )
    documents = [f"Report {n}: pump {n * 31} inspected. " * 4 for n in range(60)]
    dataset = build_dataset(corpus(documents), tokenizer, max_tokens=512, seed=0)
    assert all(piece.ids[0] == 1 for piece in dataset.train)
    assert dataset.counts["heldout"].target_bytes == dataset.counts["heldout"].targets


# --- the batches ---


def pieces_of(lengths: list[int]) -> list[Piece]:
    return [Piece(torch.full((n,), i), i, 0, n - 1) for i, n in enumerate(lengths)]


def rows(step: list[Batch]) -> list[int]:
    """Which pieces a step holds: `pieces_of` makes each of its own number."""
    return [int(row[0]) for batch in step for row in batch.input_ids]


LENGTHS = st.lists(st.integers(2, 300), min_size=1, max_size=40)


@settings(max_examples=30, deadline=None)
@given(LENGTHS, st.integers(16, 600), st.integers(1, 8), st.integers(0, 3), st.integers(0, 2))
def test_every_piece_comes_once_an_epoch_whatever_the_accumulation(
    lengths: list[int], budget: int, accumulation: int, seed: int, epoch: int
) -> None:
    pieces = pieces_of(lengths)
    whole = batches(pieces, tokens_per_step=budget, accumulation=1, seed=seed)
    parts = batches(pieces, tokens_per_step=budget, accumulation=accumulation, seed=seed)
    assert parts.steps_per_epoch == whole.steps_per_epoch
    seen: Counter[int] = Counter()
    for step in range(epoch * whole.steps_per_epoch, (epoch + 1) * whole.steps_per_epoch):
        (big,), small = whole(step), parts(step)
        assert rows(small) == rows([big])
        assert 1 <= len(small) <= accumulation
        assert {batch.step_targets for batch in small} == {big.step_targets}
        assert big.step_targets == int((big.labels[:, 1:] != IGNORED).sum())
        assert len(big.labels) == 1 or big.labels.numel() <= 1.25 * budget
        seen.update(rows(small))
    assert seen == Counter(range(len(lengths)))


def test_padding_is_on_the_right_and_has_no_label() -> None:
    pieces = pieces_of([40, 33, 38])
    (batch,) = batches(pieces, tokens_per_step=1_000, accumulation=1, seed=0)(0)
    assert batch.input_ids.shape == batch.labels.shape == (3, 40)
    for row, length in enumerate([40, 38, 33]):
        assert torch.equal(batch.labels[row, :length], batch.input_ids[row, :length])
        assert (batch.labels[row, length:] == IGNORED).all()


def test_steps_can_be_asked_for_in_any_order() -> None:
    pieces = pieces_of([10 + n % 90 for n in range(200)])
    one = batches(pieces, tokens_per_step=512, accumulation=2, seed=3)
    two = batches(pieces, tokens_per_step=512, accumulation=2, seed=3)
    last = 3 * one.steps_per_epoch
    forward = [rows(one(step)) for step in range(last)]
    assert [rows(two(step)) for step in reversed(range(last))] == forward[::-1]


def test_order_changes_with_epoch_and_seed() -> None:
    pieces = pieces_of([50] * 200)
    plan = batches(pieces, tokens_per_step=500, accumulation=1, seed=0)
    other = batches(pieces, tokens_per_step=500, accumulation=1, seed=1)
    assert rows(plan(0)) != rows(plan(plan.steps_per_epoch)) != rows(other(0))
    assert len(rows(plan(0))) == 9


def test_little_padding_and_full_steps_on_mixed_lengths() -> None:
    pieces = pieces_of([8 + (n * n) % 505 for n in range(1_000)])
    plan = batches(pieces, tokens_per_step=4_096, accumulation=1, seed=0)
    steps = [plan(step)[0].labels for step in range(plan.steps_per_epoch)]
    cells = sum(labels.numel() for labels in steps)
    assert sum(int((labels == IGNORED).sum()) for labels in steps) < 0.06 * cells
    assert cells / len(steps) > 0.85 * 4_096


def test_no_pieces_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="no pieces"):
        batches([], tokens_per_step=64, accumulation=1, seed=0)
