"""Normalised linear attention in its quadratic form: the truth the other forms are tested against.

    out_i = sum_{j<=i} (phi(q_i).phi(k_j)) v_j / max(sum_{j<=i} phi(q_i).phi(k_j), eps)

(Katharopoulos et al. 2020, arXiv:2006.16236, eq. 9-12; the clamp by eps as in Kasai et al. 2021.)

Dimension letters: B batch, H query heads, G kv heads, R = H/G query heads per kv head, T tokens,
F feature dim, V value dim.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass
class LinearState:
    """Everything the past leaves behind, per kv head, in float32."""

    S: Tensor
    """[B, G, F, V]: sum over past tokens of phi(k) v^T."""
    z: Tensor
    """[B, G, F]: sum over past tokens of phi(k)."""


def empty_state(
    batch: int, kv_heads: int, feature_dim: int, value_dim: int, device: torch.device
) -> LinearState:
    """The state before the first token."""
    shape = (batch, kv_heads, feature_dim)
    return LinearState(
        S=torch.zeros(*shape, value_dim, device=device, dtype=torch.float32),
        z=torch.zeros(*shape, device=device, dtype=torch.float32),
    )


def group(x: Tensor, kv_heads: int) -> Tensor:
    """View [B, H, T, X] as [B, G, R, T, X], so that a kv head meets its own query heads."""
    batch, heads, tokens, width = x.shape
    return x.view(batch, kv_heads, heads // kv_heads, tokens, width)


def similarities(phi_q: Tensor, phi_k: Tensor) -> Tensor:
    """Causal phi(q_i).phi(k_j), zero above the diagonal: [B, G, R, T, T]."""
    scores = torch.einsum("bgrif,bgjf->bgrij", group(phi_q, phi_k.shape[1]), phi_k)
    return scores.tril()


def weights(phi_q: Tensor, phi_k: Tensor, eps: float) -> Tensor:
    """The T x T attention weights this mixer amounts to: [B, H, T, T]; rows sum to at most 1."""
    scores = similarities(phi_q, phi_k)
    return (scores / scores.sum(-1, keepdim=True).clamp_min(eps)).flatten(1, 2)


def quadratic(
    phi_q: Tensor, phi_k: Tensor, v: Tensor, eps: float, state: LinearState | None = None
) -> tuple[Tensor, LinearState]:
    """Outputs [B, H, T, V] and the state after the last token, with the whole T x T matrix.

    Args:
        phi_q: [B, H, T, F], phi of the queries.
        phi_k: [B, G, T, F], phi of the keys; all-zero rows are tokens to ignore.
        v: [B, G, T, V].
        eps: smallest denominator.
        state: what came before these tokens; None is nothing.
    """
    scores = similarities(phi_q, phi_k)
    numerator = torch.einsum("bgrij,bgjv->bgriv", scores, v)
    denominator = scores.sum(-1)
    S = torch.einsum("bgtf,bgtv->bgfv", phi_k, v)
    z = phi_k.sum(2)
    if state is not None:
        grouped = group(phi_q, phi_k.shape[1])
        numerator = numerator + torch.einsum("bgrif,bgfv->bgriv", grouped, state.S)
        denominator = denominator + torch.einsum("bgrif,bgf->bgri", grouped, state.z)
        S, z = S + state.S, z + state.z
    out = numerator / denominator.clamp_min(eps).unsqueeze(-1)
    return out.flatten(1, 2), LinearState(S, z)
