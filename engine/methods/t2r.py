"""T2R: a learned ReLU feature map per head.

Kasai et al. 2021, "Finetuning Pretrained Transformers into RNNs", arXiv:2103.13076, eq. 5:
phi(x) = relu(W x + b), one W, b per head for queries and keys alike, 1/sqrt(D) applied to the query
before phi. The paper predates grouped queries: here one map per kv head, so that the query heads of
a group share one state.

Dimension letters: B batch, H query heads, G kv heads, T tokens, D head dim, F feature dim.
"""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from engine.core.feature_map import FeatureMap, LaidOut, lay_out, one_token, per_head
from engine.core.geometry import HeadGeometry
from engine.kernels.linear_attention.maps import FusedMap
from engine.methods.base import FeatureDim, FeatureMapMethod


class ReluFeatureMap(FeatureMap):
    """relu(W x + b) with W [G, F, D] and b [G, F]; notes which features ever fire."""

    fired: Tensor
    dead: Tensor

    def __init__(self, head: HeadGeometry, feature_dim: int) -> None:
        super().__init__()
        self.feature_dim = feature_dim
        self.weight = nn.Parameter(torch.empty(head.kv_heads, feature_dim, head.head_dim))
        self.bias = nn.Parameter(torch.zeros(head.kv_heads, feature_dim))
        for weight in self.weight.unbind():
            nn.init.xavier_uniform_(weight.data)
        # No part of a saved model, but of a checkpoint: a count goes on where it was stopped.
        off = torch.zeros(head.kv_heads, feature_dim, dtype=torch.bool)
        self.register_buffer("fired", off, persistent=False)
        self.register_buffer("dead", off.clone(), persistent=False)
        self._laid_out: LaidOut | None = None

    def _map(self, x: Tensor) -> Tensor:
        y = per_head(x, self.weight, self.bias)
        return torch.relu(y) if torch.is_grad_enabled() else y.relu_()

    def query(self, q: Tensor) -> Tensor:
        return self._map(q)

    def key(self, k: Tensor) -> Tensor:
        return self._map(k)

    def one_token(self, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        laid = self._laid_out
        if laid is None:
            self._laid_out = laid = lay_out(self.weight, self.bias, q.dtype)
        return one_token(q, laid).relu_(), one_token(k, laid).relu_()

    def renew(self) -> None:
        self._laid_out = None

    def fused(self) -> FusedMap:
        own = (self.weight, self.bias)
        return FusedMap("relu", self.feature_dim, *own, *own)

    def note(self, phi_k: Tensor, counted: Tensor | None) -> None:
        # A feature is alive while any key switches it on: without keys it adds nothing.
        on = phi_k.detach() > 0
        if counted is not None:
            on = on & counted[:, None, :, None]
        self.fired |= on.any(2).any(0)

    def dead_features(self) -> float:
        self.dead.copy_(~self.fired)
        self.fired.zero_()
        return self.dead.float().mean().item()

    def revive(self) -> int:
        fresh = torch.empty_like(self.weight)
        for weight in fresh.unbind():
            nn.init.xavier_uniform_(weight)
        with torch.no_grad():
            self.weight.copy_(torch.where(self.dead[..., None], fresh, self.weight))
            # A small positive bias lets the new feature fire, hence receive a gradient.
            self.bias.masked_fill_(self.dead, 0.1)
        return int(self.dead.sum())


class T2R(FeatureMapMethod):
    """Learned per-head ReLU feature map (Kasai et al. 2021): small state, needs training."""

    name: Literal["t2r"] = "t2r"
    feature_dim: FeatureDim = 32
    """Width of each head's feature map: larger is closer to softmax, slower, and a bigger state."""
    eps: Annotated[float, Field(gt=0, le=1)] = 1e-2
    """Smallest denominator of the normaliser (1e-2 in the paper's code)."""

    def feature_map(self, head: HeadGeometry) -> FeatureMap:
        return ReluFeatureMap(head, self.feature_dim)
