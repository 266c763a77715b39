"""Softmax window + sinks and a linear far field under one denominator: the quadratic truth.

    out_i = ( g sum_{j in near(i)} e^{q_i.k_j - c_i} v_j + sum_{j in far(i)} phi(q_i).phi(k_j) v_j )
            / max(the same sums without v_j, eps),   c_i = max over near(i) of q_i.k_j

(LoLCATs, Zhang et al. 2024, arXiv:2410.10254, eq. 6, with sink tokens added.) near(i) is the
sink tokens seen so far and the other tokens at most W-1 back; far(i) is every older token that is
no sink. q arrives already scaled by 1/sqrt(D). The largest near weight is g, so that eps matters
only to features that can be negative, to a tiny g, and to padding, whose sums are all zero.

Dimension letters: B batch, H query heads, G kv heads, R = H/G, T tokens, D head dim, F feature
dim, V value dim, W window, K sink slots.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.kernels.linear_attention.reference import LinearState, group


@dataclass
class Sinks:
    """The first tokens of each sequence, which every later token may attend to exactly."""

    k: Tensor
    """[B, G, K, D]."""
    v: Tensor
    """[B, G, K, V]."""
    position: Tensor
    """[B, K] long: index of the sink among this call's tokens; negative if older than the call;
    at or beyond T while the slot is empty."""


def near_and_far(
    plain: Tensor, sinks: Sinks, window: int, first_query: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Who sees whom: masks near [B, Tq, T], sink [B, Tq, K], far [B, Tq, T].

    Args:
        plain: [B, T] bool, key tokens that are neither padding nor sinks.
        sinks: the sink slots.
        window: W.
        first_query: key index of the first query; queries are keys first_query .. T-1.
    """
    keys = torch.arange(plain.shape[1], device=plain.device)
    queries = keys[first_query:]
    distance = queries[:, None] - keys[None, :]
    near = (distance >= 0) & (distance < window) & plain[:, None, :]
    far = (distance >= window) & plain[:, None, :]
    sink = sinks.position[:, None, :] <= queries[None, :, None] - first_query
    return near, sink, far


def quadratic(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    phi_q: Tensor,
    phi_k: Tensor,
    plain: Tensor,
    sinks: Sinks,
    window: int,
    gamma: Tensor,
    eps: float,
    state: LinearState,
) -> Tensor:
    """Outputs [B, H, Tq, V], with the whole Tq x T matrix.

    Args:
        q: [B, H, Tq, D], scaled; the queries of the last Tq tokens.
        k: [B, G, T, D], the tokens of this call after the T - Tq still in the window.
        v: [B, G, T, V].
        phi_q: [B, H, Tq, F]. phi_k: [B, G, T, F].
        plain: [B, T] bool, tokens that are neither padding nor sinks.
        sinks: the sink slots.
        window: W.
        gamma: [H], weight of the near field, positive.
        eps: smallest denominator.
        state: the far field older than these T tokens.
    """
    kv_heads = k.shape[1]
    first_query = k.shape[2] - q.shape[2]
    near, sink, far = near_and_far(plain, sinks, window, first_query)
    grouped = group(q, kv_heads)
    logits = torch.cat(
        [
            torch.einsum("bgrid,bgjd->bgrij", grouped, k).masked_fill(
                ~near[:, None, None], -torch.inf
            ),
            torch.einsum("bgrid,bgjd->bgrij", grouped, sinks.k).masked_fill(
                ~sink[:, None, None], -torch.inf
            ),
        ],
        dim=-1,
    )
    top = logits.amax(-1, keepdim=True)
    near_weights = gamma.view(1, kv_heads, -1, 1, 1) * torch.exp(
        logits - torch.where(top.isfinite(), top, 0.0)
    )
    grouped_phi = group(phi_q, kv_heads)
    far_weights = torch.einsum("bgrif,bgjf->bgrij", grouped_phi, phi_k).masked_fill(
        ~far[:, None, None], 0.0
    )
    numerator = (
        torch.einsum("bgrij,bgjv->bgriv", near_weights, torch.cat([v, sinks.v], dim=2))
        + torch.einsum("bgrij,bgjv->bgriv", far_weights, v)
        + torch.einsum("bgrif,bgfv->bgriv", grouped_phi, state.S)
    )
    denominator = (
        near_weights.sum(-1)
        + far_weights.sum(-1)
        + torch.einsum("bgrif,bgf->bgri", grouped_phi, state.z)
    )
    out = numerator / denominator.clamp_min(eps).unsqueeze(-1)
    return out.flatten(1, 2)


def far_sums(phi_k: Tensor, v: Tensor, plain: Tensor, state: LinearState, upto: int) -> LinearState:
    """The far field once the first `upto` tokens have left the window."""
    gone = phi_k[:, :, :upto] * plain[:, None, :upto, None]
    return LinearState(S=state.S + gone.transpose(-1, -2) @ v[:, :, :upto], z=state.z + gone.sum(2))
