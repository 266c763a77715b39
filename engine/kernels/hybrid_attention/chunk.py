"""Softmax window + sinks and a linear far field, chunked: linear in T, no T x T matrix.

A chunk is at least as long as the window, so that a query's window ends in its own chunk or the one
before. Those two chunks are treated exactly (near by softmax, the rest by phi); everything older is
in the running state. Same formula and arguments as `reference.quadratic`.

Dimension letters: B batch, H query heads, G kv heads, R = H/G, T tokens, D head dim, F feature
dim, V value dim, C chunk size, N chunks, W window, K sink slots.
"""

from __future__ import annotations

import torch
import torch.nn.functional as nnf
from torch import Tensor

from engine.kernels.hybrid_attention.reference import Sinks
from engine.kernels.linear_attention.reference import LinearState

CHUNK = 32
"""Smallest chunk size; below it the many small matrix products cost more than they save."""


def chunked(
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
    chunk: int = CHUNK,
) -> Tensor:
    """Outputs [B, H, Tq, V]; arguments as `reference.quadratic`, and the chunk size C."""
    (batch, heads, queries, _), (kv_heads, tokens, values) = q.shape, v.shape[1:]
    ratio, size = heads // kv_heads, max(chunk, window)
    first_query = tokens - queries
    padding = -tokens % size
    n = (tokens + padding) // size

    def keys(x: Tensor) -> Tensor:
        """[B, G, T, X] cut to [B, G, N, C, X]."""
        x = nnf.pad(x, (0, 0, 0, padding))
        return x.reshape(batch, kv_heads, n, size, x.shape[-1])

    def grouped(x: Tensor) -> Tensor:
        """[B, H, Tq, X] cut to [B, G, N, R*C, X]; a query stands in its key's chunk."""
        x = nnf.pad(x, (0, 0, first_query, padding))
        x = x.reshape(batch, kv_heads, ratio, n, size, x.shape[-1]).transpose(2, 3)
        return x.reshape(batch, kv_heads, n, ratio * size, x.shape[-1])

    def with_previous(x: Tensor) -> Tensor:
        """Each chunk of keys behind the chunk before it: [B, G, N, 2C, X]."""
        return torch.cat([nnf.pad(x, (0, 0, 0, 0, 1, 0))[:, :, :-1], x], dim=3)

    q_c, phi_q_c = grouped(q), grouped(phi_q)
    phi_k = phi_k * plain[:, None, :, None]
    phi_k_c, v1_c = keys(phi_k), keys(nnf.pad(v, (0, 1), value=1.0))
    plain_c = nnf.pad(plain, (0, padding)).view(batch, 1, n, size, 1)
    plain_2 = with_previous(plain_c).transpose(-1, -2)  # [B, 1, N, 1, 2C]

    row = torch.arange(size, device=q.device).repeat(ratio)
    column = torch.arange(2 * size, device=q.device) - size
    distance = row[:, None] - column[None, :]  # [R*C, 2C]
    near = (distance >= 0) & (distance < window) & plain_2

    k_2, v_2, phi_k_2 = with_previous(keys(k)), with_previous(v1_c), with_previous(phi_k_c)
    near_logits = (q_c @ k_2.transpose(-1, -2)).masked_fill(~near, -torch.inf)
    index = torch.arange(n, device=q.device)[:, None] * size + row[None, :] - first_query
    sink = sinks.position[:, None, None, None, :] <= index[None, None, :, :, None]
    sink_logits = (q_c @ sinks.k.unsqueeze(2).transpose(-1, -2)).masked_fill(~sink, -torch.inf)
    logits = torch.cat([near_logits, sink_logits], dim=-1)
    top = logits.amax(-1, keepdim=True)
    near_weights = torch.exp(logits - torch.where(top.isfinite(), top, 0.0))
    gamma_rows = gamma.view(kv_heads, ratio).repeat_interleave(size, dim=1)
    near_weights = near_weights * gamma_rows.view(1, kv_heads, 1, ratio * size, 1)
    sink_v1 = nnf.pad(sinks.v, (0, 1), value=1.0).unsqueeze(2)

    far_weights = (phi_q_c @ phi_k_2.transpose(-1, -2)).masked_fill(distance < window, 0.0)
    start = torch.cat([state.S, state.z.unsqueeze(-1)], dim=-1).unsqueeze(2)
    sums = torch.cumsum(phi_k_c.transpose(-1, -2) @ v1_c, dim=2)
    # Chunk n reads the state after chunk n-2: the two chunks treated exactly are not in it.
    older = nnf.pad(sums, (0, 0, 0, 0, 2, 0))[:, :, :n] + start

    both = (near_weights[..., : 2 * size] + far_weights) @ v_2
    both = both + near_weights[..., 2 * size :] @ sink_v1 + phi_q_c @ older
    both = both.view(batch, kv_heads, n, ratio, size, values + 1).transpose(2, 3)
    both = both.reshape(batch, heads, n * size, values + 1)[:, :, first_query:tokens]
    return both[..., :-1] / both[..., -1:].clamp_min(eps)
