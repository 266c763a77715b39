"""Quadratic, chunked and recurrent form agree, for every method, in float64."""

from __future__ import annotations

import pytest
import torch

from engine.core.geometry import HeadGeometry
from engine.core.hybrid_mixer import HybridMixer
from engine.core.linear_mixer import LinearMixer
from engine.kernels.hybrid_attention import reference as hybrid_reference
from engine.kernels.linear_attention import chunk, reference
from engine.methods import METHODS, T2R, Elu, Hybrid, Rfa
from engine.methods.feature_maps import FeatureMapMethods

HEAD = HeadGeometry(heads=4, kv_heads=2, head_dim=8)
LINEAR = [cls() for cls in FeatureMapMethods.__args__]
HYBRIDS = [
    Hybrid(window=w, sinks=s, far=far) for w, s in [(1, 0), (7, 4), (64, 2)] for far in LINEAR
]
MIXING = [m for m in (*LINEAR, *HYBRIDS)]
LENGTHS = [1, 2, 63, 64, 75, 200]


def names(method) -> str:
    if isinstance(method, Hybrid):
        return f"hybrid-W{method.window}-K{method.sinks}-{method.far.name}"
    return method.name


def qkv(tokens: int, batch: int = 2, seed: int = 0):
    generator = torch.Generator().manual_seed(seed)

    def normal(heads: int):
        return torch.randn(batch, heads, tokens, 8, generator=generator, dtype=torch.float64)

    return normal(HEAD.heads), normal(HEAD.kv_heads), normal(HEAD.kv_heads)


def build(method):
    torch.manual_seed(1)
    mixer = method.build(HEAD).double()
    if isinstance(mixer, HybridMixer):
        mixer.log_gamma.data.normal_(std=0.3)
    return mixer


def double_state(mixer, batch: int = 2):
    """A state in float64, so that only the algebra is compared."""
    state = mixer.init_state(batch, torch.device("cpu"), torch.float64)
    far = state if isinstance(mixer, LinearMixer) else state.far
    far.S, far.z = far.S.double(), far.z.double()
    return state


def by_weights(mixer, q, k, v, valid=None):
    """The quadratic form: materialised weights times the values."""
    return mixer.weights(q, k, valid) @ v.repeat_interleave(2, 1)


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


@pytest.mark.parametrize("eps", [0.5, 20.0])
@torch.no_grad()
def test_the_far_fields_eps_bounds_the_hybrids_denominator(eps):
    """Features that can be negative, and an eps that some denominators fall below."""
    method = Hybrid.model_construct(
        window=4, sinks=1, far=Rfa.model_construct(feature_dim=6, eps=eps)
    )
    mixer, (q, k, v) = build(method), qkv(80)
    mixer.log_gamma.data.fill_(-3.0)
    truth = by_weights(mixer, q, k, v)
    assert (mixer.weights(q, k).sum(-1) < 0.999).any()
    torch.testing.assert_close(mixer(q, k, v), truth, rtol=1e-9, atol=1e-11)
    state = double_state(mixer)
    steps = [mixer.step(*(x[:, :, t : t + 1] for x in (q, k, v)), state) for t in range(80)]
    torch.testing.assert_close(torch.cat(steps, 2), truth, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("far", [Elu(), Rfa(), T2R()], ids=names)
@torch.no_grad()
def test_a_padded_query_of_the_hybrid_gives_zero(far):
    mixer, (q, k, v) = build(Hybrid(window=4, sinks=1, far=far)), qkv(20)
    valid = torch.arange(20).expand(2, -1) >= 9
    for out in (mixer(q, k, v, valid), by_weights(mixer, q, k, v, valid)):
        assert out[:, :, :9].abs().max() == 0 and out.isfinite().all()


def test_every_method_is_covered():
    assert set(METHODS) == {m.name for m in MIXING} | {"softmax"}


@torch.no_grad()
def test_hybrid_reference_is_the_weights():
    """The kernel folder's own quadratic form equals the mixer's materialised weights."""
    mixer, (q, k, v) = build(Hybrid(window=5, sinks=3)), qkv(60)
    start = mixer._state(2, q.device, q.dtype)
    plain, sinks, _ = mixer._arrange(k, v, None, start)
    out = hybrid_reference.quadratic(
        q,
        k,
        v,
        mixer.feature_map.query(q),
        mixer.feature_map.key(k),
        plain,
        sinks,
        mixer.window,
        mixer.log_gamma.exp(),
        mixer.eps,
        double_state(mixer).far,
    )
    torch.testing.assert_close(out, by_weights(mixer, q, k, v))
