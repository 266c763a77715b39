"""The text of a piece's tokens adds up to the piece's text, and its class is that of the text."""

import torch

from engine.data.batches import Piece
from engine.data.token_text import target_texts, token_classes
from tests.support.models import tiny_tokenizer


def test_texts_add_up_across_pieces_and_inside_characters():
    tokenizer = tiny_tokenizer()
    documents = ["Pump 7 at 大阪.", "ポンプ"]
    ids = [torch.tensor(tokenizer(text)["input_ids"]) for text in documents]
    pieces = [
        Piece(ids[0][:6], 0, 0, None), Piece(ids[0][6:], 0, 6, None), Piece(ids[1], 1, 0, None)
    ]  # fmt: skip
    texts = target_texts(pieces, documents, tokenizer)
    assert texts and [len(x) for x in texts] == [len(p.ids) - 1 for p in pieces]
    assert ["".join(x) for x in texts] == ["ump 7", "at 大阪.", "ンプ"]  # first tokens aside
    assert token_classes(texts[1]) == [
        "latin", "latin", "punctuation_space", *["kana_kanji"] * 6, "punctuation_space"
    ]  # fmt: skip


def test_classes_go_by_digits_first_then_by_the_first_letter():
    texts = [" KD402", " pump", "ポンプ", "大", "、", " \n", "Привет", "7", "ｱ", "é"]
    assert token_classes(texts) == [
        "digits", "latin", "kana_kanji", "kana_kanji", "punctuation_space", "punctuation_space",
        "other_letters", "digits", "kana_kanji", "latin",
    ]  # fmt: skip
    assert token_classes(["", "a", ""]) == ["punctuation_space", "latin", "latin"]
