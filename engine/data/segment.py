"""Running text to documents.

The rule, for .txt and .md:

1. Separators the author put in are borders, whichever of these occurs first in the list and makes
   at least four documents: `<|endoftext|>`; form feeds; lines of nothing but three or more `-`,
   `=`, `*` or `_` after an empty line or the end of a sentence (else they underline a heading);
   lines that hold one title as in ` = Title = ` (Wikipedia dumps).
   The documents are then as long as they are.
2. Without such separators the text is one work (a novel, a play, a log). It is cut at the ends of
   paragraphs into documents of about 1/64 of the whole, but at least 2,000 and at most 16,000
   characters, so that long inputs stay long and there are enough of them to hold some out. A
   paragraph longer than that is cut at its lines, a line at its sentences, a sentence anywhere.

A table of fewer than four different texts is cut by rule 2 too, text by text: one long transcript
in a single row is a work, not too few documents.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

MIN_DOCUMENTS = 4
"""Fewest documents a data set can be split into: two to train, one to validate, one to hold out."""

_SHORTEST, _LONGEST, _SHARE = 2_000, 16_000, 64
_SEPARATORS = (
    re.compile(r"<\|endoftext\|>"),
    re.compile(r"\f"),
    re.compile(
        r"(?:\A|(?<=\n)[ \t]*\n|(?<=[.!?。！？…”\"」）)]\n))"
        r"[ \t]*(?:-{3,}|={3,}|\*{3,}|_{3,})[ \t]*(?=\n|\Z)"
    ),
    re.compile(r"^(?=[ ]?=[ ][^=\n]+[ ]=[ ]?$)", re.MULTILINE),
)
# Each keeps its ends with what comes before, so that the pieces add up to the text.
_CUTS = (
    re.compile(r"(?<=\n)[ \t]*\n+"),
    re.compile(r"\n"),
    re.compile(r"(?<=[.!?])\s+|(?<=[。！？])[」』）]*"),
)


def split_documents(text: str) -> tuple[list[str], bool]:
    """The documents of a text, none empty, and whether they end where the author ended them."""
    for separator in _SEPARATORS:
        documents = [d for part in separator.split(text) if (d := part.strip("\n \t\ufeff"))]
        if len(documents) >= MIN_DOCUMENTS:
            return documents, True
    return cut_by_length(text.replace("<|endoftext|>", "\n\n").replace("\f", "\n\n")), False


def cut_by_length(text: str) -> list[str]:
    """The documents of one work, by rule 2; none empty."""
    size = min(max(len(text) // _SHARE, _SHORTEST), _LONGEST)
    documents, parts, length = [], [], 0
    for unit in _units(text, size, _CUTS):
        if parts and length + len(unit) > size:
            documents.append("".join(parts))
            parts, length = [], 0
        parts.append(unit)
        length += len(unit)
    documents.append("".join(parts))
    return [d for document in documents if (d := document.strip("\n"))]


def _units(text: str, size: int, cuts: tuple[re.Pattern[str], ...]) -> Iterator[str]:
    """Pieces of at most `size` characters that add up to `text`, cut as coarsely as possible."""
    if len(text) <= size:
        if text:
            yield text
    elif not cuts:
        for start in range(0, len(text), size):
            yield text[start : start + size]
    else:
        start = 0
        for cut in cuts[0].finditer(text):
            yield from _units(text[start : cut.end()], size, cuts[1:])
            start = cut.end()
        yield from _units(text[start:], size, cuts[1:])
