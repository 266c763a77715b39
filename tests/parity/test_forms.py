"""Quadratic, chunked and recurrent form agree, for every method, in float64."""

from __future__ import annotations

import pytest
import torch

from engine.kernels.linear_attention import chunk, reference
from engine.methods import METHODS, T2R, Hybrid
from tests.support.mixers import (
    HEAD,
    MIXING,
    build,
    by_weights,
    double_state,
    names,
    qkv,
)

LENGTHS = [1, 2, 63, 64, 75, 200]


@pytest.mark.parametrize("tokens", LENGTHS)
@pytest.mark.parametrize("method", MIXING, ids=names)
@torch.no_grad()
def test_chunked_is_quadratic_is_recurrent(method, tokens):
    mixer, (q, k, v) = build(method), qkv(tokens)
    truth = by_weights(mixer, q, k, v)
    torch.testing.assert_close(mixer(q, k, v), truth, rtol=1e-9, atol=1e-11)
    state = double_state(mixer)
    steps = [
        mixer.step(q[:, :, t : t + 1], k[:, :, t : t + 1], v[:, :, t : t + 1], state)
        for t in range(tokens)
    ]
    torch.testing.assert_close(torch.cat(steps, 2), truth, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("split", [1, 5, 64, 100, 129])
@pytest.mark.parametrize("method", MIXING, ids=names)
@torch.no_grad()
def test_split_and_resume(method, split):
    mixer, (q, k, v) = build(method), qkv(130)
    whole = mixer(q, k, v)
    state = double_state(mixer)
    first = mixer(q[:, :, :split], k[:, :, :split], v[:, :, :split], None, state)
    middle = mixer.step(*(x[:, :, split : split + 1] for x in (q, k, v)), state)
    parts = [first, middle]
    if split + 1 < 130:
        parts.append(mixer(*(x[:, :, split + 1 :] for x in (q, k, v)), None, state))
    torch.testing.assert_close(torch.cat(parts, 2), whole, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("method", MIXING, ids=names)
@torch.no_grad()
def test_left_padding_changes_nothing(method):
    mixer, (q, k, v) = build(method), qkv(90)
    plain = mixer(q, k, v)
    pad = [torch.randn(2, x.shape[1], 37, 8, dtype=x.dtype) for x in (q, k, v)]
    valid = torch.arange(127).expand(2, -1) >= 37
    padded = [torch.cat([p, x], 2) for p, x in zip(pad, (q, k, v), strict=True)]
    state = double_state(mixer)
    out = mixer(*padded, valid, state)
    torch.testing.assert_close(out[:, :, 37:], plain, rtol=1e-9, atol=1e-11)
    torch.testing.assert_close(
        by_weights(mixer, *padded, valid)[:, :, 37:], plain, rtol=1e-9, atol=1e-11
    )
    more = qkv(1, seed=5)
    unpadded_state = double_state(mixer)
    mixer(q, k, v, None, unpadded_state)
    torch.testing.assert_close(
        mixer.step(*more, state), mixer.step(*more, unpadded_state), rtol=1e-9, atol=1e-11
    )


@pytest.mark.parametrize("method", MIXING, ids=names)
def test_gradients_of_the_chunked_form(method):
    """Chunked gradients equal the quadratic form's: inputs and every weight."""
    mixer = build(method)
    inputs = [x.requires_grad_() for x in qkv(75)]
    direction = torch.randn(2, 4, 75, 8, dtype=torch.float64)
    leaves = [*inputs, *mixer.parameters()]
    chunked = torch.autograd.grad((mixer(*inputs) * direction).sum(), leaves)
    truth = torch.autograd.grad((by_weights(mixer, *inputs) * direction).sum(), leaves)
    for got, want in zip(chunked, truth, strict=True):
        torch.testing.assert_close(got, want, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("method", [T2R(feature_dim=3), Hybrid(window=3, sinks=1)], ids=names)
def test_gradcheck(method):
    mixer = build(method)
    inputs = [x[:1].requires_grad_() for x in qkv(9)]
    assert torch.autograd.gradcheck(lambda *x: mixer(*x), inputs)


@pytest.mark.parametrize("together", [1, 3, 100])
@pytest.mark.parametrize("chunk_size", [1, 16, 64, 128])
def test_how_the_chunked_form_walks_does_not_matter(chunk_size, together):
    """Outputs, final state, and gradients of everything, the state before included; eps binds in
    some rows."""
    torch.manual_seed(0)
    phi_q, phi_k = torch.rand(2, 4, 100, 6).double() - 0.3, torch.rand(2, 2, 100, 6).double()
    v, S = torch.randn(2, 2, 100, 8).double(), torch.randn(2, 2, 6, 8).double()
    inputs = [phi_q, phi_k, v, S, torch.rand(2, 2, 6).double()]

    def run(form, *how):
        leaves = [x.clone().requires_grad_() for x in inputs]
        out, state = form(*leaves[:3], 2.0, reference.LinearState(*leaves[3:]), *how)
        found = (out, state.S, state.z)
        torch.manual_seed(1)
        total = sum((x * torch.randn(x.shape, dtype=x.dtype)).sum() for x in found)
        return *found, *torch.autograd.grad(total, leaves)

    for got, want in zip(
        run(chunk.chunked, chunk_size, together), run(reference.quadratic), strict=True
    ):
        torch.testing.assert_close(got, want)


@torch.no_grad()
def test_the_final_state_keeps_nothing_else_alive():
    phi, v = torch.rand(1, 2, 300, 6), torch.randn(1, 2, 300, 8)
    _, state = chunk.chunked(phi, phi, v, 1e-6)
    for x in (state.S, state.z):
        assert x.untyped_storage().nbytes() == x.numel() * x.element_size()


@pytest.mark.parametrize("method", MIXING, ids=names)
@torch.no_grad()
def test_float32_error_is_that_of_pytorch(method):
    """At most twice the error of the quadratic form in the same precision, plus a tiny floor."""
    mixer, (q, k, v) = build(method), qkv(300)
    truth = by_weights(mixer, q, k, v)
    mixer = mixer.float()
    q, k, v = q.float(), k.float(), v.float()

    def error(out):
        return (out.double() - truth).square().mean().sqrt()

    assert error(mixer(q, k, v)) <= 2 * error(by_weights(mixer, q, k, v)) + 1e-9


def test_all_zero_features_give_zero_not_nan():
    mixer = T2R().build(HEAD)
    mixer.feature_map.weight.data.zero_()
    mixer.feature_map.bias.data.fill_(-1.0)
    q, k, v = (x.float().requires_grad_() for x in qkv(70))
    out = mixer(q, k, v)
    out.sum().backward()
    assert out.abs().max() == 0
    assert all(x.grad.isfinite().all() for x in (q, k, v))


def test_every_method_is_covered():
    assert set(METHODS) == {m.name for m in MIXING} | {"softmax"}
