"""RFA: random Fourier features of a Gaussian kernel.

Peng et al. 2021, "Random Feature Attention", arXiv:2103.02143, eq. 3-5:
phi(x) = sqrt(1/n) [sin(w_i . x^), cos(w_i . x^)] for i = 1..n, x^ = x / |x|, so F = 2n;
w_i = sigma * u_i with fixed random u_i and a learned scale sigma per dimension.

Dimension letters: H query heads, G kv heads, D head dim, F feature dim.
"""

from __future__ import annotations

from typing import Annotated, Literal

import torch
import torch.nn.functional as nnf
from pydantic import Field
from torch import Tensor, nn

from engine.core.feature_map import FeatureMap, per_head
from engine.core.geometry import HeadGeometry
from engine.errors import IncompatibleMethod
from engine.methods.base import FeatureDim, FeatureMapMethod


class RandomFourierFeatureMap(FeatureMap):
    """sin and cos of F/2 random projections of the unit-length x, one set per kv head."""

    directions: Tensor

    def __init__(self, head: HeadGeometry, feature_dim: int) -> None:
        super().__init__()
        self.feature_dim = feature_dim
        shape = (head.kv_heads, feature_dim // 2, head.head_dim)
        self.register_buffer("directions", torch.randn(shape))
        self.sigma = nn.Parameter(torch.ones(head.kv_heads, 1, head.head_dim))

    def _map(self, x: Tensor) -> Tensor:
        angle = per_head(nnf.normalize(x, dim=-1), self.directions * self.sigma)
        return torch.cat([angle.sin(), angle.cos()], dim=-1) * (self.feature_dim / 2) ** -0.5

    def query(self, q: Tensor) -> Tensor:
        return self._map(q)

    def key(self, k: Tensor) -> Tensor:
        return self._map(k)


class Rfa(FeatureMapMethod):
    """Random Fourier features with a learned scale (Peng et al. 2021): the paper's second rival."""

    name: Literal["rfa"] = "rfa"
    feature_dim: FeatureDim = 32
    """Width of each head's feature map (even): half sines, half cosines."""
    eps: Annotated[float, Field(gt=0, le=1)] = 1e-2
    """Smallest denominator of the normaliser: these features are not positive, so it matters."""

    def feature_map(self, head: HeadGeometry) -> FeatureMap:
        if self.feature_dim % 2:
            raise IncompatibleMethod(
                f"rfa needs an even feature_dim; found {self.feature_dim}.",
                f"Set method.feature_dim to {self.feature_dim + 1}.",
            )
        return RandomFourierFeatureMap(head, self.feature_dim)
