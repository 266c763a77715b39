"""The passage's maps: every token's weights add up, and they are the models' own."""

from __future__ import annotations

import pytest
import torch

from engine.evidence.attention_maps import Kept, attention_maps, passage_start
from engine.evidence.fidelity_parts import HeadFidelity, MapSide

HEADS, TOKENS = 2, 60


def _maps(seed: int) -> torch.Tensor:
    """Causal random maps [H, T, T]."""
    scores = torch.randn(HEADS, TOKENS, TOKENS, generator=torch.Generator().manual_seed(seed))
    seen = torch.ones(TOKENS, TOKENS, dtype=torch.bool).tril()
    return scores.masked_fill(~seen, -torch.inf).softmax(-1)


def _head(layer: int, head: int, divergence: float | None) -> HeadFidelity:
    names = [name for name in HeadFidelity.model_fields if name not in ("layer", "head")]
    return HeadFidelity(
        layer=layer, head=head, **{**dict.fromkeys(names, 0.5), "divergence": divergence}
    )


def _totals(side: MapSide) -> list[float]:
    return [a + b + sum(c) for a, b, c in zip(side.first, side.earlier, side.passage, strict=True)]


@pytest.fixture
def kept() -> Kept:
    made = Kept(passage_start(TOKENS))
    for layer in (0, 2):
        made.add(layer, _maps(layer), _maps(10 + layer))
    return made


def test_the_worst_heads_are_kept_with_all_their_weight(kept: Kept) -> None:
    heads = [_head(0, 0, 0.1), _head(0, 1, 0.4), _head(2, 0, 0.3), _head(2, 1, 0.2)]
    texts = [f"t{i}" for i in range(1, TOKENS)]
    found = attention_maps(kept, heads, document=7, texts=texts)
    assert found and (found.document, found.from_token) == (7, 12)
    assert found.tokens == tuple(f"t{i}" for i in range(12, 60))
    assert [(h.layer, h.head) for h in found.heads] == [(0, 1), (2, 0), (2, 1)]
    sides = [s for h in found.heads for s in (h.original, h.converted)]
    for side in (*sides, found.mean_original, found.mean_converted):
        assert [len(row) for row in side.passage] == list(range(1, 49))
        assert _totals(side) == pytest.approx([1.0] * 48, abs=48 * 5e-5)
    row = _maps(0)[1][17].tolist()
    assert found.heads[0].original.first[5] == pytest.approx(sum(row[:4]), abs=1e-4)
    assert found.heads[0].original.earlier[5] == pytest.approx(sum(row[4:12]), abs=1e-4)
    assert found.heads[0].original.passage[5][2] == pytest.approx(row[14], abs=1e-4)
    mean = torch.cat([_maps(10), _maps(12)]).mean(0)
    assert found.mean_converted.passage[47][0] == pytest.approx(mean[59, 12].item(), abs=1e-4)


def test_a_short_text_leaves_one_token_before_the_passage() -> None:
    assert passage_start(20) == 1
    made = Kept(1)
    made.add(0, _maps(0)[:, :20, :20], _maps(1)[:, :20, :20])
    found = attention_maps(made, [_head(0, 0, 0.1)], document=0, texts=None)
    assert found and found.tokens == () and len(found.mean_original.passage) == 19
    assert found.mean_original.earlier == (0.0,) * 19


def test_maps_that_are_not_the_familys_own_or_no_numbers_are_not_kept(kept: Kept) -> None:
    assert attention_maps(kept, [_head(0, 0, None)], document=0, texts=None) is None
    only = attention_maps(kept, [_head(0, 0, None), _head(2, 1, 0.2)], document=0, texts=None)
    assert only and [(h.layer, h.head) for h in only.heads] == [(2, 1)]
    kept.layers[2][1][0, 0, 0] = float("nan")
    assert attention_maps(kept, [_head(2, 1, 0.2)], document=0, texts=None) is None
