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
    visible: Tensor | None,
    phi_q: Tensor,
    log_gamma: Tensor,
    eps: float,
    state: LinearState,
) -> Tensor:
    """Output [B, H, 1, V] for one token; without gradients.

    Args:
        q: [B, H, 1, D], scaled.
        k_near: [B, G, W+K, D], the window (this token among it) and the sink slots.
        v_near: [B, G, W+K, V].
        visible: [B, W+K] bool, which of them are real tokens; None if all are.
        phi_q: [B, H, 1, F].
        log_gamma: [H], logarithm of the near field's weight; minus infinity leaves it out.
        eps: smallest denominator.
        state: the far field: every token that has left the window.
    """
    # As few calls as possible, on three-dimensional views: see the linear step beside.
    batch, heads, _, width = q.shape
    _, kv_heads, slots, values = v_near.shape
    lanes, shared = batch * kv_heads, heads // kv_heads
    k_near = k_near.view(lanes, slots, width)
    near = torch.bmm(q.reshape(lanes, shared, width), k_near.transpose(1, 2))
    per_head = near.view(batch, heads, slots)
    if visible is not None:
        per_head.masked_fill_(~visible[:, None, :], -torch.inf)
    top = per_head.amax(-1, keepdim=True)
    if visible is not None:
        top = torch.where(top.isfinite(), top, 0.0)
    per_head.sub_(top.sub_(log_gamma.view(heads, 1))).exp_()
    far = phi_q.reshape(lanes, shared, -1)
    S, z = state.S.view(lanes, -1, values), state.z.view(lanes, -1, 1)
    denominator = torch.baddbmm(near.sum(-1, keepdim=True), far, z).clamp_min_(eps)
    numerator = torch.baddbmm(torch.bmm(near, v_near.view(lanes, slots, values)), far, S)
    return numerator.div_(denominator).view(batch, heads, 1, values)
