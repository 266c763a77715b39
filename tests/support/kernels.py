"""Inputs, truth and the tolerance rule for tests of kernels.

Without a GPU the kernels run in Triton's interpreter: about 10 ms per program, so shapes are small.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.core.feature_map import FeatureMap
from engine.core.geometry import HeadGeometry
from engine.kernels.linear_attention.reference import LinearState, quadratic
from engine.methods.base import FeatureMapMethod

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


@dataclass
class Case:
    """One problem in float64; `rounded` gives it in the dtype that is tested."""

    feature_map: FeatureMap
    q: Tensor
    k: Tensor
    v: Tensor
    state: LinearState | None
    valid: Tensor | None
    eps: float = 1e-2

    def phi(self, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """Features of queries and keys, computed in this dtype, zero at padding."""
        fmap = self.feature_map.to(dtype)
        q, k = fmap.query(self.q.to(dtype)), fmap.key(self.k.to(dtype))
        self.feature_map.double()
        return q, k if self.valid is None else k * self.valid[:, None, :, None]

    def truth(self, dtype: torch.dtype = torch.float64) -> tuple[Tensor, LinearState]:
        """The quadratic form in this dtype throughout."""
        before = self.state
        if before is not None:
            before = LinearState(before.S.to(dtype), before.z.to(dtype))
        return quadratic(*self.phi(dtype), self.v.to(dtype), self.eps, before)


def case(
    method: FeatureMapMethod,
    tokens: int,
    dtype: torch.dtype,
    *,
    head: HeadGeometry,
    batch: int = 2,
    started: bool = False,
    padded: bool = False,
    seed: int = 0,
) -> Case:
    """Random inputs that `dtype` holds exactly, so that only the computing differs."""
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        fmap = method.build(head).feature_map.to(DEVICE)
        for name, weight in fmap.named_parameters():
            if "bias" in name:
                weight.data.normal_(std=0.5)
            weight.data = weight.data.to(dtype).float()
        shape = (batch, head.kv_heads, fmap.feature_dim)

        def normal(heads: int) -> Tensor:
            x = torch.randn(batch, heads, tokens, head.head_dim)
            return x.to(DEVICE, dtype).double()

        q, k, v = normal(head.heads), normal(head.kv_heads), normal(head.kv_heads)
        state = valid = None
        if started:
            S, z = torch.randn(*shape, head.head_dim), torch.rand(shape) + 1
            state = LinearState(S.to(DEVICE), z.to(DEVICE))
        if padded:
            valid = (torch.rand(batch, tokens) > 0.3).to(DEVICE)
            valid[:, -1] = True
    return Case(fmap.double(), q, k, v, state, valid, method.eps)


def error(found: Tensor, truth: Tensor) -> float:
    """Root-mean-square error over the root mean square of the truth."""
    truth = truth.double()
    return ((found.double() - truth).square().mean() / truth.square().mean()).sqrt().item()


def assert_as_exact_as_pytorch(
    found: Tensor, truth: Tensor, pytorch: Tensor, dtype: torch.dtype
) -> None:
    """At most twice PyTorch's error in the same dtype, or a quarter of the dtype's rounding."""
    most = 2 * error(pytorch, truth) + torch.finfo(dtype).eps / 4
    assert error(found, truth) <= most, (error(found, truth), most)
