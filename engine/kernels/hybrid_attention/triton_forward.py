"""Hybrid attention, chunkwise, in Triton: window, sinks and far field in one kernel.

A block of queries reads its sinks and window by an online softmax, and everything older by phi: the
tokens after the last segment boundary that all its queries are done with one by one, what lies
before it through the stored state (`triton_states`). Same formula as `reference.quadratic`.

Dimension letters: B batch, H query heads, G kv heads, R = H/G, T tokens, Tq queries, D head dim,
F feature dim, V value dim, W window, K sink slots.
"""

# pyright: reportGeneralTypeIssues=false
# (Triton's own functions are annotated for the compiler, not for a type checker.)

from __future__ import annotations

from dataclasses import dataclass

import torch
import triton
import triton.language as tl
from torch import Tensor

from engine.kernels.hybrid_attention.reference import Sinks
from engine.kernels.hybrid_attention.tiles import Tiles, blocks_in
from engine.kernels.hybrid_attention.triton_states import Cut, segment_states, sequence
from engine.kernels.launch import launch
from engine.kernels.linear_attention.reference import LinearState


@triton.jit
def far_product(weight, value, acc, PRECISION: tl.constexpr):
    """acc + weight @ value, for unbounded weights: float16 could not hold them."""
    if value.dtype == tl.float16:
        return tl.dot(weight, value.to(tl.float32), acc, input_precision=PRECISION)
    else:
        return tl.dot(weight.to(value.dtype), value, acc, input_precision=PRECISION)


@triton.jit
def attend(
    q,
    k,
    v,
    phi_q,
    phi_k,
    plain,
    cu_seqlens,
    sink_k,
    sink_v,
    sink_position,
    gamma,
    states,
    out,
    denominator,
    top_logit,
    top_key,
    q_batch,
    q_head,
    q_token,
    k_batch,
    k_head,
    k_token,
    v_batch,
    v_head,
    v_token,
    heads,
    ratio,
    all_tokens,
    all_queries,
    window,
    segments,
    eps,
    D: tl.constexpr,
    F: tl.constexpr,
    V: tl.constexpr,
    K: tl.constexpr,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK_D: tl.constexpr,
    BLOCK_F: tl.constexpr,
    BLOCK_V: tl.constexpr,
    BLOCK_K: tl.constexpr,
    SEGMENT: tl.constexpr,
    PRECISION: tl.constexpr,
    VARLEN: tl.constexpr,
):
    """One program per (b and h, block of queries, block of V).

    Besides `out` it leaves what the backward pass needs of each query: the denominator before the
    clamp, the largest exact logit (-inf if there is none) and whose it is: a key's index, T + the
    sink's slot, or -1.
    """
    bh = tl.program_id(0).to(tl.int64)
    b, h = bh // heads, bh % heads
    g, kv_heads = h // ratio, heads // ratio
    bg = b * kv_heads + g
    line, first, tokens, queries = sequence(cu_seqlens, b, all_tokens, all_queries, VARLEN)
    first_query = tokens - queries
    row = tl.program_id(1) * BLOCK_M + tl.arange(0, BLOCK_M)
    m0 = tl.program_id(1) * BLOCK_M + first_query  # the block's first query, as a key index
    position = row + first_query
    d, e = tl.arange(0, BLOCK_D), tl.program_id(2) * BLOCK_V + tl.arange(0, BLOCK_V)
    q += line * q_batch + h * q_head + first * q_token
    k += line * k_batch + g * k_head + first * k_token
    v += line * v_batch + g * v_head + first * v_token
    of_query = (line * heads + h) * all_queries + first if VARLEN else bh * all_queries
    phi_q += of_query * F
    phi_k += ((line * kv_heads + g) * all_tokens + first) * F
    plain += line * all_tokens + first

    in_d, in_e, in_row = d < D, e < V, row < queries
    query = tl.load(
        q + row[:, None] * q_token + d[None, :], mask=in_row[:, None] & in_d[None, :], other=0.0
    )
    acc = tl.zeros([BLOCK_M, BLOCK_V], tl.float32)
    den = tl.zeros([BLOCK_M], tl.float32)
    top = tl.full([BLOCK_M], float("-inf"), tl.float32)
    at = tl.full([BLOCK_M], -1, tl.int32)

    if K > 0:
        slot = tl.arange(0, BLOCK_K)
        first_key = tl.load(
            sink_k + bg * K * D + slot[None, :] * D + d[:, None],
            mask=(slot < K)[None, :] & in_d[:, None],
            other=0.0,
        )
        first_value = tl.load(
            sink_v + bg * K * V + slot[:, None] * V + e[None, :],
            mask=(slot < K)[:, None] & in_e[None, :],
            other=0.0,
        )
        arrival = tl.load(sink_position + b * K + slot, mask=slot < K, other=2147483647)
        sink_logit = tl.dot(query, first_key, input_precision=PRECISION)
        sink_logit = tl.where(arrival[None, :] <= row[:, None], sink_logit, float("-inf"))
        top = tl.max(sink_logit, 1)
        shown = top > float("-inf")
        hit = (sink_logit == top[:, None]) & shown[:, None]
        at = tl.where(shown, tl.min(tl.where(hit, tokens + slot[None, :], 2147483647), 1), -1)
        weight = tl.exp(sink_logit - tl.where(shown, top, 0.0)[:, None])
        den = tl.sum(weight, 1)
        acc = tl.dot(weight.to(first_value.dtype), first_value, input_precision=PRECISION)

    oldest = tl.maximum(m0 - window + 1, 0)  # the first query's oldest near key
    end = tl.minimum(m0 + BLOCK_M, tokens)
    for j0 in range(oldest // BLOCK_N * BLOCK_N, end, BLOCK_N):
        j = j0 + tl.arange(0, BLOCK_N)
        in_j = j < tokens
        key = tl.load(
            k + j[None, :] * k_token + d[:, None], mask=in_j[None, :] & in_d[:, None], other=0.0
        )
        value = tl.load(
            v + j[:, None] * v_token + e[None, :], mask=in_j[:, None] & in_e[None, :], other=0.0
        )
        real = tl.load(plain + j, mask=in_j, other=0) != 0
        distance = position[:, None] - j[None, :]
        logit = tl.dot(query, key, input_precision=PRECISION)
        logit = tl.where(
            (distance >= 0) & (distance < window) & real[None, :], logit, float("-inf")
        )
        here = tl.max(logit, 1)
        better = here > top
        found = tl.min(tl.where(logit == here[:, None], j[None, :], 2147483647), 1)
        at = tl.where(better, found, at)
        higher = tl.maximum(here, top)
        shift = tl.where(higher > float("-inf"), higher, 0.0)
        near = tl.exp(logit - shift[:, None])
        keep = tl.exp(top - shift)
        den = den * keep + tl.sum(near, 1)
        acc = acc * keep[:, None]
        acc = tl.dot(near.to(value.dtype), value, acc, input_precision=PRECISION)
        top = higher

    near_weight = tl.load(gamma + h).to(tl.float32)
    acc, den = acc * near_weight, den * near_weight

    segment = oldest // SEGMENT
    states += (bg * segments + segment) * (F * V + F)
    for f0 in tl.static_range(0, F, BLOCK_F):
        f = f0 + tl.arange(0, BLOCK_F)
        in_f = f < F
        wide = tl.load(
            phi_q + row[:, None] * F + f[None, :], mask=in_row[:, None] & in_f[None, :], other=0.0
        ).to(tl.float32)
        S = tl.load(
            states + f[:, None] * V + e[None, :], mask=in_f[:, None] & in_e[None, :], other=0.0
        )
        z = tl.load(states + F * V + f, mask=in_f, other=0.0)
        acc = tl.dot(wide, S, acc, input_precision=PRECISION)
        den += tl.sum(wide * z[None, :], 1)
    for j0 in range(segment * SEGMENT, m0 + BLOCK_M - window, BLOCK_N):
        j = j0 + tl.arange(0, BLOCK_N)
        in_j = j < tokens
        far = tl.zeros([BLOCK_M, BLOCK_N], tl.float32)
        for f0 in tl.static_range(0, F, BLOCK_F):
            f = f0 + tl.arange(0, BLOCK_F)
            in_f = f < F
            phi = tl.load(
                phi_q + row[:, None] * F + f[None, :],
                mask=in_row[:, None] & in_f[None, :],
                other=0.0,
            )
            phi_t = tl.load(
                phi_k + j[None, :] * F + f[:, None], mask=in_j[None, :] & in_f[:, None], other=0.0
            )
            far = tl.dot(phi, phi_t, far, input_precision=PRECISION)
        value = tl.load(
            v + j[:, None] * v_token + e[None, :], mask=in_j[:, None] & in_e[None, :], other=0.0
        )
        real = tl.load(plain + j, mask=in_j, other=0) != 0
        distance = position[:, None] - j[None, :]
        far = tl.where((distance >= window) & real[None, :], far, 0.0)
        den += tl.sum(far, 1)
        acc = far_product(far, value, acc, PRECISION)

    result = acc / tl.maximum(den, eps)[:, None]
    out += of_query * V + row[:, None] * V + e[None, :]
    tl.store(out, result.to(out.dtype.element_ty), mask=in_row[:, None] & in_e[None, :])
    if tl.program_id(2) == 0:
        tl.store(denominator + of_query + row, den, mask=in_row)
        tl.store(top_logit + of_query + row, top, mask=in_row)
        tl.store(top_key + of_query + row, at, mask=in_row)


@dataclass
class PerQuery:
    """What the forward pass leaves for the backward pass, each [B, H, Tq]."""

    denominator: Tensor
    """Before the clamp, float32."""
    top_logit: Tensor
    """Largest exact logit, float32; -inf if there is none."""
    top_key: Tensor
    """Whose it is, int32: a key's index, T + a sink's slot, or -1."""


def forward(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    phi_q: Tensor,
    phi_k: Tensor,
    plain: Tensor,
    sinks: Sinks,
    cut: Cut,
    gamma: Tensor,
    eps: float,
    state: LinearState,
    tiles: Tiles,
) -> tuple[Tensor, LinearState, PerQuery]:
    """Outputs [B, H, Tq, V], the far field once all but the last W tokens have left the window,
    and what the backward pass needs.

    Arguments as `reference.quadratic`, with the window in `cut`. q, k, v, phi_q, phi_k and the
    sinks have one data type (float32, float16 or bfloat16); q, k and v their last dimension
    contiguous, the others all.
    """
    (batch, heads, queries, head_dim), (kv_heads, tokens, values) = q.shape, v.shape[1:]
    features, slots = phi_k.shape[3], sinks.k.shape[2]
    states, after = segment_states(phi_k, v, plain, cut, state, tiles)
    out = q.new_empty(batch, heads, queries, values)
    per_query = PerQuery(
        denominator=q.new_empty(batch, heads, queries, dtype=torch.float32),
        top_logit=q.new_empty(batch, heads, queries, dtype=torch.float32),
        top_key=q.new_empty(batch, heads, queries, dtype=torch.int32),
    )
    blocks = blocks_in(min(cut.longest, queries), tiles.m)
    grid = (cut.sequences * heads, blocks, blocks_in(values, tiles.v_block))
    launch(
        attend,
        grid,
        q,
        k,
        v,
        phi_q,
        phi_k,
        plain,
        cut.cu_seqlens,
        sinks.k,
        sinks.v,
        sinks.position,
        gamma,
        states,
        out,
        per_query.denominator,
        per_query.top_logit,
        per_query.top_key,
        *q.stride()[:3],
        *k.stride()[:3],
        *v.stride()[:3],
        heads,
        heads // kv_heads,
        tokens,
        queries,
        cut.window,
        states.shape[2],
        eps,
        D=head_dim,
        F=features,
        V=values,
        K=slots,
        BLOCK_M=tiles.m,
        BLOCK_N=tiles.n,
        BLOCK_D=tiles.d,
        BLOCK_F=tiles.f,
        BLOCK_V=tiles.v_block,
        BLOCK_K=tiles.k,
        SEGMENT=tiles.segment,
        PRECISION=tiles.precision,
        VARLEN=cut.varlen,
        num_warps=tiles.warps,
        num_stages=tiles.stages,
    )
    return out, after, per_query
