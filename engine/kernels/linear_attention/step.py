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
    state.S.addcmul_(phi_k.transpose(-1, -2), v)
    state.z.add_(phi_k.squeeze(2))
    # Three-dimensional from here on: at this size the time of a call is that of its bookkeeping.
    batch, heads = phi_q.shape[:2]
    S = state.S.flatten(0, 1)
    q = phi_q.reshape(len(S), -1, phi_q.shape[3])  # [B*G, R, F]
    denominator = torch.bmm(q, state.z.view(len(S), -1, 1)).clamp_min_(eps)
    return torch.bmm(q, S).div_(denominator).view(batch, heads, 1, -1)
