"""Triton kernels of the chunked form: outputs, segment sums and the scan over segments.

A program owns one segment of one sequence and kv head and some columns of V: it keeps S and z in
registers and walks the segment chunk by chunk, so no state of a chunk goes through memory. Where
sequences and heads alone fill the card a segment is the whole sequence (one pass); otherwise
`segment_sums` and `scan` first find the state before each segment (two passes).

Dimension letters: B batch, H query heads, G kv heads, R = H/G, T tokens, C chunk, D head dim,
F feature dim, V value dim. A lane is one (sequence, kv head). Strides are in elements.
"""

# pyright: reportGeneralTypeIssues=false
# (Triton's own functions are annotated for the compiler, not for a type checker.)

import triton
import triton.language as tl

from engine.kernels.linear_attention.fused_maps import (
    counted,
    feature_columns,
    features,
    load_rows,
    operand,
    span,
)


@triton.jit
def load_state(S_ptr, z_ptr, at, S_row, z_row, column, exists, v, v_ok, V: tl.constexpr):
    """S [BLOCK_F, BLOCK_V] and z [BLOCK_F] of entry `at`, in float32."""
    S_at = S_ptr + at * S_row + column[:, None] * V + v[None, :]
    S = tl.load(S_at, mask=exists[:, None] & v_ok[None, :], other=0.0)
    z = tl.load(z_ptr + at * z_row + column, mask=exists, other=0.0)
    return S, z


@triton.jit
def store_state(
    S_ptr, z_ptr, at, S_row, z_row, S, z, column, exists, v, v_ok, first_v, V: tl.constexpr
):
    """The inverse of `load_state`; z is written by the program of the first columns of V."""
    S_at = S_ptr + at * S_row + column[:, None] * V + v[None, :]
    tl.store(S_at, S, mask=exists[:, None] & v_ok[None, :])
    tl.store(z_ptr + at * z_row + column, z, mask=exists & (first_v == 0))


@triton.jit
def outputs(
    q_ptr, k_ptr, v_ptr, wq_ptr, bq_ptr, wk_ptr, bk_ptr, valid_ptr, cu_seqlens,
    S0_ptr, z0_ptr, out_ptr, den_ptr, S_end_ptr, z_end_ptr,
    q_b, q_h, q_t, k_b, k_h, k_t, v_b, v_h, v_t, o_b, o_h, o_t, S_row, z_row,
    tokens, segment_tokens, segments, eps,
    G: tl.constexpr, R: tl.constexpr, D: tl.constexpr, F: tl.constexpr, V: tl.constexpr,
    BLOCK_C: tl.constexpr, BLOCK_F: tl.constexpr, BLOCK_V: tl.constexpr, BLOCK_D: tl.constexpr,
    MAP: tl.constexpr, PRECISION: tl.constexpr, HAS_VALID: tl.constexpr,
    VARLEN: tl.constexpr, HAS_START: tl.constexpr, KEEP_DEN: tl.constexpr, KEEP_END: tl.constexpr,
):  # fmt: skip
    """Outputs of one segment; with KEEP_DEN the denominators, with KEEP_END the state after it."""
    dtype: tl.constexpr = v_ptr.dtype.element_ty
    lane, segment, v_block = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    b, g, begin, end = span(cu_seqlens, lane, segment, tokens, segment_tokens, G, VARLEN)
    column, exists, row = feature_columns(F, BLOCK_F, MAP, 0)
    v_at = v_block * BLOCK_V + tl.arange(0, BLOCK_V)
    v_ok = v_at < V
    c = tl.arange(0, BLOCK_C)
    causal = c[:, None] >= c[None, :]
    rows: tl.constexpr = F // 2 if MAP == "hedgehog" else F
    wk, bk = wk_ptr + g * rows * D, bk_ptr + g * rows
    entry = (lane * segments + segment).to(tl.int64)
    if HAS_START:
        S, z = load_state(S0_ptr, z0_ptr, entry, S_row, z_row, column, exists, v_at, v_ok, V)
    else:
        S = tl.zeros((BLOCK_F, BLOCK_V), tl.float32)
        z = tl.zeros((BLOCK_F,), tl.float32)
    for start in range(begin, end, BLOCK_C):
        at = tl.cast(start, tl.int64)
        c_ok = c < end - start
        k_ok = counted(valid_ptr, b * tokens + at, c, c_ok, HAS_VALID)
        phi_k = features(
            k_ptr + (b * k_b + g * k_h + at * k_t), k_t, c, k_ok, wk, bk, column, exists, row,
            D, F, BLOCK_C, BLOCK_F, BLOCK_D, MAP, PRECISION, dtype,
        )  # fmt: skip
        v = load_rows(
            v_ptr + (b * v_b + g * v_h + at * v_t), v_t, c, k_ok, v_at, v_ok,
            BLOCK_V if V % BLOCK_V == 0 else V, BLOCK_V, dtype,
        )  # fmt: skip
        S_operand, scale = operand(S, dtype)
        for r in range(R):
            h = g * R + r
            own = h if MAP == "hedgehog" else g
            phi_q = features(
                q_ptr + (b * q_b + h * q_h + at * q_t), q_t, c, c_ok,
                wq_ptr + own * rows * D, bq_ptr + own * rows, column, exists, row,
                D, F, BLOCK_C, BLOCK_F, BLOCK_D, MAP, PRECISION, dtype,
            )  # fmt: skip
            scores = tl.dot(phi_q, tl.trans(phi_k), input_precision=PRECISION)
            scores = tl.where(causal, scores, 0.0)
            den = tl.sum(scores, 1) + tl.sum(phi_q.to(tl.float32) * z[None, :], 1)
            # The normaliser before the second product: its operand is at most 1 whatever phi is.
            share = 1.0 / tl.maximum(den, eps)
            out = tl.dot(phi_q, S_operand, input_precision=PRECISION) * (scale * share)[:, None]
            scores = (scores * share[:, None]).to(dtype)
            out = tl.dot(scores, v, out, input_precision=PRECISION)
            o_at = out_ptr + (b * o_b + h * o_h + at * o_t)
            o_at += c[:, None] * o_t + v_at[None, :]
            tl.store(o_at, out.to(dtype), mask=c_ok[:, None] & v_ok[None, :])
            if KEEP_DEN:
                d_at = den_ptr + ((b * (G * R) + h) * tokens + at) + c
                tl.store(d_at, den, mask=c_ok & (v_block == 0))
        S = tl.dot(tl.trans(phi_k), v, S, input_precision=PRECISION)
        z += tl.sum(phi_k.to(tl.float32), 0)
    if KEEP_END:
        store_state(
            S_end_ptr, z_end_ptr, lane.to(tl.int64), F * V, F, S, z, column, exists, v_at, v_ok,
            v_block, V,
        )  # fmt: skip


@triton.jit
def segment_sums(
    k_ptr, v_ptr, wk_ptr, bk_ptr, valid_ptr, cu_seqlens, S_ptr, z_ptr,
    k_b, k_h, k_t, v_b, v_h, v_t, S_row, z_row, tokens, segment_tokens, segments,
    G: tl.constexpr, D: tl.constexpr, F: tl.constexpr, V: tl.constexpr,
    BLOCK_C: tl.constexpr, BLOCK_F: tl.constexpr, BLOCK_V: tl.constexpr, BLOCK_D: tl.constexpr,
    MAP: tl.constexpr, PRECISION: tl.constexpr, HAS_VALID: tl.constexpr,
    VARLEN: tl.constexpr,
):  # fmt: skip
    """What each segment alone adds to S and z; zero for one beyond its sequence's end."""
    dtype: tl.constexpr = v_ptr.dtype.element_ty
    lane, segment, v_block = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    b, g, begin, end = span(cu_seqlens, lane, segment, tokens, segment_tokens, G, VARLEN)
    column, exists, row = feature_columns(F, BLOCK_F, MAP, 0)
    v_at = v_block * BLOCK_V + tl.arange(0, BLOCK_V)
    v_ok = v_at < V
    c = tl.arange(0, BLOCK_C)
    rows: tl.constexpr = F // 2 if MAP == "hedgehog" else F
    wk, bk = wk_ptr + g * rows * D, bk_ptr + g * rows
    S = tl.zeros((BLOCK_F, BLOCK_V), tl.float32)
    z = tl.zeros((BLOCK_F,), tl.float32)
    for start in range(begin, end, BLOCK_C):
        at = tl.cast(start, tl.int64)
        k_ok = counted(valid_ptr, b * tokens + at, c, c < end - start, HAS_VALID)
        phi_k = features(
            k_ptr + (b * k_b + g * k_h + at * k_t), k_t, c, k_ok, wk, bk, column, exists, row,
            D, F, BLOCK_C, BLOCK_F, BLOCK_D, MAP, PRECISION, dtype,
        )  # fmt: skip
        v = load_rows(
            v_ptr + (b * v_b + g * v_h + at * v_t), v_t, c, k_ok, v_at, v_ok,
            BLOCK_V if V % BLOCK_V == 0 else V, BLOCK_V, dtype,
        )  # fmt: skip
        S = tl.dot(tl.trans(phi_k), v, S, input_precision=PRECISION)
        z += tl.sum(phi_k.to(tl.float32), 0)
    entry = (lane * segments + segment).to(tl.int64)
    store_state(
        S_ptr, z_ptr, entry, S_row, z_row, S, z, column, exists, v_at, v_ok, v_block, V
    )  # fmt: skip


@triton.jit
def scan(
    sums_ptr, S0_ptr, z0_ptr, S_end_ptr, z_end_ptr, segments, S_size, width,
    HAS_START: tl.constexpr, REVERSE: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """In place: sums [lane, segment, F*V + F] become what lies before each segment (after it, if
    REVERSE), starting from S0 and z0; the total goes to S_end and z_end."""
    lane = tl.program_id(0).to(tl.int64)
    at = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    in_S, in_z = at < S_size, (at >= S_size) & (at < width)
    z_size = width - S_size
    S_at, z_at = lane * S_size + at, lane * z_size + at - S_size
    total = tl.zeros((BLOCK,), tl.float32)
    if HAS_START:
        total += tl.load(S0_ptr + S_at, mask=in_S, other=0.0)
        total += tl.load(z0_ptr + z_at, mask=in_z, other=0.0)
    for i in range(segments):
        segment = segments - 1 - i if REVERSE else i
        entry = sums_ptr + (lane * segments + segment) * width + at
        own = tl.load(entry, mask=at < width, other=0.0)
        tl.store(entry, total, mask=at < width)
        total += own
    tl.store(S_end_ptr + S_at, total, mask=in_S)
    tl.store(z_end_ptr + z_at, total, mask=in_z)
