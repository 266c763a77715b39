"""Hybrid attention by Triton kernels, with gradients: what prefill and training call.

Dimension letters: B batch, H query heads, G kv heads, T tokens, Tq queries, D head dim, F feature
dim, V value dim, W window, K sink slots.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from engine.kernels.hybrid_attention.reference import Sinks
from engine.kernels.hybrid_attention.tiles import tiles_for
from engine.kernels.hybrid_attention.triton_backward import backward
from engine.kernels.hybrid_attention.triton_forward import PerQuery, forward
from engine.kernels.linear_attention.reference import LinearState


class _Attend(torch.autograd.Function):
    """Forward and backward kernels as one differentiable function.

    Kept for the backward pass: the arguments, the output (which the output projection keeps
    anyway), and three numbers per query.
    """

    @staticmethod
    def forward(
        ctx: Any,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        phi_q: Tensor,
        phi_k: Tensor,
        sink_k: Tensor,
        sink_v: Tensor,
        gamma: Tensor,
        S: Tensor,
        z: Tensor,
        plain: Tensor,
        sink_position: Tensor,
        window: int,
        eps: float,
    ) -> tuple[Tensor, Tensor, Tensor]:
        tiles = tiles_for(q.dtype, q.shape[3], phi_q.shape[3], v.shape[3], sink_k.shape[2])
        sinks = Sinks(sink_k, sink_v, sink_position)
        state = LinearState(S, z)
        out, after, kept = forward(
            q, k, v, phi_q, phi_k, plain, sinks, window, gamma, eps, state, tiles
        )
        ctx.save_for_backward(
            *(q, k, v, phi_q, phi_k, sink_k, sink_v, gamma, S, z, plain, sink_position, out),
            *(kept.denominator, kept.top_logit, kept.top_key),
        )
        ctx.window, ctx.eps, ctx.tiles = window, eps, tiles
        return out, after.S, after.z

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_out: Tensor, d_S: Tensor, d_z: Tensor) -> tuple[Tensor | None, ...]:
        (q, k, v, phi_q, phi_k, sink_k, sink_v, gamma, S, z, plain, sink_position, out, *kept) = (
            ctx.saved_tensors
        )
        found = backward(
            *(q, k, v, phi_q, phi_k, plain, Sinks(sink_k, sink_v, sink_position), ctx.window),
            *(gamma, ctx.eps, LinearState(S, z), out, PerQuery(*kept)),
            d_out=d_out.contiguous(),
            d_after=LinearState(d_S, d_z),
            tiles=ctx.tiles,
        )
        return (
            *(found.q, found.k, found.v, found.phi_q, found.phi_k, found.sink_k, found.sink_v),
            *(found.gamma, found.state.S, found.state.z),
            *(None, None, None, None),
        )


def attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    phi_q: Tensor,
    phi_k: Tensor,
    plain: Tensor,
    sinks: Sinks,
    window: int,
    gamma: Tensor,
    eps: float,
    state: LinearState,
) -> tuple[Tensor, LinearState]:
    """Outputs [B, H, Tq, V] and the far field once all but the last W tokens have left the window.

    Arguments as `reference.quadratic`; the second result is `reference.far_sums` with
    `upto = max(T - W, 0)`, in float32. Differentiable once in q, k, v, phi_q, phi_k, the sinks,
    gamma and the state. q, phi_q, phi_k and the sinks are taken in v's data type: float32, float16
    or bfloat16.
    """
    dtype = v.dtype

    def rows(x: Tensor) -> Tensor:
        """In v's data type, each token's numbers side by side."""
        x = x.to(dtype)
        return x if x.stride(-1) == 1 else x.contiguous()

    out, S, z = _Attend.apply(
        *(rows(q), rows(k), rows(v), phi_q.to(dtype).contiguous(), phi_k.to(dtype).contiguous()),
        *(sinks.k.to(dtype).contiguous(), sinks.v.to(dtype).contiguous()),
        *(gamma.float().contiguous(), state.S.float().contiguous(), state.z.float().contiguous()),
        *(plain.contiguous(), sinks.position.contiguous(), window, eps),
    )
    return out, LinearState(S, z)
