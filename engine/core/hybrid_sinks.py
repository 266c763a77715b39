"""Which of the tokens that arrive become sinks of a hybrid layer.

Dimension letters: B batch, G kv heads, T tokens, D head dim, V value dim, W window, K sink slots.
"""

from __future__ import annotations

import torch
from torch import Tensor

from engine.core.hybrid_state import HybridState
from engine.kernels.hybrid_attention.reference import Sinks


def arrange(
    k: Tensor, v: Tensor, valid: Tensor | None, state: HybridState, *, window: int
) -> tuple[Tensor, Sinks, Tensor]:
    """The first K real tokens of each sequence are sinks; `state` is read, not changed.

    Args:
        k: [B, G, T, D]. v: [B, G, T, V]: the tokens that arrive.
        valid: [B, T] bool, False at padding; None if all are real.
        state: what came before.
        window: W.

    Returns:
        `plain` [B, T] bool, the tokens that are neither padding nor sinks; the sink slots
        afterwards; and `HybridState.seen` afterwards.
    """
    batch, _, tokens, _ = k.shape
    if valid is None:
        valid = torch.ones(batch, tokens, dtype=torch.bool, device=k.device)
    old_k, old_v = (x[:, :, window:].to(k.dtype) for x in (state.k, state.v))
    slots = torch.arange(old_k.shape[2], device=k.device)
    order = state.seen[:, :1] + valid.cumsum(1) - 1
    is_sink = valid & (order < len(slots))
    taken = is_sink[:, :, None] & (order[:, :, None] == slots)  # [B, T, K]
    position = taken.int().argmax(1)
    arrived = taken.any(1)

    def fill(x: Tensor, old: Tensor) -> Tensor:
        index = position[:, None, :, None].expand(-1, x.shape[1], -1, x.shape[3])
        return torch.where(arrived[:, None, :, None], x.gather(2, index), old)

    absent = torch.where(state.visible[:, 0, window:], -1, tokens)
    sinks = Sinks(
        k=fill(k, old_k),
        v=fill(v, old_v),
        position=torch.where(arrived, position, absent),
    )
    return valid & ~is_sink, sinks, state.seen + valid.sum(1, keepdim=True)
