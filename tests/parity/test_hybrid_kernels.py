"""The hybrid's Triton kernels against the quadratic form: outputs, far field, every gradient.

The tolerance rule: at most twice the error PyTorch makes in the same dtype. bfloat16 is left out
where there is no GPU, because Triton's interpreter computes it wrongly without saying so.
"""

from __future__ import annotations

import pytest
import torch

triton_attention = pytest.importorskip("engine.kernels.hybrid_attention.triton_attention")
triton_step = pytest.importorskip("engine.kernels.hybrid_attention.triton_step")

from engine.kernels.hybrid_attention.reference import Sinks  # noqa: E402
from engine.kernels.linear_attention.maps import FusedMap  # noqa: E402
from engine.kernels.linear_attention.reference import LinearState  # noqa: E402
from tests.support.hybrid import (  # noqa: E402
    DEVICE,
    Case,
    Shape,
    assert_as_exact_as_pytorch,
    case,
    gradients,
    reference,
)


def attention(q, k, v, phi_q, phi_k, *near):
    """With phi given, as `reference.quadratic` takes it."""
    identity = FusedMap("identity", phi_q.shape[3])
    return triton_attention.attention(q, k, v, identity, (phi_q, phi_k), *near)[:2]


FLOAT, HALF = torch.float32, torch.float16
SHAPES = [
    (Shape(1, 16, 0), FLOAT),
    (Shape(1, 16, 4), HALF),
    (Shape(63, 32, 4), HALF),
    (Shape(64, 16, 0), FLOAT),
    (Shape(64, 64, 4), HALF),
    (Shape(75, 32, 4, heads=3, kv_heads=1), FLOAT),
    (Shape(75, 16, 0, features=3, values=5), FLOAT),
    (Shape(200, 16, 4, batch=2), HALF),
    (Shape(200, 64, 4, queries=136), FLOAT),
    (Shape(200, 32, 4, queries=168, features=72, head_dim=24, values=40), HALF),
    (Shape(300, 1, 4, heads=2), HALF),
    (Shape(300, 150, 4, heads=2), HALF),
]


def compare(shape: Shape, dtype: torch.dtype) -> Case:
    return case(shape, dtype, resumed=shape.queries is not None)


@pytest.mark.parametrize("shape, dtype", SHAPES, ids=str)
@torch.no_grad()
def test_outputs_and_the_far_field_afterwards(shape, dtype):
    problem = compare(shape, dtype)
    (found, after), (truth, sums), (pytorch, pytorch_sums) = (
        function(*problem.to(kind).arguments())
        for function, kind in ((attention, dtype), (reference, torch.float64), (reference, dtype))
    )
    assert found.dtype == dtype and after.S.dtype == torch.float32
    assert_as_exact_as_pytorch(found, truth, pytorch, dtype)
    assert_as_exact_as_pytorch(after.S, sums.S, pytorch_sums.S, dtype)
    assert_as_exact_as_pytorch(after.z, sums.z, pytorch_sums.z, dtype)


@pytest.mark.parametrize("shape, dtype", [SHAPES[i] for i in (1, 2, 3, 5, 8, 9, 10)], ids=str)
def test_every_gradient(shape, dtype):
    problem = compare(shape, dtype)
    found, truth, pytorch = (
        gradients(function, problem.to(kind))
        for function, kind in ((attention, dtype), (reference, torch.float64), (reference, dtype))
    )
    for name in found:
        assert found[name].dtype == dtype
        assert_as_exact_as_pytorch(found[name], truth[name], pytorch[name], dtype)


def test_split_and_resume_in_outputs_and_gradients():
    """Two calls, the second with the first one's far field and last W tokens, equal one call."""
    split, problem = 90, case(Shape(150, 16, 4, heads=2), FLOAT)
    whole = problem.to(FLOAT)
    parts = problem.to(FLOAT)

    def in_two(q, k, v, phi_q, phi_k, plain, sinks, window, gamma, eps, state):
        def cut(x, upto):
            return x[:, :, :upto]

        before = Sinks(sinks.k, sinks.v, sinks.position)
        first, after = attention(
            *(cut(x, split) for x in (q, k, v, phi_q, phi_k)), plain[:, :split], before, window,
            gamma, eps, state,
        )  # fmt: skip
        since = split - window
        then = Sinks(sinks.k, sinks.v, sinks.position - split)
        second, last = attention(
            *(q[:, :, split:], k[:, :, since:], v[:, :, since:], phi_q[:, :, split:]),
            *(phi_k[:, :, since:], plain[:, since:], then, window, gamma, eps, after),
        )
        return torch.cat([first, second], 2), last

    for found, truth in zip(in_two(*parts.arguments()), attention(*whole.arguments()), strict=True):
        for a, b in zip(*([x] if torch.is_tensor(x) else [x.S, x.z] for x in (found, truth))):
            torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)
    found, truth = gradients(in_two, parts), gradients(attention, whole)
    for name in found:
        torch.testing.assert_close(found[name], truth[name], rtol=1e-3, atol=1e-4)


def test_nothing_to_see_gives_zero_and_finite_gradients():
    """All padding, no sinks, all-zero features: outputs 0 exactly, gradients finite."""
    problem = case(Shape(40, 16, 0), HALF).to(HALF)
    problem.plain[:] = False
    for name in ("phi_q", "phi_k"):
        problem.leaves[name].data.zero_()
    out, _ = attention(*problem.arguments())
    assert not out.any()
    assert all(x.isfinite().all() for x in gradients(attention, problem).values())


def test_logits_far_apart_neither_overflow_nor_vanish():
    """Logits of hundreds, the largest of them out of the window for most queries."""
    problem = case(Shape(100, 16, 4), FLOAT)
    problem.leaves["q"].mul_(100)
    problem.leaves["k"][:, :, 50] *= 100
    found, truth = (
        function(*problem.to(kind).arguments())[0]
        for function, kind in ((attention, FLOAT), (reference, torch.float64))
    )
    torch.testing.assert_close(found, truth.float(), rtol=1e-3, atol=1e-3)
    for name, found in gradients(attention, problem.to(FLOAT)).items():
        assert found.isfinite().all(), name


def test_the_same_input_gives_the_same_bits():
    problem = case(Shape(100, 16, 4), HALF)
    first, second = (gradients(attention, problem.to(HALF)) for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_keys_side_by_side_with_other_heads_need_no_copy():
    """q, k and v as a model hands them over: [B, T, H, D] seen as [B, H, T, D]."""
    problem = case(Shape(70, 16, 4), FLOAT).to(FLOAT)
    truth = attention(*problem.arguments())[0]
    for name in ("q", "k", "v"):
        x = problem.leaves[name]
        problem.leaves[name] = x.transpose(1, 2).contiguous().transpose(1, 2)
    assert torch.equal(attention(*problem.arguments())[0], truth)


@pytest.mark.parametrize(
    "shape, dtype",
    [
        (Shape(40, 16, 4, heads=6, batch=2, features=40), FLOAT),
        (Shape(9, 1, 0, heads=2, features=3, values=5), HALF),
        (Shape(20, 32, 2, head_dim=24, values=40, batch=2), HALF),
    ],
    ids=str,
)
def test_decode_step_by_step(shape, dtype):
    decode_step_by_step(shape, dtype)


@torch.no_grad()
def decode_step_by_step(shape, dtype):
    """From an empty state, one token at a time: the ring turns, sinks settle, tokens leave."""
    problem = case(shape, dtype)
    problem.plain[:] = torch.arange(shape.tokens, device=DEVICE) >= shape.sinks
    problem.position[:] = torch.arange(shape.sinks, device=DEVICE)
    for sink, of in (("sink_k", "k"), ("sink_v", "v")):
        problem.leaves[sink] = problem.leaves[of][:, :, : shape.sinks]
    (truth, sums), (pytorch, pytorch_sums) = (
        reference(*problem.to(kind).arguments()) for kind in (torch.float64, dtype)
    )
    x = {name: leaf.to(dtype) for name, leaf in problem.leaves.items()}
    each, slots = (shape.batch, shape.kv_heads), shape.window + shape.sinks
    k_near = torch.zeros(*each, slots, shape.head_dim, device=DEVICE, dtype=dtype)
    v_near = torch.zeros(*each, slots, shape.values, device=DEVICE, dtype=dtype)
    visible = torch.zeros(*each, slots, device=DEVICE, dtype=torch.bool)
    seen, cursor = torch.zeros(2, *each, device=DEVICE, dtype=torch.long)
    state = LinearState(
        torch.zeros(*each, shape.features, shape.values, device=DEVICE),
        torch.zeros(*each, shape.features, device=DEVICE),
    )
    outs = []
    for t in range(shape.tokens):
        q, k, v, phi_q = (x[n][:, :, t : t + 1].contiguous() for n in ("q", "k", "v", "phi_q"))
        left = max(t - shape.window, 0)
        phi_leaving = x["phi_k"][:, :, left : left + 1].contiguous()
        outs.append(
            triton_step.step(
                *(q, k, v, FusedMap("identity", shape.features), (phi_q, phi_leaving)),
                *(k_near, v_near, visible, seen, cursor, shape.window),
                *(x["gamma"].log(), problem.eps, state),
            )
        )
    assert_as_exact_as_pytorch(torch.cat(outs, 2), truth, pytorch, dtype)
    if shape.tokens > shape.window:
        assert_as_exact_as_pytorch(state.S, sums.S, pytorch_sums.S, dtype)
        assert_as_exact_as_pytorch(state.z, sums.z, pytorch_sums.z, dtype)
    assert (seen == shape.tokens).all() and (cursor == shape.tokens % shape.window).all()
