"""Triton kernel of the recurrent form: one decode step, the state updated where it lies.

One program per (sequence, kv head): phi of the key and of the R query heads, S and z, normaliser
and outputs. Everything in float32 and without matrix products, so it also runs on compute
capability 7.5. Shapes and addresses are fixed, nothing is read back: safe in a CUDA graph.

Dimension letters: B batch, H query heads, G kv heads, R = H/G, D head dim, F feature dim, V value
dim.
"""

# pyright: reportGeneralTypeIssues=false
# (Triton's own functions are annotated for the compiler, not for a type checker.)

import triton
import triton.language as tl

from engine.kernels.linear_attention.fused_maps import feature_columns, phi_vector


@triton.jit
def decode_step(
    q_ptr, k_ptr, v_ptr, wq_ptr, bq_ptr, wk_ptr, bk_ptr, S_ptr, z_ptr, out_ptr,
    q_b, q_h, k_b, k_h, v_b, v_h, eps,
    G: tl.constexpr, R: tl.constexpr, D: tl.constexpr, F: tl.constexpr, V: tl.constexpr,
    BLOCK_R: tl.constexpr, BLOCK_F: tl.constexpr, BLOCK_V: tl.constexpr, BLOCK_D: tl.constexpr,
    MAP: tl.constexpr,
):  # fmt: skip
    """S += phi(k) v^T, z += phi(k), out = phi(q) S / max(phi(q).z, eps) for one token.

    S [B, G, F, V], z [B, G, F] and out [B, H, V] are contiguous. One program does all of V: a
    second one would read z after the first has changed it.
    """
    lane = tl.program_id(0)
    b, g = (lane // G).to(tl.int64), (lane % G).to(tl.int64)
    column, exists, row = feature_columns(F, BLOCK_F, MAP, 0)
    rows: tl.constexpr = F // 2 if MAP == "hedgehog" else F
    phi_k = phi_vector(
        k_ptr + b * k_b + g * k_h, wk_ptr + g * rows * D, bk_ptr + g * rows,
        column, exists, row, D, F, BLOCK_F, BLOCK_D, MAP,
    )  # fmt: skip
    phi_k = tl.sum(phi_k, 0)
    z_at = z_ptr + lane.to(tl.int64) * F + column
    z = tl.load(z_at, mask=exists, other=0.0) + phi_k
    tl.store(z_at, z, mask=exists)
    # A tensor cannot be written row by row: each head's phi is merged in where its row is.
    r_at = tl.arange(0, BLOCK_R)
    phi_q = tl.zeros((BLOCK_R, BLOCK_F), tl.float32)
    for r in tl.static_range(R):
        h = g * R + r
        own = h if MAP == "hedgehog" else g
        one = phi_vector(
            q_ptr + b * q_b + h * q_h, wq_ptr + own * rows * D, bq_ptr + own * rows,
            column, exists, row, D, F, BLOCK_F, BLOCK_D, MAP,
        )  # fmt: skip
        phi_q = tl.where((r_at == r)[:, None], one, phi_q)
    share = 1.0 / tl.maximum(tl.sum(phi_q * z[None, :], 1), eps)
    phi_q = phi_q * share[:, None]
    for first in tl.static_range(0, V, BLOCK_V):
        v_at = first + tl.arange(0, BLOCK_V)
        v_ok = v_at < V
        v = tl.load(v_ptr + b * v_b + g * v_h + v_at, mask=v_ok, other=0.0).to(tl.float32)
        S_at = S_ptr + lane.to(tl.int64) * (F * V) + column[:, None] * V + v_at[None, :]
        S_ok = exists[:, None] & v_ok[None, :]
        S = tl.load(S_at, mask=S_ok, other=0.0) + phi_k[:, None] * v[None, :]
        tl.store(S_at, S, mask=S_ok)
        for r in tl.static_range(R):
            one = tl.sum(tl.where((r_at == r)[:, None], phi_q, 0.0), 0)
            out = tl.sum(one[:, None] * S, 0)
            o_at = out_ptr + ((b * G + g) * R + r) * V + v_at
            tl.store(o_at, out.to(out_ptr.dtype.element_ty), mask=v_ok)
