"""The fused Triton kernels against the quadratic form in float64."""

from __future__ import annotations

import pytest
import torch

from engine.core.geometry import HeadGeometry
from engine.kernels.linear_attention.maps import FusedMap
from engine.kernels.linear_attention.reference import LinearState, empty_state, quadratic
from engine.methods import T2R, Elu, Hedgehog
from tests.support.kernels import DEVICE, assert_as_exact_as_pytorch, case, error

pytest.importorskip("triton")

from engine.kernels.linear_attention import fused  # noqa: E402
from engine.kernels.linear_attention.fused_attention import linear_attention  # noqa: E402

HEAD = HeadGeometry(heads=4, kv_heads=2, head_dim=16)
METHODS = [T2R(feature_dim=24), Elu(), Hedgehog(feature_dim=24)]
DTYPES = [torch.float32, torch.float16]
LENGTHS = [(METHODS[0], n) for n in (1, 63, 64, 75, 200)]
LENGTHS += [(method, n) for method in METHODS[1:] for n in (1, 75)]


def names(value) -> str:
    return getattr(value, "name", None) or str(value).removeprefix("torch.")


def attend(c, dtype, **how):
    fmap = c.feature_map.float().fused()
    q, k, v = (x.to(dtype) for x in (c.q, c.k, c.v))
    known = {"state": c.state, "valid": c.valid, **how}
    return linear_attention(q, k, v, fmap, c.eps, **known)


@pytest.mark.parametrize(("method", "tokens"), LENGTHS, ids=names)
@pytest.mark.parametrize("dtype", DTYPES, ids=names)
@torch.no_grad()
def test_outputs_and_final_state(method, dtype, tokens):
    """Grouped heads, a state before, padding; in one pass, long ones also in three segments."""
    batch = 2 if tokens == 63 else 1
    c = case(method, tokens, dtype, head=HEAD, batch=batch, started=True, padded=True)
    truth, after = c.truth()
    pytorch, pytorch_after = c.truth(dtype)
    for segments in (1, 3) if tokens > 64 else (1,):
        out, state = attend(c, dtype, segments=segments)
        assert out.dtype == dtype and state.S.dtype == state.z.dtype == torch.float32
        assert_as_exact_as_pytorch(out, truth, pytorch, dtype)
        assert_as_exact_as_pytorch(state.S, after.S, pytorch_after.S, dtype)
        assert_as_exact_as_pytorch(state.z, after.z, pytorch_after.z, dtype)


@pytest.mark.parametrize(
    ("method", "head"),
    [
        (T2R(feature_dim=16), HeadGeometry(1, 1, 80)),
        (T2R(feature_dim=256), HeadGeometry(1, 1, 32)),
        (T2R(feature_dim=64), HeadGeometry(1, 1, 256)),
        (Elu(), HeadGeometry(2, 1, 96)),
        (Elu(), HeadGeometry(1, 1, 256)),
        (Hedgehog(), HeadGeometry(2, 1, 80)),
        (Hedgehog(), HeadGeometry(1, 1, 128)),
        (T2R(feature_dim=20), HeadGeometry(6, 2, 64)),
    ],
    ids=lambda x: names(x) if hasattr(x, "name") else f"{x.heads}x{x.kv_heads}x{x.head_dim}",
)
@torch.no_grad()
def test_widths_of_heads_and_features(method, head):
    """Head dims and feature dims that are no powers of two, and the largest ones."""
    c = case(method, 70, torch.float16, head=head, batch=1)
    truth, after = c.truth()
    pytorch, _ = c.truth(torch.float16)
    out, state = attend(c, torch.float16, segments=2)
    assert_as_exact_as_pytorch(out, truth, pytorch, torch.float16)
    assert error(state.S, after.S) < 1e-3
    one = case(method, 1, torch.float32, head=head, batch=1, started=True)
    want, _ = one.truth()
    out = step(one, torch.float32, one.state)
    assert_as_exact_as_pytorch(out, want, one.truth(torch.float32)[0], torch.float32)


@torch.no_grad()
def test_features_that_are_mapped_already():
    """The identity map takes phi itself, negative values too."""
    torch.manual_seed(0)
    # Some features negative, denominators far from zero: else rounding says nothing about a kernel.
    q, k, v = (1.0 + 0.6 * torch.randn(1, 2, 90, 32, device=DEVICE) for _ in range(3))
    want, after = quadratic(q.double(), k.double(), v.double(), 0.5)
    error = (quadratic(q, k, v, 0.5)[0] - want).abs().max().item()
    out, state = linear_attention(q, k, v, FusedMap("identity", 32), 0.5)
    assert (out - want).abs().max().item() <= 2 * error + 1e-6
    torch.testing.assert_close(state.S, after.S.float(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("segments", [1, 2])
@torch.no_grad()
def test_sequences_behind_each_other(segments):
    """cu_seqlens: every sequence as if it were alone, an empty one among them."""
    c = case(T2R(feature_dim=16), 140, torch.float32, head=HEAD, batch=1)
    ends = torch.tensor([0, 5, 5, 100, 140], dtype=torch.int32, device=DEVICE)
    out, state = attend(c, torch.float32, cu_seqlens=ends, segments=segments)
    phi_q, phi_k = c.phi(torch.float64)
    for i, (begin, end) in enumerate(zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True)):
        part = (x[:, :, begin:end] for x in (phi_q, phi_k, c.v))
        want, after = quadratic(*part, c.eps)
        torch.testing.assert_close(out[:, :, begin:end], want.float(), rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(state.S[i], after.S[0].float(), rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(state.z[i], after.z[0].float(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("split", [1, 63, 64, 100])
@torch.no_grad()
def test_split_resume_and_decode(split):
    """A prompt in two pieces, then a decode step, equal the whole."""
    c = case(T2R(feature_dim=24), 130, torch.float32, head=HEAD, batch=1)
    fmap = c.feature_map.float().fused()
    whole, last = attend(c, torch.float32)
    q, k, v = (x.float() for x in (c.q, c.k, c.v))
    state, parts = None, []
    for begin, end in ((0, split), (split, 129)):
        piece = (x[:, :, begin:end] for x in (q, k, v))
        out, state = linear_attention(*piece, fmap, c.eps, state)
        parts.append(out)
    parts.append(fused.step(*(x[:, :, 129:] for x in (q, k, v)), fmap, c.eps, state))
    torch.testing.assert_close(torch.cat(parts, 2), whole, rtol=2e-6, atol=2e-6)
    torch.testing.assert_close(state.S, last.S, rtol=2e-6, atol=2e-5)


def step(c, dtype, state):
    fmap = c.feature_map.float().fused()
    return fused.step(*(x.to(dtype) for x in (c.q, c.k, c.v)), fmap, c.eps, state)


@pytest.mark.parametrize("dtype", DTYPES, ids=names)
@pytest.mark.parametrize("method", METHODS, ids=names)
@torch.no_grad()
def test_decode_step_in_place(method, dtype):
    c = case(method, 1, dtype, head=HEAD, batch=3, started=True)
    truth, after = c.truth()
    state = LinearState(c.state.S.clone(), c.state.z.clone())
    addresses = state.S.data_ptr(), state.z.data_ptr()
    out = step(c, dtype, state)
    assert (state.S.data_ptr(), state.z.data_ptr()) == addresses
    assert_as_exact_as_pytorch(out, truth, c.truth(dtype)[0], dtype)
    exact = c.truth(torch.float32)[1]
    assert_as_exact_as_pytorch(state.S, after.S, exact.S, torch.float32)
    assert_as_exact_as_pytorch(state.z, after.z, exact.z, torch.float32)


@pytest.mark.parametrize("dtype", DTYPES, ids=names)
@torch.no_grad()
def test_all_zero_features_give_zero(dtype):
    c = case(T2R(feature_dim=16), 70, dtype, head=HEAD, batch=1)
    c.feature_map.weight.data.zero_()
    c.feature_map.bias.data.fill_(-1.0)
    out, state = attend(c, dtype)
    assert out.abs().max() == 0 and state.S.abs().max() == 0
    one = case(T2R(feature_dim=16), 1, dtype, head=HEAD, batch=1)
    one.feature_map = c.feature_map
    assert step(one, dtype, empty_state(1, 2, 16, 16, DEVICE)).abs().max() == 0


@torch.no_grad()
def test_float16_sums_beyond_its_range():
    """Features whose products and sums pass float16's largest number, 65,504."""
    c = case(T2R(feature_dim=16), 200, torch.float16, head=HEAD, batch=1)
    c.feature_map.bias.data.fill_(150.0)
    c.v += 3
    truth, after = c.truth()
    assert after.S.max() > 65_504 and after.z.max() * 150 > 65_504
    out, _ = attend(c, torch.float16)
    assert error(out, truth) < 2e-3


@torch.no_grad()
def test_the_same_call_gives_the_same_bits():
    c = case(Hedgehog(feature_dim=16), 75, torch.float16, head=HEAD, batch=1, padded=True)
    first, state = attend(c, torch.float16, segments=2)
    for _ in range(2 if DEVICE.type == "cpu" else 20):
        again, other = attend(c, torch.float16, segments=2)
        assert torch.equal(first, again) and torch.equal(state.S, other.S)


@torch.no_grad()
def test_layouts_of_the_inputs_do_not_matter():
    """Views as transformers hands them, [B, T, H, D] in memory, and a non-unit last stride."""
    c = case(Elu(), 40, torch.float32, head=HEAD)
    want, _ = attend(c, torch.float32)
    for order in ((0, 2, 1, 3), (0, 1, 3, 2)):
        c.q, c.k, c.v = (x.permute(order).contiguous().permute(order) for x in (c.q, c.k, c.v))
        assert torch.equal(attend(c, torch.float32)[0], want)
