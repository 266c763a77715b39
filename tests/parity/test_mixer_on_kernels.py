"""The wired mixer: with the kernels it trains, prefills and decodes as with PyTorch."""

from __future__ import annotations

import copy

import pytest
import torch

from engine.core import linear_mixer
from engine.core.geometry import HeadGeometry
from engine.methods import T2R, Hedgehog, Rfa
from tests.support.kernels import DEVICE, assert_as_exact_as_pytorch

pytest.importorskip("triton")

HEAD = HeadGeometry(heads=4, kv_heads=2, head_dim=16)


@pytest.fixture(params=[T2R(feature_dim=8), Hedgehog(feature_dim=8), Rfa(feature_dim=8)])
def mixer(request):
    torch.manual_seed(0)
    return request.param.build(HEAD).to(DEVICE)


def heads(count: int, tokens: int) -> torch.Tensor:
    return torch.randn(2, count, tokens, 16, device=DEVICE, requires_grad=True)


@pytest.fixture
def inputs():
    torch.manual_seed(1)
    valid = torch.arange(50, device=DEVICE).expand(2, -1) >= torch.tensor([[0], [9]], device=DEVICE)
    return heads(4, 50), heads(2, 50), heads(2, 50), valid


def both(monkeypatch, run):
    """What `run` gives by PyTorch and by the kernels."""
    found = []
    for backend in ("pytorch", "triton"):
        monkeypatch.setattr(linear_mixer, "linear_backend", lambda *_, name=backend: name)
        found.append(run())
    return zip(*found, strict=True)


def test_training(monkeypatch, mixer, inputs):
    leaves = [*inputs[:3], *mixer.parameters()]

    def run():
        out = mixer(*inputs)
        dead = torch.tensor(mixer.dead_features() or 0.0)
        return out.detach(), dead, *torch.autograd.grad(out.square().sum(), leaves)

    for pytorch, kernels in both(monkeypatch, run):
        torch.testing.assert_close(kernels, pytorch, rtol=1e-3, atol=1e-4)


@torch.no_grad()
def test_prefill_and_decode(monkeypatch, mixer, inputs):
    """As far from float64 as PyTorch at most twice: random features have small denominators."""
    valid = inputs[3]

    def run(mixer=mixer, dtype=torch.float32):
        qkv = [x.to(dtype) for x in inputs[:3]]
        state = mixer.init_state(2, DEVICE)
        state.S, state.z = state.S.to(dtype), state.z.to(dtype)
        out = [mixer(*(x[:, :, :48] for x in qkv), valid[:, :48], state)]
        addresses = state.S.data_ptr(), state.z.data_ptr()
        out += [mixer.step(*(x[:, :, t : t + 1] for x in qkv), state) for t in (48, 49)]
        assert addresses == (state.S.data_ptr(), state.z.data_ptr())
        return torch.cat(out, 2), state.S, state.z

    truth = run(copy.deepcopy(mixer).double(), torch.float64)
    for true, (pytorch, kernels) in zip(truth, both(monkeypatch, run), strict=True):
        assert_as_exact_as_pytorch(kernels, true, pytorch, torch.float32)
