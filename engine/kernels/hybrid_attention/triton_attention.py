"""Hybrid attention by Triton kernels, with gradients: what prefill and training call.

Dimension letters: B batch, H query heads, G kv heads, T tokens, Tq queries, D head dim, F feature
dim, V value dim, W window, K sink slots.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from engine.kernels.hybrid_attention.reference import Sinks
from engine.kernels.hybrid_attention.tiles import tiles_for
from engine.kernels.hybrid_attention.triton_backward import backward
from engine.kernels.hybrid_attention.triton_forward import PerQuery, forward
from engine.kernels.hybrid_attention.triton_states import Cut, cut_for
from engine.kernels.linear_attention.fused_attention import through_softmaxes, through_weights
from engine.kernels.linear_attention.fused_phi import phi_of
from engine.kernels.linear_attention.maps import FusedMap, MapKind
from engine.kernels.linear_attention.reference import LinearState


@dataclass(frozen=True)
class Call:
    """What of a call is no tensor to differentiate."""

    kind: MapKind
    features: int
    window: int
    eps: float
    cu_seqlens: Tensor | None


class _Attend(torch.autograd.Function):
    """Forward and backward kernels as one differentiable function.

    Kept for the backward pass: the arguments, phi, the output (which the output projection keeps
    anyway), and three numbers per query.
    """

    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> tuple[Tensor, ...]:
        (q, k, v, wq, bq, wk, bk, phi_q, phi_k, sink_k, sink_v, gamma, S, z, *rest, how) = inputs
        plain, sink_position = rest
        kind, features = how.kind, how.features
        if kind != "identity":
            phi_q = phi_of(q, wq, bq, kind, features)
            phi_k = phi_of(k, wk, bk, kind, features)
        tiles = tiles_for(q.dtype, q.shape[3], features, v.shape[3], sink_k.shape[2])
        cut = cut_for(k, how.window, how.cu_seqlens)
        sinks = Sinks(sink_k, sink_v, sink_position)
        out, after, kept = forward(
            *(q, k, v, phi_q, phi_k, plain, sinks, cut, gamma, how.eps, LinearState(S, z), tiles)
        )
        ctx.save_for_backward(
            *(q, k, v, wq, bq, wk, bk, phi_q, phi_k, sink_k, sink_v, gamma, S, z, plain),
            *(sink_position, how.cu_seqlens, out),
            *(kept.denominator, kept.top_logit, kept.top_key),
        )
        ctx.how, ctx.tiles, ctx.longest = how, tiles, (cut.sequences, cut.longest)
        if kind != "identity":
            ctx.mark_non_differentiable(phi_k)
        return out, after.S, after.z, phi_k

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_out: Tensor, d_S: Tensor, d_z: Tensor, _: Any) -> Any:
        (q, k, v, wq, bq, wk, bk, phi_q, phi_k, sink_k, sink_v, gamma, S, z, *rest) = (
            ctx.saved_tensors
        )
        plain, sink_position, cu_seqlens, out, *kept = rest
        how: Call = ctx.how
        sequences, longest = ctx.longest
        found = backward(
            *(q, k, v, phi_q, phi_k, plain, Sinks(sink_k, sink_v, sink_position)),
            Cut(how.window, sequences, longest, cu_seqlens),
            *(gamma, how.eps, LinearState(S, z), out, PerQuery(*kept)),
            d_out=d_out.contiguous(),
            d_after=LinearState(d_S, d_z),
            tiles=ctx.tiles,
            kind=how.kind,
        )
        dq, dk, d_phi_q, d_phi_k = found.q, found.k, found.phi_q, found.phi_k
        weights: tuple[Tensor | None, ...] = (None,) * 4
        if how.kind != "identity":
            far_q, *of_q = through_map(d_phi_q, phi_q, q, wq, bq, how.kind)
            far_k, *of_k = through_map(d_phi_k, phi_k, k, wk, bk, how.kind)
            dq, dk, weights = dq + far_q, dk + far_k, (*of_q, *of_k)
            d_phi_q = d_phi_k = None
        return (
            *(dq, dk, found.v, *weights, d_phi_q, d_phi_k, found.sink_k, found.sink_v),
            *(found.gamma, found.state.S, found.state.z, None, None, None),
        )


def through_map(
    d_phi: Tensor, phi: Tensor, x: Tensor, weight: Tensor | None, bias: Tensor | None, kind: MapKind
) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """Gradients of x, W and b from that of phi(x), which is already taken through ReLU and ELU."""
    if kind == "hedgehog":
        d_phi = through_softmaxes(d_phi, phi.float(), phi.dtype)
    if weight is None or bias is None:
        return d_phi, None, None
    d_x, d_weight, d_bias = through_weights(d_phi, x, weight)
    return d_x, d_weight, d_bias.view(bias.shape)


def attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    fmap: FusedMap,
    phi: tuple[Tensor, Tensor] | None,
    plain: Tensor,
    sinks: Sinks,
    window: int,
    gamma: Tensor,
    eps: float,
    state: LinearState,
    cu_seqlens: Tensor | None = None,
) -> tuple[Tensor, LinearState, Tensor]:
    """Outputs [B, H, Tq, V], the far field once all but the last W tokens have left the window, and
    phi of the keys [B, G, T, F] (without gradient unless it was given).

    Other arguments as `reference.quadratic`; the second result is `reference.far_sums` with
    `upto = max(T - W, 0)`, in float32. Differentiable once in q, k, v, the map's weights and biases
    (or phi), the sinks, gamma and the state. q, k, phi, the weights and the sinks are taken in v's
    data type: float32, float16 or bfloat16.

    Args:
        fmap: phi, computed here, or identity where it is given.
        phi: only for identity, of the queries [B, H, Tq, F] and of the keys [B, G, T, F].
        cu_seqlens: [sequences + 1] int32, ends of sequences that lie one after the other along T;
            B is 1 then, Tq is T, and sinks and state are one per sequence, a sink's position
            counting from its sequence's first token. None: every row is one sequence.
    """
    dtype = v.dtype

    def rows(x: Tensor) -> Tensor:
        """In v's data type, each token's numbers side by side."""
        x = x.to(dtype)
        return x if x.stride(-1) == 1 else x.contiguous()

    phi_q, phi_k = (None, None) if phi is None else (x.to(dtype).contiguous() for x in phi)
    out, S, z, phi_k = _Attend.apply(
        *(rows(q), rows(k), rows(v), *fmap.weights, phi_q, phi_k),
        *(sinks.k.to(dtype).contiguous(), sinks.v.to(dtype).contiguous()),
        *(gamma.float().contiguous(), state.S.float().contiguous(), state.z.float().contiguous()),
        *(plain.contiguous(), sinks.position.contiguous()),
        Call(fmap.kind, fmap.feature_dim, window, eps, cu_seqlens),
    )
    return out, LinearState(S, z), phi_k
