"""The attention of one decode step in a stack of layers: what `benchmarks.decoding` times.

Dimension letters: L layers, B batch, H query heads, G kv heads, D head dim (also of v), F feature
dim.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.problems import EPS, relu_map
from engine.core.feature_map import LaidOut, lay_out, one_token
from engine.kernels.linear_attention.maps import FusedMap
from engine.kernels.linear_attention.reference import LinearState
from engine.kernels.linear_attention.step import step


@dataclass(frozen=True)
class Stack:
    """The attention of a model of this size."""

    layers: int
    batch: int
    heads: int
    kv_heads: int
    head_dim: int
    features: int

    @property
    def state_bytes(self) -> int:
        """S and z in float32 of all layers: each is read and written once in a step."""
        values = self.features * (self.head_dim + 1)
        return 4 * self.layers * self.batch * self.kv_heads * values


@dataclass(frozen=True)
class Layer:
    """One layer's token, weights and state."""

    q: Tensor
    k: Tensor
    v: Tensor
    weight: Tensor
    bias: Tensor
    state: LinearState
    laid: LaidOut
    """Weight and bias as the converted model lays them out once per generation."""

    def phi(self, x: Tensor) -> Tensor:
        """T2R's map in PyTorch, in float32 at least."""
        return relu_map(x.float() if x.dtype.itemsize < 4 else x, self.weight, self.bias)

    def t2r_pytorch(self) -> Tensor:
        """Map and step in PyTorch."""
        q, k, v = (x.float() if x.dtype.itemsize < 4 else x for x in (self.q, self.k, self.v))
        phi_q, phi_k = one_token(q, self.laid).relu_(), one_token(k, self.laid).relu_()
        return step(phi_q, phi_k, v, EPS, self.state)

    def t2r_triton(self) -> Tensor:
        """The fused step."""
        from engine.kernels.linear_attention.fused import step as fused_step

        own = (self.weight, self.bias)
        fmap = FusedMap("relu", self.weight.shape[1], *own, *own)
        return fused_step(self.q, self.k, self.v, fmap, EPS, self.state)


def layers(stack: Stack, device: torch.device, dtype: torch.dtype) -> list[Layer]:
    """Random layers whose states hold something."""
    generator = torch.Generator(device).manual_seed(0)

    def normal(*size: int, dtype: torch.dtype = dtype) -> Tensor:
        return torch.randn(size, generator=generator, device=device).to(dtype)

    b, h, g, d, f = stack.batch, stack.heads, stack.kv_heads, stack.head_dim, stack.features
    weights = [(normal(g, f, d, dtype=torch.float32) * d**-0.5, torch.ones(g, f, device=device))
               for _ in range(stack.layers)]  # fmt: skip
    return [
        Layer(
            normal(b, h, 1, d) * d**-0.5, normal(b, g, 1, d), normal(b, g, 1, d), *own,
            LinearState(
                normal(b, g, f, d, dtype=torch.float32),
                normal(b, g, f, dtype=torch.float32).abs() + 1,
            ),
            lay_out(*own, torch.float32),
        )
        for own in weights
    ]  # fmt: skip


def distance(found: Tensor, truth: Tensor) -> float:
    """Root-mean-square error over the root mean square of the truth."""
    difference = (found.double() - truth).square().mean() / truth.square().mean()
    return difference.sqrt().item()
