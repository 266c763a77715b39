"""Triton kernel of a feature map by itself: phi of all tokens, in the data type of what came in.

For attention that reads phi more than once: computing it anew at each reading would cost more than
the one pass through memory that this is.

Dimension letters: B batch, H heads, T tokens, C chunk, D head dim, F feature dim, M maps (1 for all
heads, or one for each group of H/M).
"""

# pyright: reportGeneralTypeIssues=false
# (Triton's own functions are annotated for the compiler, not for a type checker.)

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from engine.kernels.launch import launch
from engine.kernels.linear_attention.fused_blocks import WARPS, feature_block, power_of_two
from engine.kernels.linear_attention.fused_maps import feature_columns, features
from engine.kernels.linear_attention.maps import MapKind

CHUNK, WIDTH = 32, 64
"""Tokens of a program, and most columns of W multiplied at a time."""


@triton.jit
def map_rows(
    x_ptr, w_ptr, b_ptr, phi_ptr, x_b, x_h, x_t, tokens, H,
    M: tl.constexpr, D: tl.constexpr, F: tl.constexpr,
    BLOCK_C: tl.constexpr, BLOCK_F: tl.constexpr, BLOCK_D: tl.constexpr,
    MAP: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """phi [B, H, T, F], contiguous. One program per (b and h, C tokens)."""
    dtype: tl.constexpr = phi_ptr.dtype.element_ty
    lane, start = tl.program_id(0).to(tl.int64), tl.program_id(1).to(tl.int64) * BLOCK_C
    b, h = lane // H, lane % H
    own = h * M // H
    column, exists, row = feature_columns(F, BLOCK_F, MAP, 0)
    rows: tl.constexpr = F // 2 if MAP == "hedgehog" else F
    c = tl.arange(0, BLOCK_C)
    c_ok = c < tokens - start
    phi = features(
        x_ptr + (b * x_b + h * x_h + start * x_t), x_t, c, c_ok, w_ptr + own * rows * D,
        b_ptr + own * rows, column, exists, row,
        D, F, BLOCK_C, BLOCK_F, BLOCK_D, MAP, PRECISION, dtype,
    )  # fmt: skip
    to = phi_ptr + (lane * tokens + start) * F + (c[:, None] * F + column[None, :])
    tl.store(to, phi, mask=c_ok[:, None] & exists[None, :])


def phi_of(
    x: Tensor, weight: Tensor | None, bias: Tensor | None, kind: MapKind, feature_dim: int
) -> Tensor:
    """phi [B, H, T, F] of x [B, H, T, D], whose last dimension is contiguous; no gradients.

    Args:
        weight: [M, F, D] (hedgehog: [M, F/2, D]); None for a map without weights.
        bias: as many values as W has rows.
        kind: relu, elu or hedgehog.
        feature_dim: F.
    """
    batch, heads, tokens, dim = x.shape
    phi = x.new_empty(batch, heads, tokens, feature_dim)
    w, b = (x if y is None else y.detach().to(x.dtype).contiguous() for y in (weight, bias))
    launch(
        map_rows, (batch * heads, -(-tokens // CHUNK)),
        x, w, b, phi, *x.stride()[:3], tokens, heads,
        M=1 if weight is None else len(weight), D=dim, F=feature_dim,
        BLOCK_C=CHUNK, BLOCK_F=feature_block(kind, feature_dim),
        BLOCK_D=min(WIDTH, power_of_two(dim)), MAP=kind,
        PRECISION="tf32x3" if x.dtype == torch.float32 else "ieee", num_warps=WARPS, num_stages=1,
    )  # fmt: skip
    return phi
