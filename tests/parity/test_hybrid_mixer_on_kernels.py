"""The wired hybrid mixer: with the kernels it trains, prefills and decodes as with PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from engine.core import hybrid_mixer
from engine.core.geometry import HeadGeometry
from engine.methods import T2R, Hedgehog, Hybrid
from tests.support.hybrid import DEVICE

pytest.importorskip("triton")

HEAD = HeadGeometry(heads=4, kv_heads=2, head_dim=8)


@pytest.fixture(params=[Hybrid(window=16, sinks=4, far=T2R(feature_dim=8)),
                        Hybrid(window=8, sinks=0, far=Hedgehog(feature_dim=8))])  # fmt: skip
def mixer(request):
    torch.manual_seed(0)
    mixer = request.param.build(HEAD).to(DEVICE)
    mixer.log_gamma.data.normal_(std=0.3)
    return mixer


def heads(count: int, tokens: int) -> torch.Tensor:
    return torch.randn(2, count, tokens, 8, device=DEVICE, requires_grad=True)


@pytest.fixture
def inputs():
    torch.manual_seed(1)
    pad = torch.tensor([[0], [9]], device=DEVICE)
    return heads(4, 50), heads(2, 50), heads(2, 50), torch.arange(50, device=DEVICE) >= pad


def both(monkeypatch: pytest.MonkeyPatch, run: Callable[[], list[torch.Tensor]]) -> Any:
    """What `run` gives by PyTorch and by the kernels."""
    found = []
    for backend in ("pytorch", "triton"):
        monkeypatch.setattr(hybrid_mixer, "hybrid_backend", lambda *_, name=backend: name)
        found.append(run())
    return zip(*found, strict=True)


def test_training(monkeypatch, mixer, inputs):
    leaves = [*inputs[:3], *mixer.parameters()]

    def run():
        out = mixer(*inputs)
        return [out.detach(), *torch.autograd.grad(out.square().sum(), leaves)]

    for pytorch, kernels in both(monkeypatch, run):
        torch.testing.assert_close(kernels, pytorch, rtol=1e-3, atol=1e-4)


@torch.no_grad()
def test_prefill_in_two_pieces_with_decode_steps_between_and_after(monkeypatch, mixer, inputs):
    q, k, v, valid = inputs

    def steps(state, since, upto):
        return [mixer.step(*(x[:, :, t : t + 1] for x in (q, k, v)), state)
                for t in range(since, upto)]  # fmt: skip

    def run():
        state = mixer.init_state(2, DEVICE)
        outs = [mixer(q[:, :, :12], k[:, :, :12], v[:, :, :12], valid[:, :12], state)]
        outs += steps(state, 12, 15)
        outs += [mixer(q[:, :, 15:40], k[:, :, 15:40], v[:, :, 15:40], None, state)]
        outs += steps(state, 40, 43)
        return [*outs, state.far.S, state.far.z, state.k, state.v, state.visible, state.cursor]

    for pytorch, kernels in both(monkeypatch, run):
        torch.testing.assert_close(kernels, pytorch, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_a_decode_step_keeps_every_address(monkeypatch, mixer):
    """What a CUDA graph needs: the state changes in place, the cursor too."""
    monkeypatch.setattr(hybrid_mixer, "hybrid_backend", lambda *_: "triton")
    state = mixer.init_state(2, DEVICE)
    q, k, v = heads(4, 1), heads(2, 1), heads(2, 1)

    def addresses():
        tensors = (state.k, state.v, state.visible, state.seen, state.cursor)
        return [x.data_ptr() for x in (*tensors, state.far.S, state.far.z)]

    before = addresses()
    mixer.step(q, k, v, state)
    assert addresses() == before and (state.cursor == 1).all() and (state.seen == 1).all()
