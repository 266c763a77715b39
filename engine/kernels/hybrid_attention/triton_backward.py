"""Hybrid attention backward: the launches, in order.

Eight small kernels instead of one, so that none needs more registers than there are. The far
field's states are computed again: two short kernels, where keeping them would cost F*V + F float32
numbers per segment, layer and kv head.

Dimension letters: B batch, H query heads, G kv heads, R = H/G, T tokens, Tq queries, D head dim,
F feature dim, V value dim, W window, K sink slots.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.kernels.hybrid_attention import triton_backward_keys as keys
from engine.kernels.hybrid_attention import triton_backward_queries as of_queries
from engine.kernels.hybrid_attention.reference import Sinks
from engine.kernels.hybrid_attention.tiles import Tiles, blocks_in
from engine.kernels.hybrid_attention.triton_forward import PerQuery
from engine.kernels.hybrid_attention.triton_states import Cut, scan, segment_states
from engine.kernels.launch import launch
from engine.kernels.linear_attention.maps import MapKind
from engine.kernels.linear_attention.reference import LinearState

PART = 512
"""Queries whose gradients for the sinks one program adds up, in tokens."""


@dataclass
class Gradients:
    """Of every argument of `reference.quadratic` that has one; shapes and dtypes are theirs."""

    q: Tensor
    k: Tensor
    v: Tensor
    phi_q: Tensor
    phi_k: Tensor
    sink_k: Tensor
    sink_v: Tensor
    gamma: Tensor
    state: LinearState


def backward(
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
    out: Tensor,
    per_query: PerQuery,
    d_out: Tensor,
    d_after: LinearState,
    tiles: Tiles,
    kind: MapKind,
) -> Gradients:
    """Gradients from that of the outputs and that of the far field afterwards.

    Args:
        q, k, v, phi_q, phi_k, plain, sinks, cut, gamma, eps, state: as in the forward pass.
        out, per_query: what the forward pass returned.
        d_out: [B, H, Tq, V], contiguous.
        d_after: S [B, G, F, V] and z [B, G, F].
        tiles: block sizes.
        kind: of the feature map; ReLU and ELU are gone through, so that phi_q's and phi_k's
            gradients are those of the pre-activations.
    """
    (batch, heads, queries, head_dim), (kv_heads, tokens, values) = q.shape, v.shape[1:]
    features, slots = phi_k.shape[3], sinks.k.shape[2]
    ratio, window, cu = heads // kv_heads, cut.window, cut.cu_seqlens
    most = min(cut.longest, queries)
    by_query = (cut.sequences * heads, blocks_in(most, tiles.m))
    by_key = (cut.sequences * kv_heads, blocks_in(cut.longest, tiles.n))
    f_blocks, v_blocks = blocks_in(features, tiles.f), blocks_in(values, tiles.v_block)
    q_stride, k_stride, v_stride = (x.stride()[:3] for x in (q, k, v))
    compiled = {"num_warps": tiles.warps, "num_stages": tiles.stages}
    exact = {"PRECISION": tiles.precision, "VARLEN": cut.varlen, **compiled}
    m, n = {"BLOCK_M": tiles.m}, {"BLOCK_N": tiles.n}
    few_queries, few_keys = {"BLOCK_M": tiles.inner}, {"BLOCK_N": tiles.inner}
    d, whole_v = {"D": head_dim, "BLOCK_D": tiles.d}, {"V": values, "BLOCK_V": tiles.v}
    f, v_block = {"F": features, "BLOCK_F": tiles.f}, {"V": values, "BLOCK_V": tiles.v_block}
    key_f = {"F": features, "BLOCK_F": tiles.key_f}
    few_f = {"F": features, "BLOCK_F": min(tiles.f, 32)}
    near = {**exact, "num_stages": tiles.near_stages}
    segment, sink = {"SEGMENT": tiles.segment}, {"K": slots, "BLOCK_K": tiles.k}

    delta, inverse, near_sum = (torch.empty_like(per_query.denominator) for _ in range(3))
    launch(
        of_queries.prepare,
        (batch * heads, blocks_in(queries, tiles.m)),
        out,
        d_out,
        per_query.denominator,
        delta,
        inverse,
        queries,
        eps,
        **m,
        **whole_v,
        **compiled,
    )
    top = (per_query.top_logit, per_query.top_key)
    d_q = q.new_empty(q.shape)
    launch(
        of_queries.near_queries, by_query,
        q, k, v, plain, cu, sinks.k, sinks.v, sinks.position, gamma, d_out, delta, inverse, *top,
        d_q, near_sum, *q_stride, *k_stride, *v_stride, heads, ratio, tokens, queries, window,
        **d, **whole_v, **sink, **m, **few_keys, **near,
    )  # fmt: skip
    d_k, near_d_v = k.new_empty(k.shape), v.new_empty(v.shape, dtype=torch.float32)
    launch(
        keys.near_keys, by_key,
        q, k, v, plain, cu, gamma, d_out, delta, inverse, *top, near_sum, d_k, near_d_v,
        *q_stride, *k_stride, *v_stride, kv_heads, ratio, tokens, queries, window,
        **d, **whole_v, **few_queries, **n, **near,
    )  # fmt: skip

    parts = blocks_in(most, PART)
    d_sinks = [
        q.new_empty(cut.sequences, kv_heads, ratio * parts, slots, width, dtype=torch.float32)
        for width in (head_dim, values)
    ]
    if slots:
        launch(
            keys.sink_keys, (cut.sequences * heads, parts),
            q, cu, sinks.k, sinks.v, sinks.position, gamma, d_out, delta, inverse, *top, near_sum,
            *d_sinks, *q_stride, heads, ratio, tokens, queries,
            **d, **whole_v, **sink, **few_queries, PART=PART, **exact,
        )  # fmt: skip
    d_sink_k, d_sink_v = (x.sum(2).to(q.dtype) for x in d_sinks)

    states, _ = segment_states(phi_k, v, plain, cut, state, tiles)
    segments = states.shape[2]
    d_phi_q = torch.empty_like(phi_q)
    launch(
        of_queries.far_queries, (*by_query, f_blocks),
        v, phi_q, phi_k, plain, cu, states, d_out, delta, inverse, d_phi_q, *v_stride,
        heads, ratio, tokens, queries, window, segments,
        **f, **whole_v, **m, **n, **segment, **exact, MAP=kind,
    )  # fmt: skip
    d_states = torch.empty_like(states)
    launch(
        of_queries.sum_queries, (cut.sequences * kv_heads, segments, f_blocks * v_blocks),
        phi_q, cu, d_out, delta, inverse, d_states, kv_heads, ratio, tokens, queries, window,
        segments, **f, **v_block, **few_queries, **segment, **exact,
    )  # fmt: skip
    d_state = scan(d_states, d_after, reverse=True)
    d_phi_k, d_v = torch.empty_like(phi_k), v.new_empty(v.shape)
    launch(
        keys.far_keys, (*by_key, blocks_in(features, tiles.key_f)),
        v, phi_q, phi_k, plain, cu, d_states, d_out, delta, inverse, d_phi_k, *v_stride,
        kv_heads, ratio, tokens, queries, window, segments,
        **key_f, **whole_v, **m, **n, **segment, **exact, MAP=kind,
    )  # fmt: skip
    launch(
        keys.far_values, (*by_key, v_blocks),
        phi_q, phi_k, plain, cu, d_states, d_out, inverse, near_d_v, d_v,
        kv_heads, ratio, tokens, queries, window, segments,
        **few_f, **v_block, **few_queries, **n, **segment, **exact,
    )  # fmt: skip
    d_gamma = near_sum.sum((0, 2)) / gamma
    return Gradients(d_q, d_k, d_v, d_phi_q, d_phi_k, d_sink_k, d_sink_v, d_gamma, d_state)
