"""Normalised linear attention in its chunked form: linear in T, no T x T matrix.

Inside a chunk of C tokens the quadratic form, between chunks the running state. The value gets a
column of ones, so that numerator and denominator come out of the same matrix products.

Dimension letters: B batch, H query heads, G kv heads, R = H/G, T tokens, F feature dim, V value
dim, C chunk size, N chunks.
"""

from __future__ import annotations

import torch
import torch.nn.functional as nnf
from torch import Tensor

from engine.kernels.linear_attention.reference import LinearState

CHUNK = 64
"""Chunk size: the C x C part and the F x V state cost about the same at F = V = 64."""


def chunked(
    phi_q: Tensor,
    phi_k: Tensor,
    v: Tensor,
    eps: float,
    state: LinearState | None = None,
    chunk: int = CHUNK,
) -> tuple[Tensor, LinearState]:
    """Same arguments and results as `reference.quadratic`; `chunk` is C."""
    batch, heads, tokens, features = phi_q.shape
    kv_heads, values = v.shape[1], v.shape[3]
    chunk = min(chunk, max(tokens, 1))
    padding = -tokens % chunk
    n = (tokens + padding) // chunk
    # Zero rows of phi_k add nothing to any sum, so padding the end is exact.
    phi_q = nnf.pad(phi_q, (0, 0, 0, padding))
    phi_k = nnf.pad(phi_k, (0, 0, 0, padding))
    v1 = nnf.pad(nnf.pad(v, (0, 1), value=1.0), (0, 0, 0, padding))

    ratio = heads // kv_heads
    q_c = phi_q.view(batch, kv_heads, ratio, n, chunk, features).transpose(2, 3)
    q_c = q_c.reshape(batch, kv_heads, n, ratio * chunk, features)
    k_c = phi_k.reshape(batch, kv_heads, n, chunk, features)
    v_c = v1.reshape(batch, kv_heads, n, chunk, values + 1)

    causal = torch.ones(chunk, chunk, dtype=torch.bool, device=v.device).tril().repeat(ratio, 1)
    intra = (q_c @ k_c.transpose(-1, -2)).masked_fill(~causal, 0.0) @ v_c

    sums = torch.cumsum(k_c.transpose(-1, -2) @ v_c, dim=2)  # state after each chunk
    start = sums.new_zeros(batch, kv_heads, 1, features, values + 1)
    if state is not None:
        start = torch.cat([state.S, state.z.unsqueeze(-1)], dim=-1).unsqueeze(2).to(sums.dtype)
    before = torch.cat([start, start + sums[:, :, :-1]], dim=2)  # state before each chunk
    both = intra + q_c @ before

    both = both.view(batch, kv_heads, n, ratio, chunk, values + 1).transpose(2, 3)
    both = both.reshape(batch, heads, n * chunk, values + 1)[:, :, :tokens]
    out = both[..., :-1] / both[..., -1:].clamp_min(eps)
    final = start[:, :, 0] + sums[:, :, -1]
    return out, LinearState(S=final[..., :-1], z=final[..., -1])
