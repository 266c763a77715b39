"""How wide texts are, and which tables fit on a phone."""

from __future__ import annotations

from collections.abc import Sequence

_ABREAST, _LETTERS_ABREAST = 4, 34
"""Columns, and letters of their cells, that have room beside one another on a phone."""


def letters(text: str) -> int:
    """How wide a text is; a Japanese letter is as wide as two others."""
    return sum(2 if ord(letter) > 0x2E7F else 1 for letter in text)


def fits_a_phone(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> bool:
    """Whether a table of numbers can be seen as one on a phone. The names of its rows, which come
    first, and of its columns may wrap; numbers may not, and each has a gap before it."""
    widest = (max((letters(str(cell)) for cell in column), default=0)
              for column in list(zip(*rows, strict=True))[1:])  # fmt: skip
    return len(columns) <= _ABREAST and sum(width + 1 for width in widest) <= _LETTERS_ABREAST
