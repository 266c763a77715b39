"""Hybrid attention, recurrent, in Triton: one token, everything it changes, in one launch.

A program owns one sequence's kv head: its ring, its sinks, its far field, and its own copies of
what is known about them, so that no program reads what another writes. Nothing depends on the host
but the pointers: the launch can be captured in a CUDA graph and replayed.

The feature map is computed first, each vector whole (Hedgehog's softmaxes need that), and put where
the same program reads it back in blocks: kept in registers next to the window it would spill.

Dimension letters: B batch, H query heads, G kv heads, R = H/G, D head dim, F feature dim, V value
dim, W window, K sink slots.
"""

# pyright: reportGeneralTypeIssues=false
# (Triton's own functions are annotated for the compiler, not for a type checker.)

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from engine.kernels.hybrid_attention.tiles import padded, tiles_for
from engine.kernels.launch import launch
from engine.kernels.linear_attention.fused_blocks import step_blocks
from engine.kernels.linear_attention.fused_maps import feature_columns, phi_vector
from engine.kernels.linear_attention.maps import FusedMap
from engine.kernels.linear_attention.reference import LinearState

STATE_BYTES = 16384
"""Rows of the state read at a time: more spills where V is 128 or above."""


@triton.jit
def advance(
    q,
    k,
    v,
    wq,
    bq,
    wk,
    bk,
    phi_q,
    phi_leaving,
    k_near,
    v_near,
    visible,
    seen,
    cursor,
    log_gamma,
    S,
    z,
    out,
    kv_heads,
    window,
    eps,
    R: tl.constexpr,
    D: tl.constexpr,
    F: tl.constexpr,
    V: tl.constexpr,
    K: tl.constexpr,
    BLOCK_R: tl.constexpr,
    BLOCK_D: tl.constexpr,
    BLOCK_F: tl.constexpr,
    BLOCK_V: tl.constexpr,
    BLOCK_N: tl.constexpr,
    MAP_F: tl.constexpr,
    MAP_D: tl.constexpr,
    MAP: tl.constexpr,
    PRECISION: tl.constexpr,
):
    """One program per (b and g). What the map makes of the queries and of the key that leaves the
    window is stored before a barrier of its own; the rest behind one at the end, save S and z,
    which only their own element's reader changes."""
    bg = tl.program_id(0).to(tl.int64)
    g = bg % kv_heads
    slots = window + K
    r, d, e = tl.arange(0, BLOCK_R), tl.arange(0, BLOCK_D), tl.arange(0, BLOCK_V)
    in_r, in_d, in_e = r < R, d < D, e < V
    k_near += bg * slots * D
    v_near += bg * slots * V
    visible += bg * slots
    slot = tl.load(cursor + bg).to(tl.int32)
    if MAP != "identity":
        column, exists, row = feature_columns(F, MAP_F, MAP, 0)
        rows: tl.constexpr = F // 2 if MAP == "hedgehog" else F
        mapped = phi_vector(
            k_near + slot * D, wk + g * rows * D, bk + g * rows, column, exists, row,
            D, F, MAP_F, MAP_D, MAP,
        )  # fmt: skip
        tl.store(phi_leaving + bg * F + column, tl.sum(mapped, 0), mask=exists)
        for i in range(R):
            own = g * R + i if MAP == "hedgehog" else g
            mapped = phi_vector(
                q + (bg * R + i) * D, wq + own * rows * D, bq + own * rows, column, exists, row,
                D, F, MAP_F, MAP_D, MAP,
            )  # fmt: skip
            tl.store(phi_q + (bg * R + i) * F + column, tl.sum(mapped, 0), mask=exists)
        tl.debug_barrier()

    order = tl.load(seen + bg)
    becomes_sink = order < K
    sink_slot = tl.where(becomes_sink, window + order.to(tl.int32), -1)
    leaving = tl.load(visible + slot) != 0
    old_value = tl.load(v_near + slot * V + e, mask=in_e, other=0.0).to(tl.float32)
    new_key = tl.load(k + bg * D + d, mask=in_d, other=0.0).to(k_near.dtype.element_ty)
    new_value = tl.load(v + bg * V + e, mask=in_e, other=0.0).to(v_near.dtype.element_ty)
    query = tl.load(
        q + (bg * R + r[:, None]) * D + d[None, :],
        mask=in_r[:, None] & in_d[None, :],
        other=0.0,
    ).to(k_near.dtype.element_ty)

    acc = tl.zeros([BLOCK_R, BLOCK_V], tl.float32)
    den = tl.zeros([BLOCK_R], tl.float32)
    top = tl.full([BLOCK_R], float("-inf"), tl.float32)
    for n0 in range(0, slots, BLOCK_N):
        n = n0 + tl.arange(0, BLOCK_N)
        in_n = n < slots
        is_new = (n == slot) | (n == sink_slot)
        key = tl.load(
            k_near + n[None, :] * D + d[:, None], mask=in_n[None, :] & in_d[:, None], other=0.0
        )
        key = tl.where(is_new[None, :], new_key[:, None], key)
        value = tl.load(
            v_near + n[:, None] * V + e[None, :], mask=in_n[:, None] & in_e[None, :], other=0.0
        )
        value = tl.where(is_new[:, None], new_value[None, :], value)
        shown = tl.load(visible + n, mask=in_n, other=0) != 0
        shown = tl.where(n == slot, not becomes_sink, shown | (n == sink_slot))
        logit = tl.dot(query, key, input_precision=PRECISION)
        logit = tl.where(shown[None, :], logit, float("-inf"))
        higher = tl.maximum(tl.max(logit, 1), top)
        shift = tl.where(higher > float("-inf"), higher, 0.0)
        near = tl.exp(logit - shift[:, None])
        keep = tl.exp(top - shift)
        den = den * keep + tl.sum(near, 1)
        acc = tl.dot(near.to(value.dtype), value, acc * keep[:, None], input_precision=PRECISION)
        top = higher

    weight = tl.exp(tl.load(log_gamma + g * R + r, mask=in_r, other=0.0).to(tl.float32))
    acc, den = acc * weight[:, None], den * weight

    for f0 in range(0, F, BLOCK_F):
        f = f0 + tl.arange(0, BLOCK_F)
        in_f = f < F
        phi = tl.load(phi_leaving + bg * F + f, mask=in_f & leaving, other=0.0).to(tl.float32)
        state = S + bg * F * V + f[:, None] * V + e[None, :]
        in_state = in_f[:, None] & in_e[None, :]
        sums = tl.load(state, mask=in_state, other=0.0) + phi[:, None] * old_value[None, :]
        tl.store(state, sums, mask=in_state)
        normalizer = tl.load(z + bg * F + f, mask=in_f, other=0.0) + phi
        phi_query = tl.load(
            phi_q + (bg * R + r[:, None]) * F + f[None, :],
            mask=in_r[:, None] & in_f[None, :],
            other=0.0,
        ).to(tl.float32)
        acc = tl.dot(phi_query, sums, acc, input_precision=PRECISION)
        den += tl.sum(phi_query * normalizer[None, :], 1)
        tl.store(z + bg * F + f, normalizer, mask=in_f)

    result = acc / tl.maximum(den, eps)[:, None]
    tl.store(
        out + (bg * R + r[:, None]) * V + e[None, :],
        result.to(out.dtype.element_ty),
        mask=in_r[:, None] & in_e[None, :],
    )
    tl.debug_barrier()
    tl.store(k_near + slot * D + d, new_key, mask=in_d)
    tl.store(v_near + slot * V + e, new_value, mask=in_e)
    tl.store(k_near + sink_slot * D + d, new_key, mask=in_d & becomes_sink)
    tl.store(v_near + sink_slot * V + e, new_value, mask=in_e & becomes_sink)
    tl.store(visible + slot, not becomes_sink)
    tl.store(visible + sink_slot, True, mask=becomes_sink)
    tl.store(seen + bg, order + 1)
    tl.store(cursor + bg, tl.where(slot + 1 == window, 0, slot + 1).to(tl.int64))


def step(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    fmap: FusedMap,
    phi: tuple[Tensor, Tensor] | None,
    k_near: Tensor,
    v_near: Tensor,
    visible: Tensor,
    seen: Tensor,
    cursor: Tensor,
    window: int,
    log_gamma: Tensor,
    eps: float,
    state: LinearState,
) -> Tensor:
    """Output [B, H, 1, V] for one real token; the near and the far field change in place.

    In this order: the ring's oldest token joins the far field, the new one takes its slot (and a
    sink slot, while there is one free), then it attends to all that is visible and to the far
    field.

    Args:
        q: [B, H, 1, D], scaled. k: [B, G, 1, D]. v: [B, G, 1, V]. All contiguous, as all below.
        fmap: phi, computed inside, or identity where it is given.
        phi: only for identity, of the query [B, H, 1, F] and of the key in the ring's slot
            `cursor` [B, G, 1, F].
        k_near: [B, G, W+K, D], the window's ring and the sink slots. v_near: [B, G, W+K, V].
        visible: [B, G, W+K] bool, which of them are to be attended to.
        seen: [B, G] long, real tokens so far.
        cursor: [B, G] long, the ring's oldest slot.
        window: W.
        log_gamma: [H], logarithm of the near field's weight.
        eps: smallest denominator.
        state: the far field, float32.
    """
    (batch, heads, _, head_dim), (kv_heads, slots, values) = q.shape, v_near.shape[1:]
    features, mapped = fmap.feature_dim, step_blocks(fmap.kind, fmap.feature_dim, values)
    tiles = tiles_for(k_near.dtype, head_dim, features, values, slots - window)
    state_rows = STATE_BYTES // (padded(values) * state.S.element_size())
    out = v.new_empty(batch, heads, 1, values)
    if phi is None:
        phi = (state.S.new_empty(batch, heads, features), torch.empty_like(state.z))
    launch(
        advance,
        (batch * kv_heads,),
        q,
        k,
        v,
        *(v if w is None else w for w in fmap.weights),
        *phi,
        k_near,
        v_near,
        visible,
        seen,
        cursor,
        log_gamma,
        state.S,
        state.z,
        out,
        kv_heads,
        window,
        eps,
        R=heads // kv_heads,
        D=head_dim,
        F=features,
        V=values,
        K=slots - window,
        BLOCK_R=padded(heads // kv_heads),
        BLOCK_D=padded(head_dim),
        BLOCK_F=max(16, min(state_rows, padded(features))),
        BLOCK_V=padded(values),
        BLOCK_N=min(tiles.step, padded(slots)),
        MAP_F=mapped.features,
        MAP_D=mapped.inputs,
        MAP=fmap.kind,
        PRECISION="tf32x3" if k_near.dtype == torch.float32 else "tf32",
        num_warps=4,
        num_stages=1,
    )
    return out
