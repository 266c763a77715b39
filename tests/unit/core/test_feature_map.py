"""Each head's own linear map, however the sequences are laid out for it."""

from __future__ import annotations

import pytest
import torch

from engine.core.feature_map import per_head
from engine.core.geometry import HeadGeometry
from engine.methods import T2R, Hedgehog, Hybrid


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("batch, tokens", [(1, 1), (1, 9), (3, 1), (3, 4), (3, 40)])
def test_heads_of_a_group_share_a_map_in_every_layout(batch, tokens, bias, dtype):
    """Few rows of several sequences go side by side, many with a copy of W for each."""
    torch.manual_seed(0)
    x = torch.randn(batch, tokens, 6, 16, dtype=dtype).transpose(1, 2)  # as a model has it
    weight, start = torch.randn(2, 5, 16), torch.randn(2, 5)
    found = per_head(x, weight, start if bias else None)
    every = weight.to(dtype).repeat_interleave(3, 0)
    truth = torch.einsum("bhtd,hfd->bhtf", x, every)
    if bias:
        truth = truth + start.to(dtype).repeat_interleave(3, 0)[None, :, None]
    assert found.shape == (batch, 6, tokens, 5) and found.dtype == dtype
    torch.testing.assert_close(found, truth, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("tokens", [4, 40])
def test_gradients_reach_the_map_in_every_layout(tokens):
    torch.manual_seed(0)
    x = torch.randn(3, 6, tokens, 16, dtype=torch.float64)
    weight, start = (torch.randn(*s, dtype=torch.float64) for s in ((2, 5, 16), (2, 5)))
    for leaf in (x, weight, start):
        leaf.requires_grad_()
    assert torch.autograd.gradcheck(per_head, (x[:, :, :4], weight, start))
    alone = sum(
        torch.autograd.grad(per_head(one[None], weight, start).square().sum(), weight)[0]
        for one in x
    )
    whole = torch.autograd.grad(per_head(x, weight, start).square().sum(), weight)[0]
    torch.testing.assert_close(whole, alone)


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("method", [T2R, Hedgehog], ids=["t2r", "hedgehog"])
@pytest.mark.parametrize("hybrid", [False, True], ids=["alone", "far-field"])
@torch.no_grad()
def test_one_token_is_mapped_as_many_are_and_new_weights_are_seen(hybrid, method, batch):
    """What a decode step lays out holds for one state: the next one finds the new weights."""
    method = Hybrid(far=method(feature_dim=6)) if hybrid else method(feature_dim=6)
    mixer = method.build(HeadGeometry(heads=4, kv_heads=2, head_dim=5)).double()
    phi, x = mixer.feature_map, torch.randn(batch, 6, 1, 5, dtype=torch.double)
    q, k = x.split([4, 2], 1)
    before, _ = phi.one_token(q, k)
    for weight in phi.parameters():
        weight.normal_()
    mixer.init_state(batch, torch.device("cpu"))
    found = phi.one_token(q, k)
    for one, truth in zip(found, (phi.query(q), phi.key(k)), strict=True):
        torch.testing.assert_close(one, truth)
    assert not torch.equal(found[0], before)
