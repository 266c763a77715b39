"""What the fused kernels need to know of a feature map: its kind and its weights.

Dimension letters: B batch, H query heads, G kv heads, T tokens, D head dim, F feature dim.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

MapKind = Literal["identity", "relu", "elu", "hedgehog"]


@dataclass(frozen=True)
class FusedMap:
    """A feature map that the kernels compute themselves, so that phi never goes through memory.

    relu: max(W x + b, 0), one W, b per kv head for queries and keys alike (T2R).
    elu: elu(x) + 1, F = D, no weights.
    hedgehog: [softmax(W x + b), softmax(-W x - b)], F = twice the rows of W; queries have one W, b
    per query head, keys one per kv head.
    identity: x is phi already, F = D, no weights; features may be negative (random Fourier).
    """

    kind: MapKind
    feature_dim: int
    """F."""
    query_weight: Tensor | None = None
    """[G, F, D] for relu, [H, F/2, D] for hedgehog."""
    query_bias: Tensor | None = None
    """[G, F] for relu, [H, 1, F/2] for hedgehog."""
    key_weight: Tensor | None = None
    """[G, F, D] for relu, [G, F/2, D] for hedgehog."""
    key_bias: Tensor | None = None
    """[G, F] for relu, [G, 1, F/2] for hedgehog."""

    @property
    def weights(self) -> tuple[Tensor | None, Tensor | None, Tensor | None, Tensor | None]:
        """Query weight and bias, key weight and bias."""
        return self.query_weight, self.query_bias, self.key_weight, self.key_bias
