"""The far field's running sums at every segment boundary: local sums, then an exclusive scan.

The tokens are cut into segments. One kernel sums each segment by itself (all segments at once), a
second turns those sums, in place, into what stands before each segment. S [F, V] and z [F] lie
behind one another in one row of F*V + F float32 numbers. The backward pass uses the same scan from
the last segment to the first.

Dimension letters: B batch, G kv heads, T tokens, F feature dim, V value dim, N segments.
"""

# pyright: reportGeneralTypeIssues=false
# (Triton's own functions are annotated for the compiler, not for a type checker.)

from __future__ import annotations

from dataclasses import dataclass

import torch
import triton
import triton.language as tl
from torch import Tensor

from engine.kernels.hybrid_attention.tiles import Tiles, blocks_in
from engine.kernels.launch import launch
from engine.kernels.linear_attention.reference import LinearState


@triton.jit
def sequence(cu_seqlens, b, tokens, queries, VARLEN: tl.constexpr):
    """A sequence's batch row, its first token there, and how many keys and queries it has."""
    if VARLEN:
        row = b * 0
        first = tl.load(cu_seqlens + b).to(tl.int64)
        tokens = tl.load(cu_seqlens + b + 1).to(tl.int32) - first.to(tl.int32)
        queries = tokens
    else:
        row = b
        first = b * 0
    return row, first, tokens, queries


@triton.jit
def sum_segments(
    phi_k,
    v,
    plain,
    cu_seqlens,
    sums,
    v_batch,
    v_head,
    v_token,
    kv_heads,
    total,
    window,
    segments,
    F: tl.constexpr,
    V: tl.constexpr,
    BLOCK_F: tl.constexpr,
    BLOCK_V: tl.constexpr,
    BLOCK_N: tl.constexpr,
    SEGMENT: tl.constexpr,
    PRECISION: tl.constexpr,
    VARLEN: tl.constexpr,
):
    """sums[b, g, n] = sum of phi_k v^T, and of phi_k, over the plain tokens of segment n that leave
    the window.

    One program per (b and g, n, block of F and block of V).
    """
    bg = tl.program_id(0).to(tl.int64)
    n = tl.program_id(1)
    v_blocks: tl.constexpr = (V + BLOCK_V - 1) // BLOCK_V
    f0 = tl.program_id(2) // v_blocks * BLOCK_F
    v0 = tl.program_id(2) % v_blocks * BLOCK_V
    b, g = bg // kv_heads, bg % kv_heads
    f, e = f0 + tl.arange(0, BLOCK_F), v0 + tl.arange(0, BLOCK_V)
    row, first, tokens, _ = sequence(cu_seqlens, b, total, total, VARLEN)
    upto = tl.maximum(tokens - window, 0)
    phi_k += ((row * kv_heads + g) * total + first) * F
    v += row * v_batch + g * v_head + first * v_token
    plain += row * total + first

    S = tl.zeros([BLOCK_F, BLOCK_V], tl.float32)
    z = tl.zeros([BLOCK_F], tl.float32)
    start = n * SEGMENT
    for j0 in range(start, tl.minimum(start + SEGMENT, upto), BLOCK_N):
        j = j0 + tl.arange(0, BLOCK_N)
        real = tl.load(plain + j, mask=j < upto, other=0) != 0
        phi = tl.load(
            phi_k + j[None, :] * F + f[:, None], mask=real[None, :] & (f < F)[:, None], other=0.0
        )
        value = tl.load(
            v + j[:, None] * v_token + e[None, :],
            mask=(j < upto)[:, None] & (e < V)[None, :],
            other=0.0,
        )
        S = tl.dot(phi, value, S, input_precision=PRECISION)
        z += tl.sum(phi.to(tl.float32), 1)
    sums += (bg * segments + n) * (F * V + F)
    tl.store(sums + f[:, None] * V + e[None, :], S, mask=(f < F)[:, None] & (e < V)[None, :])
    if v0 == 0:
        tl.store(sums + F * V + f, z, mask=f < F)


@triton.jit
def scan_segments(
    sums,
    first_S,
    first_z,
    last_S,
    last_z,
    segments,
    STATE: tl.constexpr,
    TOTAL: tl.constexpr,
    BLOCK: tl.constexpr,
    REVERSE: tl.constexpr,
):
    """sums[b, g, n] becomes `first` plus the sums before n (after n if REVERSE); `last`, all.

    One program per (b and g, block of the F*V + F numbers). STATE is F*V, TOTAL F*V + F.
    """
    bg = tl.program_id(0).to(tl.int64)
    at = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    features: tl.constexpr = TOTAL - STATE
    in_S, in_z = at < STATE, (at >= STATE) & (at < TOTAL)
    carry = tl.load(first_S + bg * STATE + at, mask=in_S, other=0.0)
    carry += tl.load(first_z + bg * features + at - STATE, mask=in_z, other=0.0)
    here = sums + bg * segments * TOTAL + at
    step: tl.constexpr = -TOTAL if REVERSE else TOTAL
    if REVERSE:
        here += (segments - 1).to(tl.int64) * TOTAL
    for _ in range(segments):
        local = tl.load(here, mask=at < TOTAL, other=0.0)
        tl.store(here, carry, mask=at < TOTAL)
        carry += local
        here += step
    tl.store(last_S + bg * STATE + at, carry, mask=in_S)
    tl.store(last_z + bg * features + at - STATE, carry, mask=in_z)


@dataclass(frozen=True)
class Cut:
    """Where a call's sequences lie, and the window."""

    window: int
    """W."""
    sequences: int
    """As many as the batch has rows, or as lie one after the other in a single row."""
    longest: int
    """Keys of the longest."""
    cu_seqlens: Tensor | None
    """[sequences + 1] int32, their ends in the one row; None where each has a row."""

    @property
    def varlen(self) -> bool:
        """Whether they share one row."""
        return self.cu_seqlens is not None


def cut_for(k: Tensor, window: int, cu_seqlens: Tensor | None) -> Cut:
    """Of keys [B, G, T, D]; reading `cu_seqlens` waits for the GPU once."""
    if cu_seqlens is None:
        return Cut(window, k.shape[0], k.shape[2], None)
    return Cut(window, len(cu_seqlens) - 1, int(cu_seqlens.diff().max()), cu_seqlens)


def scan(sums: Tensor, first: LinearState, reverse: bool) -> LinearState:
    """Turn local sums [B, G, N, F*V + F] into exclusive ones in place; what all add up to.

    Args:
        sums: float32, contiguous.
        first: what is added to all of them.
        reverse: from the last segment to the first.
    """
    batch, kv_heads, segments, total = sums.shape
    features, values = first.S.shape[2:]
    S, z = first.S.float().contiguous(), first.z.float().contiguous()
    last = LinearState(S=torch.empty_like(S), z=torch.empty_like(z))
    block = 512
    launch(
        scan_segments,
        (batch * kv_heads, blocks_in(total, block)),
        sums,
        S,
        z,
        last.S,
        last.z,
        segments,
        STATE=features * values,
        TOTAL=total,
        BLOCK=block,
        REVERSE=reverse,
        num_warps=4,
    )
    return last


def segment_states(
    phi_k: Tensor, v: Tensor, plain: Tensor, cut: Cut, state: LinearState, tiles: Tiles
) -> tuple[Tensor, LinearState]:
    """The far field before each segment [S, G, N, F*V + F], and that after all tokens but the last
    W of each of the S sequences.

    N counts every segment a query may start from.

    Args:
        phi_k: [B, G, T, F], contiguous. v: [B, G, T, V], its last dimension contiguous.
        plain: [B, T] bool, tokens that are neither padding nor sinks.
        cut: where the sequences lie.
        state: the far field older than these tokens.
        tiles: block sizes.
    """
    _, kv_heads, tokens, features = phi_k.shape
    values = v.shape[3]
    segments = max(cut.longest - cut.window, 0) // tiles.segment + 1
    total = features * values + features
    sums = phi_k.new_empty(cut.sequences, kv_heads, segments, total, dtype=torch.float32)
    blocks = blocks_in(features, tiles.f) * blocks_in(values, tiles.v_block)
    launch(
        sum_segments,
        (cut.sequences * kv_heads, segments, blocks),
        phi_k,
        v,
        plain,
        cut.cu_seqlens,
        sums,
        *v.stride()[:3],
        kv_heads,
        tokens,
        cut.window,
        segments,
        F=features,
        V=values,
        BLOCK_F=tiles.f,
        BLOCK_V=tiles.v_block,
        BLOCK_N=tiles.inner,
        SEGMENT=tiles.segment,
        PRECISION=tiles.precision,
        VARLEN=cut.varlen,
        num_warps=tiles.warps,
        num_stages=tiles.stages,
    )
    return sums, scan(sums, state, reverse=False)
