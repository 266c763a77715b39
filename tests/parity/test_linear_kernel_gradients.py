"""Gradients of the fused Triton kernels against those of the quadratic form in float64."""

from __future__ import annotations

import pytest
import torch

from engine.core.geometry import HeadGeometry
from engine.kernels.linear_attention.maps import FusedMap
from engine.kernels.linear_attention.reference import LinearState, quadratic
from engine.methods import T2R, Elu, Hedgehog
from tests.support.kernels import DEVICE, assert_as_exact_as_pytorch, case

pytest.importorskip("triton")

from engine.kernels.linear_attention.fused_attention import linear_attention  # noqa: E402

HEAD = HeadGeometry(heads=4, kv_heads=2, head_dim=16)
METHODS = [T2R(feature_dim=24), Elu(), Hedgehog(feature_dim=24)]
DTYPES = [torch.float32, torch.float16]


def names(value) -> str:
    return getattr(value, "name", None) or str(value).removeprefix("torch.")


def leaves(c, dtype, weights_dtype, state_dtype):
    """q, k, v, the map's weights, and the state before, as leaves of one graph."""
    c.feature_map.to(weights_dtype)
    inputs = [x.to(dtype).requires_grad_() for x in (c.q, c.k, c.v)]
    state = []
    if c.state is not None:
        state = [x.to(state_dtype).clone().requires_grad_() for x in (c.state.S, c.state.z)]
    return [*inputs, *c.feature_map.parameters(), *state], (LinearState(*state) if state else None)


def pytorch(c, dtype):
    """Gradients by autograd through the quadratic form, in this dtype throughout."""
    own, state = leaves(c, dtype, dtype, dtype)
    phi_q, phi_k = c.feature_map.query(own[0]), c.feature_map.key(own[1])
    if c.valid is not None:
        phi_k = phi_k * c.valid[:, None, :, None]
    return pulled(quadratic(phi_q, phi_k, own[2], c.eps, state), own)


def kernels(c, dtype, **how):
    """Gradients by the kernels: weights and state in float32."""
    own, state = leaves(c, dtype, torch.float32, torch.float32)
    fmap = c.feature_map.fused()
    return pulled(linear_attention(*own[:3], fmap, c.eps, state, c.valid, **how), own)


def pulled(results, own):
    """Gradients of a fixed random direction of the outputs and of the final state."""
    out, after = results
    generator = torch.Generator().manual_seed(7)

    def along(x, scale):
        direction = torch.randn(x.shape, generator=generator).half().to(x.device)
        return (x.double() * direction.double()).sum() * scale

    total = along(out, 1) + along(after.S, 0.125) + along(after.z, 0.125)
    return torch.autograd.grad(total, own)


def compare(c, dtype, **how):
    truth, plain = pytorch(c, torch.float64), pytorch(c, dtype)
    for got, want, same in zip(kernels(c, dtype, **how), truth, plain, strict=True):
        assert got.isfinite().all()
        assert_as_exact_as_pytorch(got, want, same, dtype)


@pytest.mark.parametrize("tokens", [1, 63, 75])
@pytest.mark.parametrize("dtype", DTYPES, ids=names)
@pytest.mark.parametrize("method", METHODS, ids=names)
def test_every_gradient(method, dtype, tokens):
    """q, k, v, weights, biases and the state before; grouped heads, padding, three segments."""
    c = case(method, tokens, dtype, head=HEAD, batch=1, started=True, padded=True)
    compare(c, dtype, segments=3)


@pytest.mark.parametrize("method", METHODS, ids=names)
def test_two_sequences_in_one_pass(method):
    compare(case(method, 64, torch.float32, head=HEAD, batch=2), torch.float32, segments=1)


@pytest.mark.parametrize(
    ("method", "head"),
    [
        (T2R(feature_dim=20), HeadGeometry(1, 1, 80)),
        (T2R(feature_dim=256), HeadGeometry(1, 1, 32)),
        (Elu(), HeadGeometry(2, 1, 96)),
        (Hedgehog(), HeadGeometry(1, 1, 128)),
    ],
    ids=lambda x: names(x) if hasattr(x, "name") else f"{x.heads}x{x.kv_heads}x{x.head_dim}",
)
def test_widths_of_heads_and_features(method, head):
    compare(case(method, 20, torch.float16, head=head, batch=1), torch.float16, segments=2)


def test_two_hundred_tokens_and_a_clamped_denominator():
    """An eps that about half of the denominators fall below, where the gradient stops."""
    c = case(T2R(feature_dim=16), 200, torch.float32, head=HeadGeometry(2, 1, 16), batch=1)
    q, k = c.phi(torch.float64)
    dens = (q * k.cumsum(2)).sum(-1)
    ordered = dens.flatten().sort().values
    c.eps = ordered[len(ordered) // 2 :][:2].mean().item()
    compare(c, torch.float32, segments=2)


@pytest.mark.parametrize("dtype", DTYPES, ids=names)
def test_all_zero_features_have_finite_gradients(dtype):
    c = case(T2R(feature_dim=16), 40, dtype, head=HEAD, batch=1)
    c.feature_map.weight.data.zero_()
    c.feature_map.bias.data.fill_(-1.0)
    for gradient in kernels(c, dtype):
        assert gradient.abs().max() == 0


def test_sequences_behind_each_other():
    """cu_seqlens: no gradient crosses from one sequence to the other."""
    c = case(Elu(), 70, torch.float32, head=HeadGeometry(2, 1, 16), batch=1)
    ends = torch.tensor([0, 40, 70], dtype=torch.int32, device=DEVICE)
    own, _ = leaves(c, torch.float32, torch.float32, torch.float32)
    fmap = FusedMap("elu", 16)
    out, after = linear_attention(*own, fmap, c.eps, cu_seqlens=ends, segments=2)
    packed = torch.autograd.grad(out.square().sum() + after.S.sum(), own)
    for begin, end in ((0, 40), (40, 70)):
        part = [x[:, :, begin:end].detach().requires_grad_() for x in own]
        out, after = linear_attention(*part, fmap, c.eps, segments=1)
        alone = torch.autograd.grad(out.square().sum() + after.S.sum(), part)
        for got, want in zip(packed, alone, strict=True):
            torch.testing.assert_close(got[:, :, begin:end], want, rtol=1e-4, atol=1e-5)


def test_the_same_call_gives_the_same_bits():
    c = case(Hedgehog(feature_dim=16), 40, torch.float16, head=HEAD, batch=1, padded=True)
    first = kernels(c, torch.float16, segments=2)
    for _ in range(1 if DEVICE.type == "cpu" else 20):
        for got, want in zip(kernels(c, torch.float16, segments=2), first, strict=True):
            assert torch.equal(got, want)
