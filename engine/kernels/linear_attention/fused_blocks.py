"""Block sizes, warps and segments of the fused kernels: one table, no autotuning.

The same input gives the same launch on every call, so results repeat bit by bit and a CUDA graph
can hold them; and every choice can be compiled ahead of time (`make kernels-aot`).

Dimension letters: C chunk, D head dim, F feature dim, V value dim, N segments.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from engine.kernels.linear_attention.maps import MapKind

WARPS = 4
"""More would be a race on Blackwell before Triton 3.8 (triton issue 10590); eight where only older
cards are sent, see `dispatch`."""


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
    warps: int = WARPS
    """Warps of one program."""


def power_of_two(n: int, least: int = 16) -> int:
    """The smallest power of two that is no less than n and `least`."""
    return max(least, 1 << (n - 1).bit_length())


def feature_block(kind: MapKind, features: int) -> int:
    """BLOCK_F; hedgehog's halves are padded each."""
    return 2 * power_of_two(features // 2, 8) if kind == "hedgehog" else power_of_two(features)


def chunk_blocks(kind: MapKind, features: int, values: int, dtype: torch.dtype) -> Blocks:
    """Sizes for the chunked forward kernels: the largest that spill on no card."""
    block_f, block_v = feature_block(kind, features), power_of_two(values)
    if dtype == torch.float32:
        return Blocks(16, block_f, min(block_v, 32 if block_f <= 32 else 16), 32)
    if block_f <= 64:
        return Blocks(32, block_f, min(block_v, 64), 32)
    if block_f <= 128:
        return Blocks(32, block_f, min(block_v, 32), 32)
    return Blocks(16, block_f, min(block_v, 32), 32, warps=8)


def sum_blocks(blocks: Blocks) -> Blocks:
    """Sizes for the segment sums, which hold half of what the forward holds."""
    return replace(blocks, chunk=min(64, 2 * blocks.chunk))


def gradient_blocks(features: int, values: int, dtype: torch.dtype) -> tuple[Blocks, Blocks]:
    """Sizes for the gradient kernels: of phi(q) and phi(k), which own a slice of F, and of v, which
    owns a slice of V."""
    block_f, block_v = power_of_two(features), power_of_two(values)
    short = dtype == torch.float32 or (dtype == torch.float16 and block_v > 64)
    chunk = 16 if short else 32
    tile = 2048 if dtype != torch.float32 else 1024
    narrow = min(block_f, max(16, tile // block_v))
    slim = min(block_v, 64, max(16, tile // block_f))
    inputs = 64 if block_v > 64 and not short else 32
    return (
        Blocks(chunk if block_v <= 128 else 16, narrow, block_v, inputs),
        Blocks(chunk if block_f <= 128 else 16, block_f, slim, 32),
    )


def step_blocks(kind: MapKind, features: int, values: int) -> Blocks:
    """Sizes for the decode step: a tile of S is at most 32 float32 registers of each thread."""
    block_f = feature_block(kind, features)
    block_v = min(power_of_two(values), max(16, 4096 // block_f))
    return Blocks(1, block_f, block_v, 32 if block_f <= 128 else 16)


def segments_for(lanes: int, tokens: int, chunk: int, processors: int) -> int:
    """N, into how many segments sequences are cut so that the programs fill the card.

    One where the lanes alone do; never segments of fewer than four chunks, which would save less
    time than the second pass costs.
    """
    if lanes >= processors:
        return 1
    return max(1, min(-(-2 * processors // lanes), tokens // (4 * chunk)))
