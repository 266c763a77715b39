"""How long the documents are, for a picture of the data: no torch, no model, only its tokenizer."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

MOST_CHARACTERS = 2_000_000
"""Text that is really tokenized; of more, evenly spread documents are, and the rest follows from
their tokens per character."""

_MOST_BINS = 24
_WIDEST = 30
_NEAR = 1.5
_AT_ONCE = 512


@dataclass(frozen=True)
class Bin:
    """Documents of at least `start` and less than `end` tokens or characters."""

    start: int
    end: int
    documents: int


def token_lengths(documents: Sequence[str], tokenizer_file: Path) -> tuple[list[int], bool]:
    """Tokens of each document, and whether some are estimated.

    Args:
        documents: their texts.
        tokenizer_file: a model's tokenizer.json.
    """
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    total = sum(map(len, documents))
    stride = max(1, -(-total // MOST_CHARACTERS))
    chosen = range(0, len(documents), stride)
    counted: dict[int, int] = {}
    for first in range(0, len(chosen), _AT_ONCE):
        some = chosen[first : first + _AT_ONCE]
        encoded = tokenizer.encode_batch_fast([documents[index] for index in some])
        counted |= {index: len(one.ids) for index, one in zip(some, encoded, strict=True)}
    seen = sum(len(documents[index]) for index in chosen)
    share = sum(counted.values()) / seen if seen else 0.0
    lengths = [counted.get(i, round(share * len(text))) for i, text in enumerate(documents)]
    return lengths, stride > 1


def histogram(lengths: Sequence[int], mark: int | None = None) -> tuple[Bin, ...]:
    """Bins of one round width; where a few documents are far longer than most, each bin ends at
    twice its start.

    Args:
        lengths: of all documents.
        mark: a length that the bins shall reach if it is not far beyond the longest document.
    """
    shortest, longest, middle = min(lengths), max(lengths), max(1, median(lengths))
    if mark is not None and longest < mark <= _NEAR * longest:
        longest = mark
    if longest > _WIDEST * middle:
        edges = [0, 16]
        while edges[-1] <= longest:
            edges.append(2 * edges[-1])
    else:
        width = _round_up(max(1, -(-(longest - shortest + 1) // _MOST_BINS)))
        edges = list(range(shortest // width * width, longest + width + 1, width))
    counts = [0] * (len(edges) - 1)
    for length in lengths:
        counts[bisect_right(edges, length) - 1] += 1
    bins = [Bin(a, b, n) for a, b, n in zip(edges, edges[1:], counts) if a <= longest]
    while not bins[0].documents:
        bins.pop(0)
    return tuple(bins)


def _round_up(width: int) -> int:
    """The next of 1, 2, 5, 10, 20, 50..."""
    step = 1
    while True:
        for factor in (1, 2, 5):
            if factor * step >= width:
                return factor * step
        step *= 10
