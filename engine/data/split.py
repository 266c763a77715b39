"""Which documents train, validate and are held out; no document is in two splits.

Decided by the text alone, so that the same file is split alike for every model.
"""

from __future__ import annotations

import hashlib
import random
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

HELDOUT_SHARE, VALIDATION_SHARE = 0.10, 0.05
MAX_HELDOUT_BYTES, MAX_VALIDATION_BYTES = 2 * 2**20, 2**18
_MOST = 2.0


@dataclass(frozen=True)
class Split:
    """Indices of documents, ascending, and how many were left out as another one's duplicate."""

    train: tuple[int, ...]
    validation: tuple[int, ...]
    heldout: tuple[int, ...]
    duplicates: int


def split(documents: Sequence[str], seed: int) -> Split:
    """Hold out about 10 % and validate on about 5 % of the UTF-8 bytes (at most 2 MiB, 256 KiB).

    Documents that differ only in case, spaces or character width count as one, of which the first
    is kept: so no held-out text occurs in training. Needs at least three different documents.
    """
    first: dict[bytes, int] = {}
    for index, document in enumerate(documents):
        first.setdefault(_fingerprint(document), index)
    sizes = {index: len(documents[index].encode("utf-8")) for index in first.values()}
    order = list(sizes)
    random.Random(f"split-{seed}").shuffle(order)
    total = sum(sizes.values())
    heldout = _take(order, sizes, min(HELDOUT_SHARE * total, MAX_HELDOUT_BYTES))
    rest = [index for index in order if index not in heldout]
    validation = _take(rest, sizes, min(VALIDATION_SHARE * total, MAX_VALIDATION_BYTES))
    return Split(
        train=tuple(sorted(set(rest) - validation)),
        validation=tuple(sorted(validation)),
        heldout=tuple(sorted(heldout)),
        duplicates=len(documents) - len(first),
    )


def _take(order: Sequence[int], sizes: dict[int, int], goal: float) -> set[int]:
    """Documents in this order until `goal` bytes are reached, passing over those that would make
    it more than twice that; the smallest document where none is small enough. At most half of
    them, because beside one giant document all others may be less than the goal.
    """
    taken: set[int] = set()
    size = 0
    for index in order:
        if size >= goal or 2 * len(taken) >= len(order):
            break
        if size + sizes[index] <= _MOST * goal:
            taken.add(index)
            size += sizes[index]
    return taken or {min(order, key=lambda index: (sizes[index], index))}


def _fingerprint(document: str) -> bytes:
    text = " ".join(unicodedata.normalize("NFKC", document).casefold().split())
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
