"""Normalised linear attention in its recurrent form: one token, state updated in place.

Dimension letters: B batch, H query heads, G kv heads, R = H/G, F feature dim, V value dim.
"""

from __future__ import annotations

import torch
from torch import Tensor

from engine.kernels.linear_attention.reference import LinearState


def step(phi_q: Tensor, phi_k: Tensor, v: Tensor, eps: float, state: LinearState) -> Tensor:
    """Output [B, H, 1, V] for one token; `state` holds that token afterwards.

    In place, so that the state keeps its address: not for use under autograd.

    Args:
        phi_q: [B, H, 1, F]. phi_k: [B, G, 1, F]. v: [B, G, 1, V].
        eps: smallest denominator.
        state: the state before the token; changed.
    """
    # Three-dimensional, and as few calls as possible: at this size their bookkeeping is half of the
    # time. S and z are viewed, not reshaped: a copy would lose the token.
    batch, heads, _, features = phi_q.shape
    kv_heads, values = v.shape[1], v.shape[3]
    lanes = batch * kv_heads
    S = state.S.view(lanes, features, values)
    k = phi_k.reshape(lanes, features, 1)
    S.addcmul_(k, v.reshape(lanes, 1, values))
    z = state.z.view(lanes, features, 1).add_(k)
    q = phi_q.reshape(lanes, heads // kv_heads, features)
    denominator = torch.bmm(q, z).clamp_min_(eps)
    return torch.bmm(q, S).div_(denominator).view(batch, heads, 1, values)
