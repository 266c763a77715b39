"""Hybrid attention backward, what belongs to keys: k, v, phi_k and the sinks.

The formulas stand in `triton_backward_queries`. A block of keys runs over the query heads that
share it and over the queries that reach it, so that nothing is added up by atomics: the same input
gives the same bits.

Dimension letters: B batch, H query heads, G kv heads, R = H/G, T tokens, Tq queries, D head dim,
F feature dim, V value dim, W window, K sink slots, N segments.
"""

# pyright: reportGeneralTypeIssues=false
# (Triton's own functions are annotated for the compiler, not for a type checker.)

from __future__ import annotations

import triton
import triton.language as tl

from engine.kernels.hybrid_attention.triton_forward import far_product
from engine.kernels.hybrid_attention.triton_states import sequence
from engine.kernels.linear_attention.fused_maps import through_activation


@triton.jit
def near_keys(
    q, k, v, plain, cu_seqlens, gamma, d_out, delta, inverse, top_logit, top_key, near_sum,
    d_k, near_d_v,
    q_batch, q_head, q_token, k_batch, k_head, k_token, v_batch, v_head, v_token,
    kv_heads, ratio, all_tokens, all_queries, window,
    D: tl.constexpr, V: tl.constexpr,
    BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_D: tl.constexpr, BLOCK_V: tl.constexpr,
    PRECISION: tl.constexpr, VARLEN: tl.constexpr,
):  # fmt: skip
    """d_k, and the near part of d_v in float32. One program per (b and g, block of keys)."""
    bg = tl.program_id(0).to(tl.int64)
    b, g = bg // kv_heads, bg % kv_heads
    j0 = tl.program_id(1) * BLOCK_N
    j = j0 + tl.arange(0, BLOCK_N)
    d, e = tl.arange(0, BLOCK_D), tl.arange(0, BLOCK_V)
    line, first, tokens, queries = sequence(cu_seqlens, b, all_tokens, all_queries, VARLEN)
    in_j, in_d, in_e = j < tokens, d < D, e < V
    first_query = tokens - queries
    q += line * q_batch + first * q_token
    of_key = (line * kv_heads + g) * all_tokens + first
    key = tl.load(
        k + line * k_batch + g * k_head + first * k_token + j[:, None] * k_token + d[None, :],
        mask=in_j[:, None] & in_d[None, :], other=0.0,
    )  # fmt: skip
    value = tl.load(
        v + line * v_batch + g * v_head + first * v_token + j[:, None] * v_token + e[None, :],
        mask=in_j[:, None] & in_e[None, :], other=0.0,
    )  # fmt: skip
    real = tl.load(plain + line * all_tokens + first + j, mask=in_j, other=0) != 0
    d_key = tl.zeros([BLOCK_N, BLOCK_D], tl.float32)
    d_value = tl.zeros([BLOCK_N, BLOCK_V], tl.float32)
    since = tl.maximum(j0 - first_query, 0) // BLOCK_M * BLOCK_M
    until = tl.minimum(j0 + BLOCK_N + window - 1 - first_query, queries)
    for r in range(ratio):
        h = g * ratio + r
        head = ((line * kv_heads + g) * ratio + r) * all_queries + first
        weight = tl.load(gamma + h).to(tl.float32)
        for i0 in range(since, until, BLOCK_M):
            row = i0 + tl.arange(0, BLOCK_M)
            in_row = row < queries
            query = tl.load(
                q + h * q_head + row[:, None] * q_token + d[None, :],
                mask=in_row[:, None] & in_d[None, :], other=0.0,
            )  # fmt: skip
            d_o = tl.load(
                d_out + head * V + row[:, None] * V + e[None, :],
                mask=in_row[:, None] & in_e[None, :], other=0.0,
            )  # fmt: skip
            scale = weight * tl.load(inverse + head + row, mask=in_row, other=0.0)
            dot = tl.load(delta + head + row, mask=in_row, other=0.0)
            top = tl.load(top_logit + head + row, mask=in_row, other=0.0)
            shift = tl.where(top > float("-inf"), top, 0.0)
            distance = (row + first_query)[None, :] - j[:, None]
            near = (distance >= 0) & (distance < window) & real[:, None] & in_row[None, :]
            logit = tl.dot(key, tl.trans(query), input_precision=PRECISION)
            logit = tl.where(near, logit - shift[None, :], float("-inf"))
            near_weight = tl.exp(logit) * scale[None, :]
            d_value = tl.dot(near_weight.to(d_o.dtype), d_o, d_value, input_precision=PRECISION)
            slope = tl.dot(value, tl.trans(d_o), input_precision=PRECISION) - dot[None, :]
            at = tl.load(top_key + head + row, mask=in_row, other=-1)
            s = tl.load(near_sum + head + row, mask=in_row, other=0.0)
            d_logit = near_weight * slope - tl.where(at[None, :] == j[:, None], s[None, :], 0.0)
            d_key = tl.dot(d_logit.to(query.dtype), query, d_key, input_precision=PRECISION)
    tl.store(
        d_k + of_key * D + j[:, None] * D + d[None, :],
        d_key.to(d_k.dtype.element_ty), mask=in_j[:, None] & in_d[None, :],
    )  # fmt: skip
    tl.store(
        near_d_v + of_key * V + j[:, None] * V + e[None, :],
        d_value, mask=in_j[:, None] & in_e[None, :],
    )  # fmt: skip


@triton.jit
def sink_keys(
    q, cu_seqlens, sink_k, sink_v, sink_position, gamma, d_out, delta, inverse, top_logit, top_key,
    near_sum, d_sink_k, d_sink_v,
    q_batch, q_head, q_token, heads, ratio, all_tokens, all_queries,
    D: tl.constexpr, V: tl.constexpr, K: tl.constexpr,
    BLOCK_M: tl.constexpr, BLOCK_D: tl.constexpr, BLOCK_V: tl.constexpr, BLOCK_K: tl.constexpr,
    PART: tl.constexpr, PRECISION: tl.constexpr, VARLEN: tl.constexpr,
):  # fmt: skip
    """Gradients of the sinks from PART queries of one head, [B, H, parts, K, .] in float32.

    One program per (b and h, part).
    """
    bh = tl.program_id(0).to(tl.int64)
    b, h = bh // heads, bh % heads
    bg = b * (heads // ratio) + h // ratio
    line, first, tokens, queries = sequence(cu_seqlens, b, all_tokens, all_queries, VARLEN)
    q += line * q_batch + h * q_head + first * q_token
    of_query = (line * heads + h) * all_queries + first
    part = tl.program_id(1)
    slot, d, e = tl.arange(0, BLOCK_K), tl.arange(0, BLOCK_D), tl.arange(0, BLOCK_V)
    in_slot, in_d, in_e = slot < K, d < D, e < V
    key = tl.load(
        sink_k + (bg * K + slot[:, None]) * D + d[None, :],
        mask=in_slot[:, None] & in_d[None, :], other=0.0,
    )  # fmt: skip
    value = tl.load(
        sink_v + (bg * K + slot[:, None]) * V + e[None, :],
        mask=in_slot[:, None] & in_e[None, :], other=0.0,
    )  # fmt: skip
    arrival = tl.load(sink_position + b * K + slot, mask=in_slot, other=2147483647)
    weight = tl.load(gamma + h).to(tl.float32)
    d_key = tl.zeros([BLOCK_K, BLOCK_D], tl.float32)
    d_value = tl.zeros([BLOCK_K, BLOCK_V], tl.float32)
    for i0 in range(part * PART, tl.minimum((part + 1) * PART, queries), BLOCK_M):
        row = i0 + tl.arange(0, BLOCK_M)
        in_row = row < queries
        per_query = of_query + row
        query = tl.load(
            q + row[:, None] * q_token + d[None, :],
            mask=in_row[:, None] & in_d[None, :], other=0.0,
        )  # fmt: skip
        d_o = tl.load(
            d_out + per_query[:, None] * V + e[None, :],
            mask=in_row[:, None] & in_e[None, :], other=0.0,
        )  # fmt: skip
        scale = weight * tl.load(inverse + per_query, mask=in_row, other=0.0)
        dot = tl.load(delta + per_query, mask=in_row, other=0.0)
        top = tl.load(top_logit + per_query, mask=in_row, other=0.0)
        shift = tl.where(top > float("-inf"), top, 0.0)
        seen = (arrival[:, None] <= row[None, :]) & in_row[None, :]
        logit = tl.dot(key, tl.trans(query), input_precision=PRECISION)
        logit = tl.where(seen, logit - shift[None, :], float("-inf"))
        near_weight = tl.exp(logit) * scale[None, :]
        d_value = tl.dot(near_weight.to(d_o.dtype), d_o, d_value, input_precision=PRECISION)
        slope = tl.dot(value, tl.trans(d_o), input_precision=PRECISION) - dot[None, :]
        at = tl.load(top_key + per_query, mask=in_row, other=-1)
        s = tl.load(near_sum + per_query, mask=in_row, other=0.0)
        mine = at[None, :] == tokens + slot[:, None]
        d_logit = near_weight * slope - tl.where(mine, s[None, :], 0.0)
        d_key = tl.dot(d_logit.to(query.dtype), query, d_key, input_precision=PRECISION)
    to = (bh * tl.num_programs(1) + part) * K + slot[:, None]
    tl.store(d_sink_k + to * D + d[None, :], d_key, mask=in_slot[:, None] & in_d[None, :])
    tl.store(d_sink_v + to * V + e[None, :], d_value, mask=in_slot[:, None] & in_e[None, :])


@triton.jit
def far_reach(j0, first_query, queries, window, BLOCK_M: tl.constexpr, SEGMENT: tl.constexpr):
    """The queries, from and to, that treat the keys from j0 on one by one in the far field: older
    queries have them in the window or not at all, younger ones in a stored state."""
    since = tl.maximum(j0 + window - first_query, 0) // BLOCK_M * BLOCK_M
    until = tl.maximum((j0 // SEGMENT + 1) * SEGMENT + window - 1 - first_query, 0)
    return since, tl.minimum(tl.cdiv(until, BLOCK_M) * BLOCK_M, queries)


@triton.jit
def far_keys(
    v, phi_q, phi_k, plain, cu_seqlens, d_states, d_out, delta, inverse, d_phi_k,
    v_batch, v_head, v_token, kv_heads, ratio, all_tokens, all_queries, window, segments,
    F: tl.constexpr, V: tl.constexpr,
    BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_F: tl.constexpr, BLOCK_V: tl.constexpr,
    SEGMENT: tl.constexpr, PRECISION: tl.constexpr, VARLEN: tl.constexpr,
    MAP: tl.constexpr,
):  # fmt: skip
    """d_phi_k, taken through ReLU and ELU. One program per (b and g, block of keys, block of F)."""
    bg = tl.program_id(0).to(tl.int64)
    b, g = bg // kv_heads, bg % kv_heads
    j0 = tl.program_id(1) * BLOCK_N
    j = j0 + tl.arange(0, BLOCK_N)
    f, e = tl.program_id(2) * BLOCK_F + tl.arange(0, BLOCK_F), tl.arange(0, BLOCK_V)
    line, first, tokens, queries = sequence(cu_seqlens, b, all_tokens, all_queries, VARLEN)
    upto = tl.maximum(tokens - window, 0)
    in_j, in_f, in_e = j < tokens, f < F, e < V
    first_query = tokens - queries
    value = tl.load(
        v + line * v_batch + g * v_head + first * v_token + j[:, None] * v_token + e[None, :],
        mask=in_j[:, None] & in_e[None, :], other=0.0,
    )  # fmt: skip
    acc = tl.zeros([BLOCK_N, BLOCK_F], tl.float32)
    if j0 < upto:
        d_states += (bg * segments + j0 // SEGMENT) * (F * V + F)
        d_S = tl.load(
            d_states + f[None, :] * V + e[:, None], mask=in_f[None, :] & in_e[:, None], other=0.0
        )
        d_z = tl.load(d_states + F * V + f, mask=in_f, other=0.0)
        acc = tl.dot(value.to(tl.float32), d_S, input_precision=PRECISION) + d_z[None, :]
        acc = tl.where((j < upto)[:, None], acc, 0.0)
    since, until = far_reach(j0, first_query, queries, window, BLOCK_M, SEGMENT)
    for r in range(ratio):
        head = ((line * kv_heads + g) * ratio + r) * all_queries + first
        for i0 in range(since, until, BLOCK_M):
            row = i0 + tl.arange(0, BLOCK_M)
            in_row = row < queries
            d_o = tl.load(
                d_out + head * V + row[None, :] * V + e[:, None],
                mask=in_row[None, :] & in_e[:, None], other=0.0,
            )  # fmt: skip
            dot = tl.load(delta + head + row, mask=in_row, other=0.0)
            slope = tl.dot(value, d_o, input_precision=PRECISION) - dot[None, :]
            slope *= tl.load(inverse + head + row, mask=in_row, other=0.0)[None, :]
            distance = (row + first_query)[None, :] - j[:, None]
            slope = tl.where(distance >= window, slope, 0.0)
            phi = tl.load(
                phi_q + head * F + row[:, None] * F + f[None, :],
                mask=in_row[:, None] & in_f[None, :], other=0.0,
            )  # fmt: skip
            acc = far_product(slope, phi, acc, PRECISION)
    real = tl.load(plain + line * all_tokens + first + j, mask=in_j, other=0) != 0
    acc = tl.where(real[:, None], acc, 0.0)
    of_key = (line * kv_heads + g) * all_tokens + first
    at, there = j[:, None] * F + f[None, :], in_j[:, None] & in_f[None, :]
    acc = through_activation(acc, phi_k + of_key * F + at, there, MAP)
    tl.store(d_phi_k + of_key * F + at, acc.to(d_phi_k.dtype.element_ty), mask=there)


@triton.jit
def far_values(
    phi_q, phi_k, plain, cu_seqlens, d_states, d_out, inverse, near_d_v, d_v,
    kv_heads, ratio, all_tokens, all_queries, window, segments,
    F: tl.constexpr, V: tl.constexpr,
    BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_F: tl.constexpr, BLOCK_V: tl.constexpr,
    SEGMENT: tl.constexpr, PRECISION: tl.constexpr, VARLEN: tl.constexpr,
):  # fmt: skip
    """d_v: the far field's part, added to the near one. One program per (b and g, block of keys,
    block of V)."""
    bg = tl.program_id(0).to(tl.int64)
    b, g = bg // kv_heads, bg % kv_heads
    j0 = tl.program_id(1) * BLOCK_N
    j = j0 + tl.arange(0, BLOCK_N)
    e = tl.program_id(2) * BLOCK_V + tl.arange(0, BLOCK_V)
    line, first, tokens, queries = sequence(cu_seqlens, b, all_tokens, all_queries, VARLEN)
    upto = tl.maximum(tokens - window, 0)
    in_j, in_e = j < tokens, e < V
    first_query = tokens - queries
    of_key = (line * kv_heads + g) * all_tokens + first
    phi_k += of_key * F
    acc = tl.zeros([BLOCK_N, BLOCK_V], tl.float32)
    if j0 < upto:
        d_states += (bg * segments + j0 // SEGMENT) * (F * V + F)
        for f0 in tl.static_range(0, F, BLOCK_F):
            fs = f0 + tl.arange(0, BLOCK_F)
            wide = tl.load(
                phi_k + j[:, None] * F + fs[None, :],
                mask=(j < upto)[:, None] & (fs < F)[None, :], other=0.0,
            ).to(tl.float32)  # fmt: skip
            d_S = tl.load(
                d_states + fs[:, None] * V + e[None, :],
                mask=(fs < F)[:, None] & in_e[None, :], other=0.0,
            )  # fmt: skip
            acc = tl.dot(wide, d_S, acc, input_precision=PRECISION)
    since, until = far_reach(j0, first_query, queries, window, BLOCK_M, SEGMENT)
    for r in range(ratio):
        head = ((line * kv_heads + g) * ratio + r) * all_queries + first
        for i0 in range(since, until, BLOCK_M):
            row = i0 + tl.arange(0, BLOCK_M)
            in_row = row < queries
            far = tl.zeros([BLOCK_N, BLOCK_M], tl.float32)
            for f0 in tl.static_range(0, F, BLOCK_F):
                f = f0 + tl.arange(0, BLOCK_F)
                key = tl.load(
                    phi_k + j[:, None] * F + f[None, :],
                    mask=in_j[:, None] & (f < F)[None, :], other=0.0,
                )  # fmt: skip
                query = tl.load(
                    phi_q + head * F + row[None, :] * F + f[:, None],
                    mask=in_row[None, :] & (f < F)[:, None], other=0.0,
                )  # fmt: skip
                far = tl.dot(key, query, far, input_precision=PRECISION)
            far *= tl.load(inverse + head + row, mask=in_row, other=0.0)[None, :]
            distance = (row + first_query)[None, :] - j[:, None]
            far = tl.where(distance >= window, far, 0.0)
            d_o = tl.load(
                d_out + head * V + row[:, None] * V + e[None, :],
                mask=in_row[:, None] & in_e[None, :], other=0.0,
            )  # fmt: skip
            acc = far_product(far, d_o, acc, PRECISION)
    real = tl.load(plain + line * all_tokens + first + j, mask=in_j, other=0) != 0
    acc = tl.where(real[:, None], acc, 0.0)
    at = j[:, None] * V + e[None, :]
    there = in_j[:, None] & in_e[None, :]
    acc += tl.load(near_d_v + of_key * V + at, mask=there, other=0.0)
    tl.store(d_v + of_key * V + at, acc.to(d_v.dtype.element_ty), mask=there)
