"""The map phi that turns q.k into phi(q).phi(k), so that the past fits in a sum.

Dimension letters: B batch, H query heads, G kv heads, T tokens, D head dim, F feature dim.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from engine.kernels.linear_attention.maps import FusedMap


class FeatureMap(nn.Module, ABC):
    """phi for queries and keys of one layer. Queries arrive scaled."""

    feature_dim: int
    """F."""

    @abstractmethod
    def query(self, q: Tensor) -> Tensor:
        """phi of queries: [B, H, T, D] to [B, H, T, F]."""

    @abstractmethod
    def key(self, k: Tensor) -> Tensor:
        """phi of keys: [B, G, T, D] to [B, G, T, F]."""

    def fused(self) -> FusedMap | None:
        """This map as the fused kernels compute it; None if they know no such map, so that they
        are handed phi itself."""
        return None

    def note(self, phi_k: Tensor, counted: Tensor | None) -> None:
        """Told in training what came out for keys.

        Args:
            phi_k: [B, G, T, F]; or [B, G, 1, F], their sum over the counted keys.
            counted: [B, T] bool, the keys whose features are ever used; None if all are.
        """
        return

    def dead_features(self) -> float | None:
        """See `Mixer.dead_features`."""
        return None

    def revive(self) -> int:
        """See `Mixer.revive`."""
        return 0


def per_head(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Each head's own linear map of x [B, H, T, D]: [B, H, T, F].

    Args:
        weight: [M, F, D], M being H or G; with G the query heads of one kv head share its map.
        bias: M * F values; None adds nothing.
    """
    batch, heads, tokens, width = x.shape
    maps, features, _ = weight.shape
    grouped = x.reshape(batch * maps, heads // maps * tokens, width)
    columns = weight.transpose(1, 2)
    # The time of a decode step is that of its calls, so none is made that changes nothing.
    if weight.dtype != x.dtype:
        columns = columns.to(x.dtype)
    if batch > 1:
        columns = columns.repeat(batch, 1, 1)
    if bias is None:
        return torch.bmm(grouped, columns).view(batch, heads, tokens, features)
    start = bias.view(maps, 1, features)
    if bias.dtype != x.dtype:
        start = start.to(x.dtype)
    if batch > 1:
        start = start.repeat(batch, 1, 1)
    return torch.baddbmm(start, grouped, columns).view(batch, heads, tokens, features)
