"""Softmax window + sinks and a linear far field, recurrent: one token at constant cost.

Dimension letters: B batch, H query heads, G kv heads, R = H/G, D head dim, F feature dim, V value
dim, W window, K sink slots.
"""

from __future__ import annotations

import torch
from torch import Tensor

from engine.kernels.linear_attention.reference import LinearState


def step(
    q: Tensor,
    k_near: Tensor,
    v_near: Tensor,
    visible: Tensor,
    phi_q: Tensor,
    gamma: Tensor,
    eps: float,
    state: LinearState,
) -> Tensor:
    """Output [B, H, 1, V] for one token.

    Args:
        q: [B, H, 1, D], scaled.
        k_near: [B, G, W+K, D], the window (this token among it) and the sink slots.
        v_near: [B, G, W+K, V].
        visible: [B, W+K] bool, which of them are real tokens.
        phi_q: [B, H, 1, F].
        gamma: [H], weight of the near field.
        eps: smallest denominator.
        state: the far field: every token that has left the window.
    """
    batch, heads = q.shape[:2]
    kv_heads = k_near.shape[1]
    shape = (batch, kv_heads, heads // kv_heads, -1)
    logits = q.reshape(shape) @ k_near.transpose(-1, -2)
    logits = logits.masked_fill(~visible[:, None, None, :], -torch.inf)
    top = logits.amax(-1, keepdim=True)
    near = gamma.view(1, kv_heads, -1, 1) * torch.exp(
        logits - torch.where(top.isfinite(), top, 0.0)
    )
    far = phi_q.reshape(shape)
    numerator = near @ v_near + far @ state.S
    denominator = near.sum(-1, keepdim=True) + far @ state.z.unsqueeze(-1)
    out = numerator / denominator.clamp_min(eps)
    return out.flatten(1, 2).unsqueeze(2)
