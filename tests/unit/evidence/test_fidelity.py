"""Attention maps side by side: equal where nothing changed, far where it did, models left as is."""

import math
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from engine.configs import KeptLayers
from engine.evidence.fidelity import fidelity
from engine.methods import T2R, Hybrid, Softmax
from engine.services.convert import convert
from tests.support.models import VOCABULARY, tiny_model


@dataclass(frozen=True)
class _Piece:
    ids: Tensor
    document: int
    start_token: int = 0


@pytest.fixture(scope="module")
def pieces() -> list[_Piece]:
    generator = torch.Generator().manual_seed(0)
    return [_Piece(torch.randint(VOCABULARY, (n,), generator=generator), n) for n in (40, 60, 10)]


ALL = KeptLayers()


def _pair(family: str, method, kept: KeptLayers = ALL):
    original, converted = tiny_model(family), tiny_model(family)
    convert(converted, method, kept, seed=0)
    return original, converted


@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_a_window_that_holds_the_whole_text_attends_as_the_original_does(family, pieces):
    found = fidelity(*_pair(family, Hybrid(window=64, sinks=1)), pieces)
    assert found and found.tokens == 40 - 16 + 60 - 16 and found.documents == 2
    for head in found.heads:
        assert head.divergence == pytest.approx(0, abs=1e-4)
        assert head.output_error == pytest.approx(0, abs=1e-6)
        assert head.entropy_converted == pytest.approx(head.entropy_original, abs=1e-3)
        assert head.look_back_converted == pytest.approx(head.look_back_original, rel=1e-3)
        assert head.sink_mass_converted == pytest.approx(head.sink_mass_original, abs=1e-3)


def test_an_untrained_swap_is_far_off_and_every_head_is_there(pieces):
    original, converted = _pair("llama", T2R(), KeptLayers(layers=(1,)))
    ids = pieces[0].ids[None]
    with torch.inference_mode():
        before = original(input_ids=ids).logits, converted(input_ids=ids).logits
    found = fidelity(original, converted, pieces)
    assert found
    heads = original.config.num_attention_heads
    assert [(h.layer, h.head) for h in found.heads] == [
        (n, h) for n in (0, 2, 3) for h in range(heads)
    ]
    assert sorted(found.drifting_layers) == [0, 2, 3]
    assert [state.layer for state in found.states] == [0, 2, 3]
    assert found.state_at_tokens == (15, 30, 45, 60)
    for state in found.states:
        assert state.norms and 0 < state.norms[0] and len(state.norms) == 4
        assert state.dead_features is not None and 0 <= state.dead_features < 1
    assert all(h.output_error and h.output_error > 1e-3 for h in found.heads)
    assert all(h.divergence and 1e-4 < h.divergence < math.log(2) for h in found.heads)
    errors = {
        n: sum(h.output_error or 0 for h in found.heads if h.layer == n) for n in (0, 2, 3)
    }  # fmt: skip
    assert list(found.drifting_layers) == sorted(errors, key=lambda n: -errors[n])
    with torch.inference_mode():
        assert torch.equal(original(input_ids=ids).logits, before[0])
        assert torch.equal(converted(input_ids=ids).logits, before[1])


def test_the_worst_heads_maps_come_with_the_passage_they_were_read_from(pieces):
    texts = [[f"{len(p.ids)}:{i}" for i in range(1, len(p.ids))] for p in pieces]
    found = fidelity(*_pair("llama", T2R()), pieces, texts=texts)
    assert found and found.maps
    maps = found.maps
    assert (maps.document, maps.from_token) == (60, 12)
    assert maps.tokens[0] == "60:12" and maps.tokens[-1] == "60:59" and len(maps.tokens) == 48
    worst = sorted(found.heads, key=lambda h: -(h.divergence or 0))[:3]
    assert [(h.layer, h.head) for h in maps.heads] == [(h.layer, h.head) for h in worst]
    far = maps.heads[0]
    assert far.original.passage != far.converted.passage
    assert sum(far.original.passage[-1]) + far.original.first[-1] + far.original.earlier[
        -1
    ] == pytest.approx(1, abs=1e-2)


def test_a_window_over_the_whole_text_has_the_originals_maps(pieces):
    found = fidelity(*_pair("llama", Hybrid(window=64, sinks=1)), pieces)
    assert found and found.maps and found.maps.tokens == ()
    for head in found.maps.heads:
        for mine, theirs in zip(head.converted.passage, head.original.passage, strict=True):
            assert mine == pytest.approx(theirs, abs=2e-3)


def test_a_family_with_a_window_of_its_own_gives_no_maps_that_are_not_its_own(pieces):
    original, converted = tiny_model("mistral"), tiny_model("mistral")
    for model in (original, converted):
        model.config.sliding_window = 8
    convert(converted, T2R(), KeptLayers(), seed=0)
    found = fidelity(original, converted, pieces)
    assert found and "outputs only" in found.note and found.maps is None
    assert all(h.divergence is None and h.output_error is not None for h in found.heads)


def test_nothing_to_compare_is_none(pieces):
    assert fidelity(*_pair("llama", Softmax()), pieces) is None
    assert fidelity(*_pair("llama", T2R()), pieces[2:]) is None
