"""Linear attention by the fused kernels as one differentiable function.

Saved for the gradients: q, k, v, the output, one float32 denominator per output row and the state
before each segment; phi is computed again.

Dimension letters: B batch, H query heads, G kv heads, R = H/G, T tokens, D head dim, F feature dim,
V value dim, M maps (G or H), N segments. A lane is one (sequence, kv head).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from engine.kernels.launch import launch
from engine.kernels.linear_attention import fused_backward as kernels
from engine.kernels.linear_attention.fused import (
    Problem,
    Start,
    forward,
    packed,
    problem,
    rows,
    scanned,
    strides,
)
from engine.kernels.linear_attention.fused_blocks import (
    Blocks,
    gradient_blocks,
    power_of_two,
    sum_blocks,
)
from engine.kernels.linear_attention.maps import FusedMap, MapKind
from engine.kernels.linear_attention.reference import LinearState


@dataclass(frozen=True)
class Call:
    """What of a call is no tensor to differentiate."""

    kind: MapKind
    features: int
    eps: float
    valid: Tensor | None
    cu_seqlens: Tensor | None
    segments: int | None


def by_map(x: Tensor, maps: int) -> Tensor:
    """[B, H, T, X] as [M, B*H/M*T, X]: all rows that meet one map, in one matrix."""
    batch, heads, tokens, width = x.shape
    grouped = x.reshape(batch, maps, heads // maps, tokens, width)
    return grouped.transpose(0, 1).reshape(maps, -1, width)


def through_weights(dy: Tensor, x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of x, W and b from that of W x + b; dy [B, H, T, rows], W [M, rows, D].

    float16 goes through float32: a gradient summed over all tokens could pass its range.
    """
    work = torch.float32 if dy.dtype == torch.float16 else dy.dtype
    maps = weight.shape[0]
    dy_m, x_m = by_map(dy, maps).to(work), by_map(x, maps).to(work)
    batch, heads, tokens, dim = x.shape
    dx = (dy_m @ weight.to(work)).view(maps, batch, heads // maps, tokens, dim)
    dx = dx.transpose(0, 1).reshape(x.shape).to(x.dtype)
    return dx, (dy_m.transpose(1, 2) @ x_m).to(weight.dtype), dy_m.sum(1, dtype=torch.float32)


def two_softmaxes(x: Tensor, weight: Tensor, bias: Tensor, dtype: torch.dtype) -> Tensor:
    """Hedgehog's phi [B, H, T, F], computed in float32 from operands in `dtype`."""
    maps, half, dim = weight.shape
    batch, heads, tokens, _ = x.shape
    grouped = x.to(dtype).float().reshape(batch, maps, heads // maps * tokens, dim)
    y = grouped @ weight.to(dtype).float().transpose(1, 2) + bias.to(dtype).float().view(
        maps, 1, half
    )
    phi = torch.cat([y.softmax(-1), (-y).softmax(-1)], -1)
    return phi.view(batch, heads, tokens, 2 * half)


def through_softmaxes(gradient: Tensor, phi: Tensor, dtype: torch.dtype) -> Tensor:
    """Gradient of W x + b [B, H, T, F/2] from that of Hedgehog's phi [B, H, T, F]."""
    shape = (*phi.shape[:3], 2, phi.shape[3] // 2)
    g, p = gradient.float().view(shape), phi.view(shape)
    g = p * (g - (p * g).sum(-1, keepdim=True))
    return (g[..., 0, :] - g[..., 1, :]).to(dtype)


@dataclass(frozen=True)
class Gradients:
    """What the three kernels leave: of pre-activations (phi for identity), v and the start."""

    dq: Tensor
    dk: Tensor
    dv: Tensor
    dS: Tensor | None
    dz: Tensor | None


def backward(
    p: Problem, start: Start, out: Tensor, den: Tensor, do: Tensor,
    end: LinearState | None, wants_start: bool,
) -> Gradients:  # fmt: skip
    """Run the gradient kernels; `end` is the gradient of the final state."""
    batch, heads, tokens, _ = p.q.shape
    kv_heads, features, values = p.k.shape[1], p.features, p.v.shape[3]
    size, do = features * values, rows(do)
    delta = torch.empty_like(den)
    launch(
        kernels.deltas, (batch * heads, -(-tokens // 32)),
        do, out, den, delta, *strides(do, out), tokens, p.eps,
        H=heads, V=values, BLOCK_C=32, BLOCK_V=power_of_two(values), num_warps=4,
    )  # fmt: skip
    weight, bias, _, _, valid, cu = p.pointers()
    shared = (p.q, p.k, p.v, weight, bias, valid, cu)
    narrow, wide = gradient_blocks(features, values, p.v.dtype)

    def sizes(blocks: Blocks) -> dict[str, Any]:
        return replace(p, blocks=blocks).sizes() | {"R": p.ratio}

    tail = (tokens, p.segment_tokens, p.segments, p.eps)
    by_features = (p.lanes, p.segments, -(-features // narrow.features))
    by_values = (p.lanes, p.segments, -(-values // wide.values))

    dq = torch.empty(batch, heads, tokens, features, dtype=p.v.dtype, device=do.device)
    launch(
        kernels.query_gradient, by_features, *shared, start.S, start.z, do, den, delta, dq,
        *strides(p.q, p.k, p.v, do, dq), start.S_row, start.z_row, *tail,
        HAS_START=start.S is not None, **sizes(narrow),
    )  # fmt: skip

    dv = torch.empty(batch, tokens, kv_heads, values, dtype=p.v.dtype, device=do.device)
    dv = dv.transpose(1, 2)
    dS = dz = None

    def values_kernel(after: Start, sums: bool) -> None:
        launch(
            kernels.value_gradient, by_values, *shared, after.S, after.z, do, den, delta, dv,
            *strides(p.q, p.k, do, dv), after.S_row, after.z_row, *tail, SUMS=sums,
            **sizes(sum_blocks(wide) if sums else wide),
        )  # fmt: skip

    if p.segments > 1 or wants_start:
        sums = do.new_empty(p.lanes, p.segments, size + features, dtype=torch.float32)
        after = packed(sums, size)
        values_kernel(after, sums=True)
        dS, dz = scanned(sums, end, p.lanes, features, values, reverse=True)
    else:
        zeros = do.new_zeros(p.lanes * (size + features), dtype=torch.float32)
        after = Start(zeros, zeros[p.lanes * size :], size, features)
        if end is not None:
            after = Start(end.S, end.z, size, features)
    values_kernel(after, sums=False)
    dk = torch.empty(batch, kv_heads, tokens, features, dtype=p.v.dtype, device=do.device)
    launch(
        kernels.key_gradient, by_features, *shared, after.S, after.z, do, den, delta, dk,
        *strides(p.q, p.k, p.v, do, dk), after.S_row, after.z_row, *tail, **sizes(narrow),
    )  # fmt: skip
    return Gradients(dq, dk, dv, dS, dz)


class LinearAttention(torch.autograd.Function):
    """The kernels under autograd: gradients of q, k, v, weights, biases, and the state before."""

    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> tuple[Tensor, Tensor, Tensor]:
        q, k, v, wq, bq, wk, bk, S0, z0, how = inputs
        fmap = FusedMap(how.kind, how.features, wq, bq, wk, bk)
        p = problem(q, k, v, fmap, how.eps, how.valid, how.cu_seqlens, how.segments)
        state = None
        if S0 is not None and z0 is not None:
            state = LinearState(S0.contiguous(), z0.contiguous())
        done = forward(p, state, keep_den=any(ctx.needs_input_grad))
        start = done.start
        ctx.save_for_backward(
            q, k, v, wq, bq, wk, bk, S0, done.out, done.den, start.S, start.z, how.valid,
            how.cu_seqlens,
        )  # fmt: skip
        ctx.how, ctx.rows = how, (start.S_row, start.z_row)
        ctx.cut = {"lanes": p.lanes, "segments": p.segments, "segment_tokens": p.segment_tokens}
        ctx.set_materialize_grads(False)
        shape = (p.lanes // k.shape[1], k.shape[1], p.features)
        return done.out, done.S.view(*shape, v.shape[3]), done.z.view(shape)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, do: Tensor | None, dS: Tensor | None, dz: Tensor | None) -> Any:
        q, k, v, wq, bq, wk, bk, S0, out, den, S, z, valid, cu = ctx.saved_tensors
        how: Call = ctx.how
        fmap = FusedMap(how.kind, how.features, wq, bq, wk, bk)
        q_in, k_in = q, k
        if how.kind == "hedgehog":
            fmap = FusedMap("identity", how.features)
            phi_q, phi_k = (
                two_softmaxes(x, w, b, v.dtype) for x, w, b in ((q, wq, bq), (k, wk, bk))
            )
            q_in, k_in = phi_q.to(v.dtype), phi_k.to(v.dtype)
        p = problem(q_in, k_in, v, fmap, how.eps, valid, None, 1)
        # Cut as the forward was: the states before its segments are what was kept.
        p = replace(p, cu_seqlens=cu, **ctx.cut)
        end = None
        if dS is not None or dz is not None:
            shape = (p.lanes, how.features)
            end = LinearState(
                v.new_zeros(*shape, v.shape[3], dtype=torch.float32), v.new_zeros(shape).float()
            )
            end = LinearState(
                end.S if dS is None else dS.contiguous(), end.z if dz is None else dz.contiguous()
            )
        do = torch.zeros_like(out) if do is None else do
        found = backward(p, Start(S, z, *ctx.rows), out, den, do, end, ctx.needs_input_grad[7])
        dq, dk = found.dq, found.dk
        dwq = dbq = dwk = dbk = None
        if how.kind == "hedgehog":
            dq, dk = (through_softmaxes(g, y, v.dtype) for g, y in ((dq, phi_q), (dk, phi_k)))
        if wq is not None:
            dq, dwq, dbq = through_weights(dq, q, wq)
            dk, dwk, dbk = through_weights(dk, k, wk)
            dbq, dbk = dbq.view(bq.shape), dbk.view(bk.shape)
        dS0 = dz0 = None
        if S0 is not None and found.dS is not None and found.dz is not None:
            dS0, dz0 = found.dS.view(S0.shape), found.dz.view(S0.shape[:3])
        return dq.to(q.dtype), dk.to(k.dtype), found.dv, dwq, dbq, dwk, dbk, dS0, dz0, None


def linear_attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    fmap: FusedMap,
    eps: float,
    state: LinearState | None = None,
    valid: Tensor | None = None,
    cu_seqlens: Tensor | None = None,
    segments: int | None = None,
) -> tuple[Tensor, LinearState]:
    """Outputs [B, H, T, V] and the state after the last token; differentiable once.

    Args:
        q: [B, H, T, D], scaled. k: [B, G, T, D]. v: [B, G, T, V]; float32, float16 or bfloat16.
        fmap: phi, computed inside.
        eps: smallest denominator.
        state: what came before, contiguous float32 [sequences, G, F, V] and [sequences, G, F];
            None is nothing.
        valid: [B, T] bool, False at padding; None if all are real.
        cu_seqlens: [sequences + 1] int32, ends of sequences that lie one after the other along T;
            B is 1 then. None: every row is one sequence. Reading it waits for the GPU once.
        segments: parts a sequence is cut into for parallel work; None chooses by the card.
    """
    how = Call(fmap.kind, fmap.feature_dim, eps, valid, cu_seqlens, segments)
    S0, z0 = (None, None) if state is None else (state.S, state.z)
    out, S, z = LinearAttention.apply(q, k, v, *fmap.weights, S0, z0, how)
    return out, LinearState(S, z)
