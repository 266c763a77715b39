"""What stands in for softmax attention in one layer: the interface every method builds.

Dimension letters: B batch, H query heads, G kv heads, T tokens, D head dim, V value dim.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor, nn

from engine.core.geometry import HeadGeometry
from engine.kernels.dispatch import Backend, Stage


def widen(x: Tensor) -> Tensor:
    """x in at least float32: sums over a long past and denominators need it."""
    return x if x.dtype in (torch.float32, torch.float64) else x.float()


class Mixer(nn.Module, ABC):
    """Maps queries, keys and values to outputs over time, for one layer.

    Queries arrive scaled (by 1/sqrt(D) in most families) and, like keys, with positions applied.
    """

    keeps_kv_cache = False
    """True when the layer's own growing KV cache serves as the state (softmax only)."""

    def __init__(self, head: HeadGeometry) -> None:
        super().__init__()
        self.head = head
        self.ran: dict[Stage, set[Backend]] = {}
        """Which code has computed each stage that has run; a null conversion's stays empty."""

    @abstractmethod
    def forward(
        self, q: Tensor, k: Tensor, v: Tensor, valid: Tensor | None = None, state: Any = None
    ) -> Tensor:
        """Outputs [B, H, T, V] for T tokens at once (training and prefill).

        Args:
            q: [B, H, T, D]. k: [B, G, T, D]. v: [B, G, T, V].
            valid: [B, T] bool, False at padding; None if all are real.
            state: what came before; afterwards it holds these tokens too. None starts empty and
                keeps nothing.
        """

    @abstractmethod
    def step(self, q: Tensor, k: Tensor, v: Tensor, state: Any) -> Tensor:
        """Output [B, H, 1, V] for one real token at constant cost; `state` changes in place."""

    @abstractmethod
    def init_state(
        self, batch: int, device: torch.device, dtype: torch.dtype = torch.float32
    ) -> Any:
        """The state before the first token. `dtype` is that of the kept keys and values, if any."""

    @abstractmethod
    def weights(self, q: Tensor, k: Tensor, valid: Tensor | None = None) -> Tensor:
        """The attention weights this mixer amounts to, [B, H, T, T], from an empty state."""

    def backend(self, stage: Stage, device: torch.device, dtype: torch.dtype) -> Backend:
        """Which code computes this stage for values of this dtype."""
        return "pytorch"

    def running(self, stage: Stage, v: Tensor) -> Backend:
        """`backend` for these values, noted in `ran`: what is asked just before it runs."""
        backend = self.backend(stage, v.device, v.dtype)
        if backend not in self.ran.get(stage, ()):
            self.ran.setdefault(stage, set()).add(backend)
        return backend

    def dead_features(self) -> float | None:
        """Fraction of features that were zero for every token since the last call; None if the
        method has no features that can die."""
        return None

    def revive(self) -> int:
        """Give the features found dead by the last `dead_features` new weights; how many."""
        return 0


class SoftmaxMixer(Mixer):
    """Softmax attention itself, for the null conversion: the family's own function runs.

    The swap hands the call back to transformers, so that nothing at all changes; what stands here
    is the formula for comparisons and pictures.
    """

    keeps_kv_cache = True

    def forward(
        self, q: Tensor, k: Tensor, v: Tensor, valid: Tensor | None = None, state: Any = None
    ) -> Tensor:
        return self.weights(q, k, valid) @ v.repeat_interleave(q.shape[1] // v.shape[1], 1)

    def step(self, q: Tensor, k: Tensor, v: Tensor, state: Any) -> Tensor:
        raise RuntimeError("softmax has no constant-size state: the KV cache serves it")

    def init_state(
        self, batch: int, device: torch.device, dtype: torch.dtype = torch.float32
    ) -> None:
        return None

    def weights(self, q: Tensor, k: Tensor, valid: Tensor | None = None) -> Tensor:
        k = k.repeat_interleave(q.shape[1] // k.shape[1], 1)
        seen = torch.ones(q.shape[2], k.shape[2], dtype=torch.bool, device=q.device).tril()
        if valid is not None:
            seen = seen & valid[:, None, None, :]
        logits = (q @ k.transpose(-1, -2)).masked_fill(~seen, -torch.inf)
        return torch.softmax(logits, dim=-1).nan_to_num(0.0)
