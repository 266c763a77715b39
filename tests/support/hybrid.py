"""Inputs and truth for tests of the hybrid's kernels.

Without a GPU the kernels run in Triton's interpreter, at about 10 ms per program: shapes are small.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from engine.kernels.hybrid_attention.reference import Sinks, far_sums, quadratic
from engine.kernels.linear_attention.reference import LinearState

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
LEAVES = ("q", "k", "v", "phi_q", "phi_k", "sink_k", "sink_v", "gamma", "S", "z")


@dataclass(frozen=True)
class Shape:
    """One problem's sizes."""

    tokens: int
    window: int
    sinks: int
    queries: int | None = None
    """None: as many as tokens."""
    heads: int = 4
    kv_heads: int = 2
    head_dim: int = 8
    features: int = 16
    values: int = 8
    batch: int = 1
    seed: int = 0


@dataclass(frozen=True)
class Case:
    """The arguments of `reference.quadratic`, by name; floating-point ones as a flat dictionary."""

    leaves: dict[str, Tensor]
    plain: Tensor
    position: Tensor
    window: int
    eps: float = 1e-6

    def arguments(self) -> tuple[Any, ...]:
        x = self.leaves
        sinks = Sinks(x["sink_k"], x["sink_v"], self.position)
        return (
            *(x["q"], x["k"], x["v"], x["phi_q"], x["phi_k"], self.plain, sinks, self.window),
            *(x["gamma"], self.eps, LinearState(x["S"], x["z"])),
        )

    def to(self, dtype: torch.dtype) -> Case:
        """All floating-point arguments in one data type, ready to have gradients."""
        leaves = {
            name: x.detach().to(dtype).clone().requires_grad_() for name, x in self.leaves.items()
        }
        return replace(self, leaves=leaves)


def case(shape: Shape, dtype: torch.dtype, *, resumed: bool = False) -> Case:
    """Random inputs that `dtype` holds exactly, so that only the computing differs.

    Some tokens are padding, one key's features are all zero, and of the sinks one is older than the
    call, one arrives late, and one slot is empty (if there are as many). If `resumed`, a far field
    older than the call comes along.
    """
    generator = torch.Generator().manual_seed(shape.seed)
    queries = shape.queries or shape.tokens

    def normal(heads: int, *sizes: int) -> Tensor:
        x = torch.randn(shape.batch, heads, *sizes, generator=generator)
        return x.to(dtype).to(DEVICE, torch.float64)

    phi_k = normal(shape.kv_heads, shape.tokens, shape.features).relu()
    phi_k[:, :, shape.tokens // 3] = 0.0
    state = normal(shape.kv_heads, shape.features, shape.values + 1) * float(resumed)
    slots = torch.arange(shape.sinks).expand(shape.batch, -1) * 7 - 1
    slots = torch.where(slots > 13, shape.tokens, slots)
    leaves = {
        "q": normal(shape.heads, queries, shape.head_dim) / 2,
        "k": normal(shape.kv_heads, shape.tokens, shape.head_dim),
        "v": normal(shape.kv_heads, shape.tokens, shape.values),
        "phi_q": normal(shape.heads, queries, shape.features).relu(),
        "phi_k": phi_k,
        "sink_k": normal(shape.kv_heads, shape.sinks, shape.head_dim),
        "sink_v": normal(shape.kv_heads, shape.sinks, shape.values),
        "gamma": normal(1, shape.heads)[0, 0].sigmoid().to(dtype).double() + 0.5,
        "S": state[..., :-1],
        "z": state[..., -1].abs(),
    }
    plain = torch.rand(shape.batch, shape.tokens, generator=generator) > 0.15
    return Case(leaves, plain.to(DEVICE), slots.to(DEVICE), shape.window)


def reference(*arguments: Any) -> tuple[Tensor, LinearState]:
    """The quadratic form, and the far field once all but the last W tokens have left the window."""
    (_, k, v, _, phi_k, plain, _, window, _, _, state) = arguments
    upto = max(k.shape[2] - window, 0)
    return quadratic(*arguments), far_sums(phi_k, v, plain, state, upto)


def gradients(function: Any, problem: Case) -> dict[str, Tensor]:
    """Of a fixed random sum over the outputs and the far field afterwards."""
    out, after = function(*problem.arguments())
    total = torch.zeros((), device=DEVICE, dtype=torch.float64)
    for x in (out, after.S, after.z):
        generator = torch.Generator().manual_seed(x.numel())
        total = total + (x.double() * torch.randn(x.shape, generator=generator).to(DEVICE)).sum()
    names = list(problem.leaves)
    found = torch.autograd.grad(total, [problem.leaves[n] for n in names], materialize_grads=True)
    return dict(zip(names, found, strict=True))


def error(found: Tensor, truth: Tensor) -> float:
    """Root-mean-square error over the root mean square of the truth."""
    scale = truth.double().square().mean().sqrt().clamp_min(1e-12)
    return ((found.double() - truth.double()).square().mean().sqrt() / scale).item()


def assert_as_exact_as_pytorch(
    found: Tensor, truth: Tensor, pytorch: Tensor, dtype: torch.dtype
) -> None:
    """At most twice PyTorch's error in the same dtype, plus a part of that dtype's rounding."""
    floor = 1e-6 if dtype == torch.float32 else torch.finfo(dtype).eps / 4
    if truth.numel():
        most = 2 * error(pytorch, truth) + floor
        assert error(found, truth) <= most, (error(found, truth), most)
