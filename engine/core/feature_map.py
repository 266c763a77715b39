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
    rows = heads // maps * tokens
    columns = weight.transpose(1, 2)
    start = None if bias is None else bias.view(maps, 1, features)
    # The time of a decode step is that of its calls, so none is made that changes nothing.
    if weight.dtype != x.dtype:
        columns = columns.to(x.dtype)
        start = None if start is None else start.to(x.dtype)
    if batch > 1 and rows <= width:
        # Few rows: sequences side by side under one W. A W for each would be more to copy.
        beside = x.reshape(batch, maps, rows, width).transpose(0, 1)
        out = _product(beside.reshape(maps, batch * rows, width), columns, start)
        out = out.view(maps, batch, rows, features).transpose(0, 1)
        return out.reshape(batch, heads, tokens, features)
    if batch > 1:
        columns = columns.repeat(batch, 1, 1)
        start = None if start is None else start.repeat(batch, 1, 1)
    out = _product(x.reshape(batch * maps, rows, width), columns, start)
    return out.view(batch, heads, tokens, features)


def _product(x: Tensor, columns: Tensor, start: Tensor | None) -> Tensor:
    return torch.bmm(x, columns) if start is None else torch.baddbmm(start, x, columns)
