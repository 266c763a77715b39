"""Normalised linear attention in its recurrent form: one token, state updated in place.

As few calls as possible, on three-dimensional views: at this size a call's bookkeeping is half of
its time. S and z are viewed, not reshaped: a copy would lose the token.

Dimension letters: B batch, H query heads, G kv heads, R = H/G, F feature dim, V value dim.
"""

from __future__ import annotations

import torch
from torch import Tensor

from engine.kernels.linear_attention.reference import LinearState


def add_token(phi_k: Tensor, v: Tensor, state: LinearState) -> tuple[Tensor, Tensor]:
    """Let `state` hold one token more; its S [B*G, F, V] and z [B*G, F, 1] then.

    In place, so that the state keeps its address: not for use under autograd.

    Args:
        phi_k: [B, G, 1, F]. v: [B, G, 1, V].
        state: changed.
    """
    batch, kv_heads, _, features = phi_k.shape
    lanes, values = batch * kv_heads, v.shape[3]
    k = phi_k.reshape(lanes, features, 1)
    S = state.S.view(lanes, features, values).addcmul_(k, v.reshape(lanes, 1, values))
    return S, state.z.view(lanes, features, 1).add_(k)


def step(phi_q: Tensor, phi_k: Tensor, v: Tensor, eps: float, state: LinearState) -> Tensor:
    """Output [B, H, 1, V] for one token; `state` holds that token afterwards.

    Args:
        phi_q: [B, H, 1, F]. phi_k: [B, G, 1, F]. v: [B, G, 1, V].
        eps: smallest denominator.
        state: the state before the token; changed as by `add_token`.
    """
    S, z = add_token(phi_k, v, state)
    batch, heads, _, features = phi_q.shape
    q = phi_q.reshape(len(S), -1, features)
    denominator = torch.bmm(q, z).clamp_min_(eps)
    return torch.bmm(q, S).div_(denominator).view(batch, heads, 1, -1)
