"""A corpus to token sequences, split by document.

Each document is encoded exactly as its tokenizer does by default, and nothing is appended: an end
token that a model was never trained on would cost the original, untouched, about 25 nats for each
document and flatter whatever was fine-tuned on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from transformers import BatchEncoding, PreTrainedTokenizerBase

from engine.data.batches import Batch, Batches, Piece, batches
from engine.data.ingest import Corpus
from engine.data.split import split
from engine.errors import BadDataset

__all__ = ["Batch", "Batches", "Dataset", "Piece", "SplitCounts", "batches", "build_dataset"]

MIN_TRAIN_TOKENS = 3_000
MIN_SCORED_TOKENS = 128
"""Least tokens of the validation and of the held-out split."""
_UNREADABLE = 20
"""Characters for each token, above which a tokenizer drops what it has no word for: words of those
that know a writing have one to six."""

MIN_TAIL = 16
_ENCODE_AT_ONCE = 512
_PURPOSE = {"train": "train on", "validation": "validate on", "heldout": "compare on"}


@dataclass(frozen=True)
class SplitCounts:
    """What a split holds.

    Attributes:
        tokens: in its pieces.
        targets: tokens that are predicted: all but the first of each piece.
        target_bytes: UTF-8 bytes of the text the targets stand for (for bits per byte); None where
            the tokenizer has no word for some of it.
        unknown_tokens: tokens that stand for text the tokenizer has no word for.
    """

    documents: int
    pieces: int
    tokens: int
    targets: int
    target_bytes: int | None
    unknown_tokens: int


@dataclass(frozen=True, eq=False)
class Dataset:
    """Token sequences for training, validation and the final comparison.

    A document is in one split only. Its pieces follow each other without overlap.

    Attributes:
        counts: by split: "train", "validation", "heldout".
        near_duplicates: documents left out because their text, but for case and spaces,
            is another document's, whichever split it would have been in. Exact copies within the
            file were already dropped by ingestion (`Corpus.duplicates`).
        max_tokens: longest piece allowed.
    """

    train: tuple[Piece, ...]
    validation: tuple[Piece, ...]
    heldout: tuple[Piece, ...]
    counts: dict[str, SplitCounts]
    near_duplicates: int
    max_tokens: int


def build_dataset(
    corpus: Corpus, tokenizer: PreTrainedTokenizerBase, *, max_tokens: int, seed: int
) -> Dataset:
    """Encode and split a corpus.

    Documents longer than `max_tokens` are cut into pieces of that length; a last piece of fewer
    than 16 tokens is dropped. The split depends on the text and `seed` alone.

    Raises:
        BadDataset: a split would hold too few tokens; says how many were found and are needed.
    """
    parts = split(corpus.documents, seed)
    pieces: dict[str, tuple[Piece, ...]] = {}
    counts: dict[str, SplitCounts] = {}
    for name in ("train", "validation", "heldout"):
        indices: tuple[int, ...] = getattr(parts, name)
        pieces[name], counts[name] = _encode(corpus.documents, indices, tokenizer, max_tokens)
        needed = MIN_TRAIN_TOKENS if name == "train" else MIN_SCORED_TOKENS
        if counts[name].tokens < needed:
            characters = sum(len(corpus.documents[index]) for index in indices)
            if characters > _UNREADABLE * counts[name].tokens:
                raise BadDataset(
                    f"The model's tokenizer cannot read {corpus.name}: it makes"
                    f" {counts[name].tokens:,} tokens of {characters:,} characters.",
                    "Choose a model that knows this writing.",
                )
            raise BadDataset(
                f"{corpus.name} holds too little text: found {counts[name].tokens:,} tokens in "
                f"{len(indices):,} documents to {_PURPOSE[name]}, needed {needed:,}.",
                "Add more documents of the kind the model will see.",
            )
    return Dataset(
        train=pieces["train"],
        validation=pieces["validation"],
        heldout=pieces["heldout"],
        counts=counts,
        near_duplicates=parts.duplicates,
        max_tokens=max_tokens,
    )


def _encode(
    documents: Sequence[str],
    indices: Sequence[int],
    tokenizer: PreTrainedTokenizerBase,
    max_tokens: int,
) -> tuple[tuple[Piece, ...], SplitCounts]:
    pieces: list[Piece] = []
    used: set[int] = set()
    unknown, unknown_id = 0, tokenizer.unk_token_id
    if unknown_id in (tokenizer.bos_token_id, tokenizer.eos_token_id):
        unknown_id = None  # GPT-2 names one token for all three, and has a word for everything
    for start in range(0, len(indices), _ENCODE_AT_ONCE):
        chunk = indices[start : start + _ENCODE_AT_ONCE]
        texts = [documents[index] for index in chunk]
        encoded = tokenizer(texts, return_attention_mask=False, truncation=False, verbose=False)
        for row, (index, text) in enumerate(zip(chunk, texts, strict=True)):
            tokens = encoded["input_ids"][row]
            unknown += tokens.count(unknown_id)
            ids = torch.tensor(tokens, dtype=torch.long)
            for first, last in stretches(len(ids), max_tokens):
                lost = unknown_id in tokens[first:last]
                size = None if lost else _bytes_between(encoded, row, text, first, last)
                pieces.append(Piece(ids[first:last], index, first, size))
                used.add(index)
    total = sum(len(piece.ids) for piece in pieces)
    size = target_bytes(pieces)
    counts = SplitCounts(len(used), len(pieces), total, total - len(pieces), size, unknown)
    return tuple(pieces), counts


def target_bytes(pieces: Sequence[Piece]) -> int | None:
    """UTF-8 bytes of the text that the pieces' targets stand for; None where one does not know."""
    sizes = [piece.target_bytes for piece in pieces]
    return None if None in sizes else sum(size or 0 for size in sizes)


def stretches(length: int, max_tokens: int) -> list[tuple[int, int]]:
    """First and past-the-last offset of each piece of a document of `length` tokens; none where it
    is dropped."""
    cuts = [(first, min(first + max_tokens, length)) for first in range(0, length, max_tokens)]
    return [(a, b) for a, b in cuts if b - a >= (MIN_TAIL if a else 2)]


def _bytes_between(encoded: BatchEncoding, row: int, text: str, first: int, last: int) -> int:
    """UTF-8 bytes of the text after token `first` up to and with token `last - 1`.

    Tokens added by the tokenizer, such as a start token, have no text.
    """
    start, end = encoded.token_to_chars(row, first), encoded.token_to_chars(row, last - 1)
    if end is None:
        end = encoded.token_to_chars(row, last - 2)
    if end is None:
        return 0
    return len(text[start.end if start else 0 : end.end].encode("utf-8", "surrogatepass"))
