"""Greedy continuations: chosen prompts, text as the model's own generate writes it, ROUGE-L."""

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from engine.configs import KeptLayers
from engine.evidence.continuation import (
    Prompts,
    agreement,
    choose_prompts,
    continue_greedily,
    rouge_l,
    same_prefix,
)
from engine.methods import Hybrid
from engine.services.convert import convert
from tests.support.models import VOCABULARY, tiny_model


@dataclass(frozen=True)
class _Piece:
    ids: Tensor
    document: int


def _pieces(*sizes: tuple[int, int]) -> list[_Piece]:
    generator = torch.Generator().manual_seed(0)
    return [_Piece(torch.randint(VOCABULARY, (n,), generator=generator), d) for n, d in sizes]


def test_prompts_begin_one_piece_of_each_of_the_longest_documents():
    pieces = _pieces((80, 0), (70, 0), (40, 1), (60, 2), (39, 3))
    chosen = choose_prompts(pieces, context_tokens=512)
    assert chosen and chosen.documents == (0, 2, 1) and chosen.ids.shape == (3, 30)
    assert torch.equal(chosen.ids[1], pieces[3].ids[:30])
    assert choose_prompts(pieces, context_tokens=66).ids.shape == (3, 18)  # pyright: ignore
    assert choose_prompts(_pieces((20, 0)), context_tokens=512) is None


@pytest.mark.parametrize("converted", [False, True])
def test_the_text_is_what_generate_writes(converted):
    model = tiny_model("llama")
    if converted:
        convert(model, Hybrid(window=8), KeptLayers(every=4), seed=0)
    prompts = Prompts(torch.stack([p.ids for p in _pieces((30, 0), (30, 1))]), (0, 1), 10)
    rows = continue_greedily(model, prompts, frozenset())
    expected = model.generate(prompts.ids, max_new_tokens=10, do_sample=False, eos_token_id=None)
    assert rows == expected[:, 30:].tolist()
    end = rows[0][4]
    stopped = continue_greedily(model, prompts, frozenset([end]))
    assert stopped[0] == rows[0][: rows[0].index(end)]


def test_agreement_with_itself_is_whole_and_with_another_is_not():
    found = agreement([[1, 2, 3, 4], [5, 6]], [[1, 2, 9, 4], [5, 6]])
    assert found.same_prefix_tokens == (2, 2) and found.mean_prefix_tokens == 2
    assert found.rouge_l == (0.75, 1.0) and found.mean_rouge_l == 0.875


def test_rouge_l_by_hand():
    assert rouge_l([1, 2, 3, 4, 5], [1, 3, 5]) == pytest.approx(2 * 3 / 8)
    assert rouge_l([1, 2], [2, 1]) == 0.5
    assert (rouge_l([], []), rouge_l([1], []), rouge_l([1], [2])) == (1.0, 0.0, 0.0)
    assert same_prefix([1, 2, 3], [1, 2]) == 2 and same_prefix([], [1]) == 0
