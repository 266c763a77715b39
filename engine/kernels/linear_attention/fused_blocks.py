"""Block sizes, warps and segments of the fused kernels: one table, no autotuning.

The same input gives the same launch on every call, so results repeat bit by bit and a CUDA graph
can hold them; and every choice can be compiled ahead of time (`make kernels-aot`).

Dimension letters: C chunk, D head dim, F feature dim, V value dim, N segments.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from engine.kernels.linear_attention.maps import MapKind

STATE_TILE = 8192
"""Most elements of S a program holds: 64 float32 registers of each of its 128 threads."""
WEIGHT_TILE = 8192
"""Most elements of W a program keeps loaded while it walks the chunks."""
WARPS = 4
"""More would be a race on Blackwell before Triton 3.8 (triton issue 10590)."""
STAGES = 2


@dataclass(frozen=True)
class Blocks:
    """The compile-time sizes of one launch."""

    chunk: int
    """BLOCK_C, tokens walked at a time."""
    features: int
    """BLOCK_F: F padded to a power of two."""
    values: int
    """BLOCK_V: columns of V of one program."""
    inputs: int
    """BLOCK_D: columns of W multiplied at a time."""
    hoist: bool
    """Whether W is loaded once before the chunks are walked."""


def power_of_two(n: int, least: int = 16) -> int:
    """The smallest power of two that is no less than n and `least`."""
    return max(least, 1 << (n - 1).bit_length())


def feature_block(kind: MapKind, features: int) -> int:
    """BLOCK_F; hedgehog's halves are padded each."""
    return 2 * power_of_two(features // 2, 8) if kind == "hedgehog" else power_of_two(features)


def _input_block(dim: int) -> int:
    """BLOCK_D: all of D where it is a power of two up to 64, else a divisor that wastes nothing."""
    return next((n for n in (64, 32) if dim % n == 0), 16)


def chunk_blocks(kind: MapKind, dim: int, features: int, values: int, dtype: torch.dtype) -> Blocks:
    """Sizes for the chunked forward kernels."""
    block_f = feature_block(kind, features)
    block_v = min(power_of_two(values), max(16, STATE_TILE // block_f))
    block_d = _input_block(dim)
    hoist = kind == "relu" and block_d >= dim and block_f * block_d <= WEIGHT_TILE
    small = block_f <= 64 and dtype != torch.float32
    return Blocks(64 if small else 32, block_f, block_v, block_d, hoist)


def step_blocks(kind: MapKind, features: int, values: int) -> Blocks:
    """Sizes for the decode step."""
    block_f = feature_block(kind, features)
    block_v = min(power_of_two(values), max(16, STATE_TILE // 2 // block_f))
    return Blocks(1, block_f, block_v, 32 if block_f <= 128 else 16, False)


def segments_for(lanes: int, tokens: int, chunk: int, processors: int) -> int:
    """N, into how many segments sequences are cut so that the programs fill the card.

    One where the lanes alone do; never segments of fewer than four chunks, which would save less
    time than the second pass costs.
    """
    if lanes >= processors:
        return 1
    return max(1, min(-(-2 * processors // lanes), tokens // (4 * chunk)))
