"""Hybrid attention backward, what belongs to queries: q, phi_q, and the far field's states.

With w_ij the weight of token j for query i (near: g e^{l_ij - c_i}; far: phi(q_i).phi(k_j)) and
den_i its sum, o_i = sum_j w_ij v_j / den_i gives

    dw_ij = (do_i.v_j - delta_i) / den_i,   delta_i = do_i.o_i (0 where eps took den_i's place)
    dl_ij = w_ij dw_ij - [j = argmax] s_i,  s_i = sum over near j of w_ij dw_ij

s_i enters because c_i, the largest near logit, does not cancel as it does in softmax: the far field
is not measured against it. The gradient of gamma is sum_i s_i / gamma. Where two keys share the
largest logit, the older one is taken (PyTorch shares the gradient among them).

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
def prepare(
    out, d_out, denominator, delta, inverse, queries, eps,
    V: tl.constexpr, BLOCK_M: tl.constexpr, BLOCK_V: tl.constexpr,
):  # fmt: skip
    """delta and 1/den, [B, H, Tq] each. One program per (b and h, block of queries)."""
    bh = tl.program_id(0).to(tl.int64)
    row = tl.program_id(1) * BLOCK_M + tl.arange(0, BLOCK_M)
    e = tl.arange(0, BLOCK_V)
    in_row = row < queries
    there = in_row[:, None] & (e < V)[None, :]
    at = bh * queries * V + row[:, None] * V + e[None, :]
    product = tl.load(out + at, mask=there, other=0.0).to(tl.float32)
    product *= tl.load(d_out + at, mask=there, other=0.0).to(tl.float32)
    den = tl.load(denominator + bh * queries + row, mask=in_row, other=1.0)
    result = tl.where(den >= eps, tl.sum(product, 1), 0.0)
    tl.store(delta + bh * queries + row, result, mask=in_row)
    tl.store(inverse + bh * queries + row, 1.0 / tl.maximum(den, eps), mask=in_row)


@triton.jit
def near_queries(
    q, k, v, plain, cu_seqlens, sink_k, sink_v, sink_position, gamma, d_out, delta, inverse,
    top_logit, top_key, d_q, near_sum,
    q_batch, q_head, q_token, k_batch, k_head, k_token, v_batch, v_head, v_token,
    heads, ratio, all_tokens, all_queries, window,
    D: tl.constexpr, V: tl.constexpr, K: tl.constexpr,
    BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_D: tl.constexpr, BLOCK_V: tl.constexpr,
    BLOCK_K: tl.constexpr, PRECISION: tl.constexpr, VARLEN: tl.constexpr,
):  # fmt: skip
    """d_q and s. One program per (b and h, block of queries)."""
    bh = tl.program_id(0).to(tl.int64)
    b, h = bh // heads, bh % heads
    g, bg = h // ratio, b * (heads // ratio) + h // ratio
    line, first, tokens, queries = sequence(cu_seqlens, b, all_tokens, all_queries, VARLEN)
    first_query = tokens - queries
    row = tl.program_id(1) * BLOCK_M + tl.arange(0, BLOCK_M)
    m0 = tl.program_id(1) * BLOCK_M + first_query
    position = row + first_query
    d, e = tl.arange(0, BLOCK_D), tl.arange(0, BLOCK_V)
    in_d, in_e, in_row = d < D, e < V, row < queries
    q += line * q_batch + h * q_head + first * q_token
    k += line * k_batch + g * k_head + first * k_token
    v += line * v_batch + g * v_head + first * v_token
    sink_k += bg * K * D
    query = tl.load(
        q + row[:, None] * q_token + d[None, :],
        mask=in_row[:, None] & in_d[None, :], other=0.0,
    )  # fmt: skip
    of_query = (line * heads + h) * all_queries + first
    d_o = tl.load(
        d_out + of_query * V + row[:, None] * V + e[None, :],
        mask=in_row[:, None] & in_e[None, :], other=0.0,
    )  # fmt: skip
    dot = tl.load(delta + of_query + row, mask=in_row, other=0.0)
    scale = tl.load(gamma + h).to(tl.float32)
    scale *= tl.load(inverse + of_query + row, mask=in_row, other=0.0)
    top = tl.load(top_logit + of_query + row, mask=in_row, other=0.0)
    shift = tl.where(top > float("-inf"), top, 0.0)
    d_query = tl.zeros([BLOCK_M, BLOCK_D], tl.float32)
    s = tl.zeros([BLOCK_M], tl.float32)

    if K > 0:
        slot = tl.arange(0, BLOCK_K)
        in_slot = slot < K
        first_key = tl.load(
            sink_k + slot[:, None] * D + d[None, :],
            mask=in_slot[:, None] & in_d[None, :], other=0.0,
        )  # fmt: skip
        first_value = tl.load(
            sink_v + bg * K * V + slot[None, :] * V + e[:, None],
            mask=in_slot[None, :] & in_e[:, None], other=0.0,
        )  # fmt: skip
        arrival = tl.load(sink_position + b * K + slot, mask=in_slot, other=2147483647)
        sink_logit = tl.dot(query, tl.trans(first_key), input_precision=PRECISION)
        # Out of sight a logit may lie far above the largest: exp of it would be infinite.
        seen = arrival[None, :] <= row[:, None]
        sink_logit = tl.where(seen, sink_logit - shift[:, None], float("-inf"))
        sink_d_logit = tl.exp(sink_logit) * scale[:, None]
        sink_d_logit *= tl.dot(d_o, first_value, input_precision=PRECISION) - dot[:, None]
        s = tl.sum(sink_d_logit, 1)
        d_query = tl.dot(sink_d_logit.to(first_key.dtype), first_key, input_precision=PRECISION)

    oldest = tl.maximum(m0 - window + 1, 0)
    end = tl.minimum(m0 + BLOCK_M, tokens)
    for j0 in range(oldest // BLOCK_N * BLOCK_N, end, BLOCK_N):
        j = j0 + tl.arange(0, BLOCK_N)
        in_j = j < tokens
        key = tl.load(
            k + j[:, None] * k_token + d[None, :], mask=in_j[:, None] & in_d[None, :], other=0.0
        )
        value = tl.load(
            v + j[None, :] * v_token + e[:, None], mask=in_j[None, :] & in_e[:, None], other=0.0
        )
        real = tl.load(plain + line * all_tokens + first + j, mask=in_j, other=0) != 0
        distance = position[:, None] - j[None, :]
        near = (distance >= 0) & (distance < window) & real[None, :]
        logit = tl.dot(query, tl.trans(key), input_precision=PRECISION)
        logit = tl.where(near, logit - shift[:, None], float("-inf"))
        d_logit = tl.exp(logit) * scale[:, None]
        d_logit *= tl.dot(d_o, value, input_precision=PRECISION) - dot[:, None]
        s += tl.sum(d_logit, 1)
        d_query = tl.dot(d_logit.to(key.dtype), key, d_query, input_precision=PRECISION)

    at = tl.load(top_key + of_query + row, mask=in_row, other=-1)
    in_window, in_sinks = (at >= 0) & (at < tokens), at >= tokens
    top_one = tl.load(
        k + at[:, None] * k_token + d[None, :], mask=in_window[:, None] & in_d[None, :], other=0.0
    ).to(tl.float32)
    if K > 0:
        top_one += tl.load(
            sink_k + (at - tokens)[:, None] * D + d[None, :],
            mask=in_sinks[:, None] & in_d[None, :], other=0.0,
        ).to(tl.float32)  # fmt: skip
    d_query -= s[:, None] * top_one
    tl.store(
        d_q + of_query * D + row[:, None] * D + d[None, :],
        d_query.to(d_q.dtype.element_ty), mask=in_row[:, None] & in_d[None, :],
    )  # fmt: skip
    tl.store(near_sum + of_query + row, s, mask=in_row)


@triton.jit
def far_queries(
    v, phi_q, phi_k, plain, cu_seqlens, states, d_out, delta, inverse, d_phi_q,
    v_batch, v_head, v_token, heads, ratio, all_tokens, all_queries, window, segments,
    F: tl.constexpr, V: tl.constexpr,
    BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_F: tl.constexpr, BLOCK_V: tl.constexpr,
    SEGMENT: tl.constexpr, PRECISION: tl.constexpr, VARLEN: tl.constexpr,
    MAP: tl.constexpr,
):  # fmt: skip
    """d_phi_q, taken through ReLU and ELU. One program per (b and h, block of queries, block
    of F)."""
    bh = tl.program_id(0).to(tl.int64)
    b, h = bh // heads, bh % heads
    g, bg = h // ratio, b * (heads // ratio) + h // ratio
    line, first, tokens, queries = sequence(cu_seqlens, b, all_tokens, all_queries, VARLEN)
    first_query = tokens - queries
    row = tl.program_id(1) * BLOCK_M + tl.arange(0, BLOCK_M)
    m0 = tl.program_id(1) * BLOCK_M + first_query
    position = row + first_query
    f, e = tl.program_id(2) * BLOCK_F + tl.arange(0, BLOCK_F), tl.arange(0, BLOCK_V)
    in_f, in_e, in_row = f < F, e < V, row < queries
    v += line * v_batch + g * v_head + first * v_token
    phi_k += ((line * (heads // ratio) + g) * all_tokens + first) * F
    of_query = (line * heads + h) * all_queries + first
    d_o = tl.load(
        d_out + of_query * V + row[:, None] * V + e[None, :],
        mask=in_row[:, None] & in_e[None, :], other=0.0,
    )  # fmt: skip
    dot = tl.load(delta + of_query + row, mask=in_row, other=0.0)

    segment = tl.maximum(m0 - window + 1, 0) // SEGMENT
    states += (bg * segments + segment) * (F * V + F)
    S = tl.load(states + f[None, :] * V + e[:, None], mask=in_f[None, :] & in_e[:, None], other=0.0)
    z = tl.load(states + F * V + f, mask=in_f, other=0.0)
    acc = tl.dot(d_o.to(tl.float32), S, input_precision=PRECISION) - dot[:, None] * z[None, :]
    end = tl.minimum(m0 + BLOCK_M, tokens)
    for j0 in range(segment * SEGMENT, end - window, BLOCK_N):
        j = j0 + tl.arange(0, BLOCK_N)
        in_j = j < tokens
        value = tl.load(
            v + j[None, :] * v_token + e[:, None], mask=in_j[None, :] & in_e[:, None], other=0.0
        )
        phi = tl.load(
            phi_k + j[:, None] * F + f[None, :],
            mask=in_j[:, None] & in_f[None, :], other=0.0,
        )  # fmt: skip
        real = tl.load(plain + line * all_tokens + first + j, mask=in_j, other=0) != 0
        distance = position[:, None] - j[None, :]
        slope = tl.dot(d_o, value, input_precision=PRECISION) - dot[:, None]
        slope = tl.where((distance >= window) & real[None, :], slope, 0.0)
        acc = far_product(slope, phi, acc, PRECISION)
    acc *= tl.load(inverse + of_query + row, mask=in_row, other=0.0)[:, None]
    at, there = row[:, None] * F + f[None, :], in_row[:, None] & in_f[None, :]
    acc = through_activation(acc, phi_q + of_query * F + at, there, MAP)
    tl.store(d_phi_q + of_query * F + at, acc.to(d_phi_q.dtype.element_ty), mask=there)


@triton.jit
def sum_queries(
    phi_q, cu_seqlens, d_out, delta, inverse, sums, kv_heads, ratio, all_tokens, all_queries,
    window, segments,
    F: tl.constexpr, V: tl.constexpr,
    BLOCK_M: tl.constexpr, BLOCK_F: tl.constexpr, BLOCK_V: tl.constexpr,
    SEGMENT: tl.constexpr, PRECISION: tl.constexpr, VARLEN: tl.constexpr,
):  # fmt: skip
    """sums[b, g, n] = gradient of the state before segment n, from the queries that read it.

    One program per (b and g, n, block of F and block of V).
    """
    bg = tl.program_id(0).to(tl.int64)
    n = tl.program_id(1)
    v_blocks: tl.constexpr = (V + BLOCK_V - 1) // BLOCK_V
    f0 = tl.program_id(2) // v_blocks * BLOCK_F
    v0 = tl.program_id(2) % v_blocks * BLOCK_V
    f, e = f0 + tl.arange(0, BLOCK_F), v0 + tl.arange(0, BLOCK_V)
    in_f, in_e = f < F, e < V
    b, g = bg // kv_heads, bg % kv_heads
    line, first, tokens, queries = sequence(cu_seqlens, b, all_tokens, all_queries, VARLEN)
    first_query = tokens - queries
    # The blocks of queries whose oldest near key lies in segment n (in segment 0: or before it).
    since = tl.maximum(n * SEGMENT + window - 1 - first_query, 0)
    since = tl.where(n == 0, 0, tl.cdiv(since, BLOCK_M) * BLOCK_M)
    until = tl.maximum((n + 1) * SEGMENT + window - 1 - first_query, 0)
    until = tl.minimum(tl.cdiv(until, BLOCK_M) * BLOCK_M, queries)
    S = tl.zeros([BLOCK_F, BLOCK_V], tl.float32)
    z = tl.zeros([BLOCK_F], tl.float32)
    for r in range(ratio):
        head = ((line * kv_heads + g) * ratio + r) * all_queries + first
        for i0 in range(since, until, BLOCK_M):
            row = i0 + tl.arange(0, BLOCK_M)
            in_row = row < queries
            phi = tl.load(
                phi_q + (head + row[None, :]) * F + f[:, None],
                mask=in_row[None, :] & in_f[:, None], other=0.0,
            ).to(tl.float32)  # fmt: skip
            phi *= tl.load(inverse + head + row, mask=in_row, other=0.0)[None, :]
            d_o = tl.load(
                d_out + (head + row[:, None]) * V + e[None, :],
                mask=in_row[:, None] & in_e[None, :], other=0.0,
            ).to(tl.float32)  # fmt: skip
            S = tl.dot(phi, d_o, S, input_precision=PRECISION)
            z -= tl.sum(phi * tl.load(delta + head + row, mask=in_row, other=0.0)[None, :], 1)
    sums += (bg * segments + n) * (F * V + F)
    tl.store(sums + f[:, None] * V + e[None, :], S, mask=in_f[:, None] & in_e[None, :])
    if v0 == 0:
        tl.store(sums + F * V + f, z, mask=in_f)
