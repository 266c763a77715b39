"""Where two answers part: token by token, and which one is the first."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

from app.answers import Look, Span

_WORD = re.compile(r"[A-Za-z0-9_]+|\s+|.", re.DOTALL)


def words(text: str) -> list[str]:
    """A text in pieces where its tokens are not known: Latin words and numbers, runs of spaces, and
    every other character by itself."""
    return _WORD.findall(text)


def spans(ours: Sequence[str], theirs: Sequence[str], *, ended: bool = True) -> tuple[Span, ...]:
    """Each piece of our answer: shared with the other answer, missing there, or the first one at
    which they part.

    Args:
        ours, theirs: both answers in pieces.
        ended: the other answer is whole; before that, what goes beyond it parts from nothing.
    """
    if not ended and list(ours[: len(theirs)]) == list(theirs):
        return tuple((piece, "same") for piece in ours)
    first = first_difference(ours, theirs)
    same = set(range(first))
    # Only behind the first difference: the longest shared stretch may lie anywhere.
    rest = SequenceMatcher(None, ours[first:], theirs[first:], autojunk=False)
    for block in rest.get_matching_blocks():
        same |= set(range(first + block.a, first + block.a + block.size))
    looks: list[Look] = ["same" if i in same else "differs" for i in range(len(ours))]
    # Half a character has no text of its own to mark; the piece that completes it has.
    while first < len(ours) and not ours[first]:
        first += 1
    if first < len(ours):
        looks[first] = "first"
    return tuple(zip(ours, looks, strict=True))


def first_difference(ours: Sequence[str], theirs: Sequence[str]) -> int:
    """How many pieces are alike from the start."""
    both = zip(ours, theirs, strict=False)
    shorter = min(len(ours), len(theirs))
    return next((i for i, (a, b) in enumerate(both) if a != b), shorter)
