"""The Triton kernels on a real card, at real sizes and in bfloat16 too: forward, backward, decode.

The tolerance rule is the parity ring's, whose own tests also run on the card where there is one.
Dimension letters: T tokens.
"""

from __future__ import annotations

import pytest
import torch

from engine.core.geometry import HeadGeometry
from engine.kernels.dispatch import why_not_triton, why_not_triton_hybrid
from engine.kernels.linear_attention.reference import LinearState
from engine.methods import T2R, Elu, Hedgehog
from tests.parity import test_hybrid_kernels as hybrid_ring
from tests.parity import test_linear_kernel_gradients as gradient_ring
from tests.parity import test_linear_kernels as linear_ring
from tests.support.hybrid import Shape, gradients, reference
from tests.support.hybrid import assert_as_exact_as_pytorch as as_exact
from tests.support.kernels import assert_as_exact_as_pytorch, case

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU: this needs a CUDA card"),
]

DTYPES = [torch.float32, torch.float16, torch.bfloat16]
HEADS = [HeadGeometry(8, 2, 64), HeadGeometry(4, 4, 128), HeadGeometry(4, 2, 80)]
METHODS = [T2R(feature_dim=32), T2R(feature_dim=64), Elu(), Hedgehog()]
SHAPES = [
    Shape(1500, 64, 4, heads=8, head_dim=64, features=64, values=64),
    Shape(1023, 128, 4, heads=4, head_dim=128, features=128, values=128),
    Shape(700, 64, 0, heads=6, head_dim=80, features=32, values=80, batch=2),
]


def names(value: object) -> str:
    if isinstance(value, HeadGeometry):
        return f"{value.heads}x{value.kv_heads}x{value.head_dim}"
    return getattr(value, "name", None) or str(value).removeprefix("torch.")


def skip_refused(reason: str | None) -> None:
    """Dispatch sends this to PyTorch on this card."""
    if reason:
        pytest.skip(f"the kernels do not take it here: {reason}")


def linear_or_skip(stage, dtype, method, head) -> None:
    capability = torch.cuda.get_device_capability()
    features = method.feature_map(head).feature_dim
    skip_refused(why_not_triton(stage, capability, dtype, head.head_dim, features))


@pytest.mark.parametrize("tokens", [1, 1000, 3001])
@pytest.mark.parametrize("head", HEADS, ids=names)
@pytest.mark.parametrize("method", METHODS, ids=names)
@pytest.mark.parametrize("dtype", DTYPES, ids=names)
@torch.no_grad()
def test_linear_forward(dtype, method, head, tokens):
    linear_or_skip("prefill", dtype, method, head)
    c = case(method, tokens, dtype, head=head, started=True, padded=tokens > 1)
    (truth, after), (pytorch, pytorch_after) = c.truth(), c.truth(dtype)
    out, state = linear_ring.attend(c, dtype)
    assert_as_exact_as_pytorch(out, truth, pytorch, dtype)
    assert_as_exact_as_pytorch(state.S, after.S, pytorch_after.S, dtype)
    assert_as_exact_as_pytorch(state.z, after.z, pytorch_after.z, dtype)


@pytest.mark.parametrize("head", HEADS, ids=names)
@pytest.mark.parametrize("method", METHODS, ids=names)
@pytest.mark.parametrize("dtype", DTYPES, ids=names)
def test_linear_gradients(dtype, method, head):
    linear_or_skip("training", dtype, method, head)
    c = case(method, 1000, dtype, head=head, started=True, padded=True)
    gradient_ring.compare(c, dtype)


@pytest.mark.parametrize("head", HEADS, ids=names)
@pytest.mark.parametrize("method", METHODS, ids=names)
@pytest.mark.parametrize("dtype", DTYPES, ids=names)
@torch.no_grad()
def test_linear_decode(dtype, method, head):
    linear_or_skip("decode", dtype, method, head)
    c = case(method, 1, dtype, head=head, batch=64, started=True)
    truth, after = c.truth()
    state = LinearState(c.state.S.clone(), c.state.z.clone())
    out = linear_ring.step(c, dtype, state)
    assert_as_exact_as_pytorch(out, truth, c.truth(dtype)[0], dtype)
    exact = c.truth(torch.float32)[1]
    assert_as_exact_as_pytorch(state.S, after.S, exact.S, torch.float32)
    assert_as_exact_as_pytorch(state.z, after.z, exact.z, torch.float32)


def hybrid_or_skip(stage, dtype, shape) -> None:
    capability = torch.cuda.get_device_capability()
    skip_refused(
        why_not_triton_hybrid(stage, capability, dtype, shape.head_dim, shape.features, shape.sinks)
    )


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", DTYPES, ids=names)
@torch.no_grad()
def test_hybrid_forward(dtype, shape):
    hybrid_or_skip("prefill", dtype, shape)
    problem = hybrid_ring.compare(shape, dtype)
    (found, after), (truth, sums), (pytorch, pytorch_sums) = (
        function(*problem.to(kind).arguments())
        for function, kind in (
            (hybrid_ring.attention, dtype), (reference, torch.float64), (reference, dtype)
        )
    )  # fmt: skip
    as_exact(found, truth, pytorch, dtype)
    as_exact(after.S, sums.S, pytorch_sums.S, dtype)
    as_exact(after.z, sums.z, pytorch_sums.z, dtype)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", DTYPES, ids=names)
def test_hybrid_gradients(dtype, shape):
    hybrid_or_skip("training", dtype, shape)
    problem = hybrid_ring.compare(shape, dtype)
    found, truth, pytorch = (
        gradients(function, problem.to(kind))
        for function, kind in (
            (hybrid_ring.attention, dtype), (reference, torch.float64), (reference, dtype)
        )
    )  # fmt: skip
    for name in found:
        as_exact(found[name], truth[name], pytorch[name], dtype)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", DTYPES, ids=names)
def test_hybrid_decode(dtype, shape):
    hybrid_or_skip("decode", dtype, shape)
    hybrid_ring.decode_step_by_step(shape, dtype)
