"""Hedgehog: a learned softmax-type feature map, low in entropy like attention itself.

Zhang et al. 2024, "The Hedgehog & the Porcupine", arXiv:2402.04347, eq. 6:
phi(x) = [softmax(W x + b), softmax(-W x - b)], so F is twice the rows of W; one W per head, queries
and keys apart, started at the identity.

Dimension letters: H query heads, G kv heads, D head dim, F feature dim.
"""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from engine.core.feature_map import FeatureMap, LaidOut, lay_out, one_token, per_head
from engine.core.geometry import HeadGeometry
from engine.errors import IncompatibleMethod
from engine.kernels.linear_attention.maps import FusedMap
from engine.methods.base import FeatureMapMethod


def _near_identity(maps: int, rows: int, width: int, scale: float) -> Tensor:
    """[maps, rows, width]: scaled identity, repeated when rows > width, with a little noise so
    that repeated rows can grow apart."""
    eye = torch.eye(width).repeat(-(-rows // width), 1)[:rows]
    return scale * eye + 0.02 * torch.randn(maps, rows, width)


def _both_signs(weight: Tensor, bias: Tensor, dtype: torch.dtype) -> LaidOut:
    """W and b over -W and -b, so that one product gives both arguments."""
    return lay_out(torch.cat([weight, -weight], 1), torch.cat([bias, -bias], 2), dtype)


def _softmaxes(y: Tensor) -> Tensor:
    """Softmax of each half of y's last dimension."""
    return y.unflatten(-1, (2, -1)).softmax(-1).flatten(-2)


class HedgehogFeatureMap(FeatureMap):
    """Two softmaxes over F/2 learned projections, with opposite signs."""

    def __init__(self, head: HeadGeometry, feature_dim: int) -> None:
        super().__init__()
        self.feature_dim = feature_dim
        rows, width = feature_dim // 2, head.head_dim
        # The query arrives divided by sqrt(D); the paper's identity start is on the unscaled one.
        self.query_weight = nn.Parameter(_near_identity(head.heads, rows, width, width**0.5))
        self.key_weight = nn.Parameter(_near_identity(head.kv_heads, rows, width, 1.0))
        self.query_bias = nn.Parameter(torch.zeros(head.heads, 1, rows))
        self.key_bias = nn.Parameter(torch.zeros(head.kv_heads, 1, rows))
        self._laid_out: tuple[LaidOut, LaidOut] | None = None

    @staticmethod
    def _map(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        y = per_head(x, weight, bias)
        return torch.cat([y.softmax(-1), (-y).softmax(-1)], dim=-1)

    def query(self, q: Tensor) -> Tensor:
        return self._map(q, self.query_weight, self.query_bias)

    def key(self, k: Tensor) -> Tensor:
        return self._map(k, self.key_weight, self.key_bias)

    def one_token(self, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        if self._laid_out is None:
            self._laid_out = (
                _both_signs(self.query_weight, self.query_bias, q.dtype),
                _both_signs(self.key_weight, self.key_bias, k.dtype),
            )
        for_query, for_key = self._laid_out
        return _softmaxes(one_token(q, for_query)), _softmaxes(one_token(k, for_key))

    def renew(self) -> None:
        self._laid_out = None

    def fused(self) -> FusedMap:
        return FusedMap(
            "hedgehog",
            self.feature_dim,
            self.query_weight,
            self.query_bias,
            self.key_weight,
            self.key_bias,
        )


class Hedgehog(FeatureMapMethod):
    """Learned softmax-type feature map (Zhang et al. 2024): closest to softmax, bigger state."""

    name: Literal["hedgehog"] = "hedgehog"
    feature_dim: Annotated[int, Field(ge=2, le=512)] | None = None
    """Width of each head's feature map (even); empty is twice the head dim, as in the paper."""

    def feature_map(self, head: HeadGeometry) -> FeatureMap:
        feature_dim = self.feature_dim or 2 * head.head_dim
        if feature_dim % 2:
            raise IncompatibleMethod(
                f"hedgehog needs an even feature_dim; found {feature_dim}.",
                f"Set method.feature_dim to {feature_dim + 1}.",
            )
        return HedgehogFeatureMap(head, feature_dim)
