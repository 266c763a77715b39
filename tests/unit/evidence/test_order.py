"""Shuffled text costs a model that reads order, and nothing one that does not."""

import random
from types import SimpleNamespace

import torch
from torch import nn

from engine.data.batches import Piece
from engine.evidence.order import order_worth, shuffled
from tests.support.models import VOCABULARY, tiny_model, tiny_tokenizer


def test_whole_lines_or_sentences_are_shuffled_and_the_cut_one_is_left_out():
    rng = random.Random(0)
    plain, mixed = shuffled("a b\nc\n\nd\ne\nf\ncut off he", rng)  # pyright: ignore
    assert plain == "a b\nc\nd\ne\nf" != mixed
    assert sorted(mixed.split("\n")) == ["a b", "c", "d", "e", "f"]
    plain, mixed = shuffled("One. Two! Three? Four. Five. Si", rng)  # pyright: ignore
    assert plain == "One. Two! Three? Four. Five." and plain != mixed
    plain, mixed = shuffled("一。二。三。四。五。六", rng)  # pyright: ignore
    assert plain == "一。二。三。四。五。" and sorted(mixed) == sorted(plain)
    assert shuffled("One. Two. Three. Four.", rng) is None


class _Counting(nn.Module):
    """Expects each line's letter to follow the one before; blind to everything else."""

    device = torch.device("cpu")
    config = SimpleNamespace(get_text_config=lambda: SimpleNamespace(vocab_size=VOCABULARY))

    def forward(self, input_ids, use_cache):
        tokenizer = tiny_tokenizer()
        newline = tokenizer("\n")["input_ids"][0]
        logits = torch.zeros(*input_ids.shape, VOCABULARY)
        last = input_ids.roll(1, 1)
        after = (input_ids == newline).nonzero()
        for row, column in after.tolist():
            logits[row, column, last[row, column] + 1] = 5.0
        return SimpleNamespace(logits=logits)


def _pieces(lines: list[str], count: int) -> list[Piece]:
    tokenizer = tiny_tokenizer()
    ids = torch.tensor(tokenizer("\n".join(lines))["input_ids"])
    return [Piece(ids, number, 0, None) for number in range(count)]


def test_order_is_worth_something_to_a_model_that_reads_it():
    pieces = _pieces(list("abcdefghijklmnop"), 6)
    found = order_worth(_Counting(), tiny_tokenizer(), pieces, seed=0)  # pyright: ignore
    assert found and found.n == 6 and found.low > 0.5


def test_order_is_worth_nothing_in_lines_that_are_all_alike():
    pieces = _pieces(["pump"] * 12, 5)
    found = order_worth(tiny_model("llama"), tiny_tokenizer(), pieces, seed=0)
    assert found and found.estimate == 0.0 and found.low <= 0
    assert order_worth(tiny_model("llama"), tiny_tokenizer(), pieces[:1], seed=0) is None
