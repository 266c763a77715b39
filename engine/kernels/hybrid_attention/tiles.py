"""Block sizes of the hybrid's Triton kernels, by data type and widths: one small table.

Dimension letters: D head dim, F feature dim, V value dim, K sink slots.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Tiles:
    """How one call is cut up. Every size is a power of two; a segment is a multiple of n and m."""

    m: int
    """Queries in a block, in tokens."""
    n: int
    """Keys in a block, in tokens."""
    inner: int
    """What kernels of the backward pass that hold the most walk over, queries or keys."""
    step: int
    """Keys that a decode step walks over."""
    segment: int
    """Tokens between two stored far-field states."""
    d: int
    """D, padded."""
    f: int
    """Features in a block; F is walked in such blocks."""
    key_f: int
    """The same where phi_k's gradient is made, which holds one tile more."""
    v: int
    """V, padded."""
    v_block: int
    """Values in a block, where such a block has a program of its own."""
    k: int
    """K, padded; 0 where there are no sinks."""
    precision: str
    """Of products of float32 numbers: tf32 beside 16-bit data, whose rounding is coarser; three
    tf32 products (close to float32) for float32 data."""
    warps: int
    stages: int
    near_stages: int
    """The same for the near kernels of the backward pass."""


def padded(size: int) -> int:
    """The next power of two that a tensor core accepts."""
    return max(16, 1 << (size - 1).bit_length())


def blocks_in(total: int, block: int) -> int:
    """How many blocks of this size cover a total."""
    return -(-total // block)


def tiles_for(
    dtype: torch.dtype, head_dim: int, feature_dim: int, value_dim: int, sinks: int
) -> Tiles:
    """The block sizes for what `engine.kernels.dispatch` sends here: the largest that spill nowhere
    (`make kernels-aot`)."""
    d, v = padded(head_dim), padded(value_dim)
    exact, widest = dtype == torch.float32, max(d, v)
    ragged = (d, v) != (head_dim, value_dim)  # masks of columns take registers
    narrow = widest > 128 or (ragged and widest > 64)
    stages = 1 if exact or ragged or widest > 128 else 2
    f = min(padded(feature_dim), 32 if exact or widest > 64 else 64)
    return Tiles(
        m=16 if exact else 64 if widest <= 64 else 32,
        n=16 if narrow else 64 if widest <= 64 and not exact else 32,
        inner=16 if exact or narrow else 32,
        step=16,
        segment=128,
        d=d,
        f=f,
        key_f=16 if exact else f,
        v=v,
        v_block=min(v, 64 if exact else 128),
        k=padded(sinks) if sinks else 0,
        precision="tf32x3" if exact else "tf32",
        warps=4,
        stages=stages,
        near_stages=stages if widest > 64 else 1,
    )
