"""The text behind each token of a piece: which kind it is, and how many bytes it stands for."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Literal, get_args

from transformers import PreTrainedTokenizerBase

from engine.data.batches import Piece

TokenClass = Literal["digits", "latin", "kana_kanji", "other_letters", "punctuation_space"]
TOKEN_CLASSES: tuple[TokenClass, ...] = get_args(TokenClass)

_EAST_ASIAN = ("CJK", "HIRAGANA", "KATAKANA", "IDEOGRAPHIC", "HALFWIDTH KATAKANA")


def target_texts(
    pieces: Sequence[Piece], documents: Sequence[str], tokenizer: PreTrainedTokenizerBase
) -> list[list[str]] | None:
    """For each piece, the text that each scored token (all but its first) adds to the one before.

    A character that several tokens make up together is the first one's; the others add "". None
    where the tokenizer does not tell which characters a token stands for.

    Args:
        pieces: as `build_dataset` cut them.
        documents: of the whole corpus.
        tokenizer: the one the pieces were encoded with.
    """
    if not tokenizer.is_fast:
        return None
    texts: list[list[str]] = []
    spans: list[tuple[int, int]] = []
    present = -1
    for piece in pieces:
        text = documents[piece.document]
        if piece.document != present:
            encoded = tokenizer(text, return_offsets_mapping=True, truncation=False, verbose=False)
            spans, present = encoded["offset_mapping"], piece.document
        mine = spans[piece.start_token : piece.start_token + len(piece.ids)]
        end, added = mine[0][1], []
        for _, stop in mine[1:]:
            added.append(text[end:stop])
            end = max(end, stop)
        texts.append(added)
    return texts


def token_classes(texts: Sequence[str]) -> list[TokenClass]:
    """The class of each token of a piece by the text it adds: digits if it has one, else the script
    of its first letter, else punctuation and space. A token that only finishes a character is of
    that character's class."""
    classes: list[TokenClass] = []
    for text in texts:
        classes.append(_class(text) if text or not classes else classes[-1])
    return classes


def _class(text: str) -> TokenClass:
    if any(character.isdigit() for character in text):
        return "digits"
    letter = next((character for character in text if character.isalpha()), None)
    if letter is None:
        return "punctuation_space"
    name = unicodedata.name(letter, "")
    if name.startswith(_EAST_ASIAN):
        return "kana_kanji"
    return "latin" if "LATIN" in name else "other_letters"
