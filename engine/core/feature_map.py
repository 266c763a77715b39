"""The map phi that turns q.k into phi(q).phi(k), so that the past fits in a sum.

Dimension letters: B batch, H query heads, G kv heads, T tokens, D head dim, F feature dim.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

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

    def one_token(self, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        """`query` of q [B, H, 1, D] and `key` of k [B, G, 1, D] for a decode step without
        gradients. What a map lays out for it is kept until `renew`."""
        return self.query(q), self.key(k)

    def renew(self) -> None:
        """A state begins anew, perhaps with other weights: what was laid out no longer holds."""
        return

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
        return _beside(x, columns, start)  # few rows: a W for each sequence would be more to copy
    if batch > 1:
        columns = columns.repeat(batch, 1, 1)
        start = None if start is None else start.repeat(batch, 1, 1)
    out = _product(x.reshape(batch * maps, rows, width), columns, start)
    return out.view(batch, heads, tokens, features)


@dataclass(frozen=True)
class LaidOut:
    """Weights as the product of a single token reads them: a fifth of its time is finding them."""

    columns: Tensor
    """[M, D, F], contiguous."""
    start: Tensor
    """[M, 1, F]."""


def lay_out(weight: Tensor, bias: Tensor, dtype: torch.dtype) -> LaidOut:
    """W [M, F, D] and b (M * F values) for `one_token` of this dtype; they are copied."""
    maps, features, _ = weight.shape
    columns = weight.detach().to(dtype).transpose(1, 2).clone(memory_format=torch.contiguous_format)
    return LaidOut(columns, bias.detach().to(dtype, copy=True).view(maps, 1, features))


def one_token(x: Tensor, laid: LaidOut) -> Tensor:
    """`per_head` of a token of each sequence, [B, H, 1, D] to [B, H, 1, F], without gradients."""
    if len(x) > 1:
        return _beside(x, laid.columns, laid.start)
    maps, width, features = laid.columns.shape
    out = torch.baddbmm(laid.start, x.reshape(maps, -1, width), laid.columns)
    return out.view(1, -1, 1, features)


def _beside(x: Tensor, columns: Tensor, start: Tensor | None) -> Tensor:
    """The product with the sequences side by side under one W."""
    batch, heads, tokens, width = x.shape
    maps, _, features = columns.shape
    rows = x.reshape(batch, maps, -1, width).transpose(0, 1).reshape(maps, -1, width)
    out = _product(rows, columns, start).view(maps, batch, -1, features).transpose(0, 1)
    return out.reshape(batch, heads, tokens, features)


def _product(x: Tensor, columns: Tensor, start: Tensor | None) -> Tensor:
    return torch.bmm(x, columns) if start is None else torch.baddbmm(start, x, columns)
