"""Held-out text that also stands in the training text, whole or in part.

Exact copies never get this far (ingestion and the split drop them). What is left are near copies: a
second edition, a quoted mail, the same record with another number, the same lines in another order.
A model that has seen such text is not being tested by it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

SHINGLE = 50
"""Characters of a shingle: about nine English words. Phrases that all documents of a trade share
are mostly shorter; copied text is longer."""

LEAK_SHARE = 0.5
"""A held-out document of which at least this share of shingles, or of long lines, occurs in the
training text counts as leaked."""

_LONG_LINE = 30
_BASE = np.uint64(0x9E3779B97F4A7C15)  # odd, so that it has an inverse modulo 2**64
_INVERSE = np.uint64(pow(int(_BASE), -1, 2**64))


@dataclass(frozen=True)
class Leak:
    """One held-out document that the training text holds too.

    Attributes:
        document: its number in the corpus.
        share: the share (0-1) of its shingles, or of its long lines where that is more, that occur
            in the training text.
    """

    document: int
    share: float


def find_leaks(
    documents: Sequence[str], train: Iterable[int], heldout: Iterable[int]
) -> tuple[Leak, ...]:
    """The leaked ones among the held-out documents, worst first.

    Case, width and runs of spaces do not count. A shingle is any stretch of 50 characters; a long
    line has 30 or more, and finds documents whose lines were only shuffled.

    Args:
        documents: the corpus.
        train: numbers of the documents trained on.
        heldout: numbers of the documents held out.
    """
    wanted = {number: _normalised(documents[number]) for number in heldout}
    own = {number: _shingles(text) for number, text in wanted.items()}
    lines = {number: _long_lines(documents[number]) for number in wanted}
    all_own = np.unique(np.concatenate([np.empty(0, np.uint64), *own.values()]))
    all_lines = set().union(*lines.values())
    seen, seen_lines = np.zeros(len(all_own), dtype=bool), set[str]()
    if not len(all_own):
        return ()
    for number in train:
        theirs = _shingles(_normalised(documents[number]))
        at = np.searchsorted(all_own, theirs).clip(max=len(all_own) - 1)
        seen[at[all_own[at] == theirs]] = True
        seen_lines |= all_lines & _long_lines(documents[number])
    leaked = all_own[seen]
    shares = {
        number: max(
            float(np.isin(own[number], leaked).mean()) if len(own[number]) else 0.0,
            len(lines[number] & seen_lines) / len(lines[number]) if lines[number] else 0.0,
        )
        for number in wanted
    }
    worst = sorted(shares.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Leak(number, share) for number, share in worst if share >= LEAK_SHARE)


def _normalised(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _long_lines(text: str) -> set[str]:
    lines = (_normalised(line) for line in text.splitlines())
    return {line for line in lines if len(line) >= _LONG_LINE}


def _shingles(text: str) -> np.ndarray:
    """Hashes of all stretches of `SHINGLE` characters (one of a shorter text as a whole).

    A rolling hash: sum of c_j B^j over the stretch, modulo 2**64, with the power of its place
    divided out again, so that equal stretches are equal wherever they stand.
    """
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    if not len(codes):
        return np.empty(0, np.uint64)
    length = min(SHINGLE, len(codes))
    with np.errstate(over="ignore"):  # wrapping around is the modulus
        powers = np.cumprod(np.full(len(codes), _BASE))
        sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum((codes + np.uint64(1)) * powers)])
        back = np.cumprod(np.full(len(codes) - length + 1, _INVERSE))
        return (sums[length:] - sums[:-length]) * back
