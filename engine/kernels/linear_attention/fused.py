"""Linear attention by the fused Triton kernels: what `chunk.chunked` and `step.step` compute, with
the feature map inside.

The state goes along in float32 and so do all sums; operands of matrix products have the dtype of v.

Dimension letters: B batch, H query heads, G kv heads, R = H/G, T tokens, D head dim, F feature dim,
V value dim, N segments. A lane is one (sequence, kv head).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from engine.kernels.launch import launch
from engine.kernels.linear_attention import fused_forward as kernels
from engine.kernels.linear_attention.fused_blocks import (
    WARPS,
    Blocks,
    chunk_blocks,
    power_of_two,
    segments_for,
    step_blocks,
    sum_blocks,
)
from engine.kernels.linear_attention.fused_step import decode_step
from engine.kernels.linear_attention.maps import FusedMap
from engine.kernels.linear_attention.reference import LinearState


def precision(dtype: torch.dtype) -> str:
    """How float32 operands are multiplied: three TF32 products, as exact as float32 to 1e-6."""
    return "tf32x3" if dtype == torch.float32 else "ieee"


def rows(x: Tensor) -> Tensor:
    """x with unit stride in its last dimension; a copy only where it has another."""
    return x if x.stride(-1) == 1 else x.contiguous()


@dataclass(frozen=True)
class Problem:
    """One call: its inputs as the kernels take them, and how it is cut into programs."""

    q: Tensor
    k: Tensor
    v: Tensor
    kind: str
    weights: tuple[Tensor | None, ...]
    valid: Tensor | None
    cu_seqlens: Tensor | None
    eps: float
    features: int
    lanes: int
    segments: int
    segment_tokens: int
    blocks: Blocks

    @property
    def ratio(self) -> int:
        """R."""
        return self.q.shape[1] // self.k.shape[1]

    def sizes(self) -> dict[str, Any]:
        """The compile-time arguments that all kernels share."""
        blocks = self.blocks
        return {
            "G": self.k.shape[1], "D": self.q.shape[3], "F": self.features, "V": self.v.shape[3],
            "BLOCK_C": blocks.chunk, "BLOCK_F": blocks.features, "BLOCK_V": blocks.values,
            "BLOCK_D": blocks.inputs, "MAP": self.kind,
            "PRECISION": precision(self.v.dtype), "HAS_VALID": self.valid is not None,
            "VARLEN": self.cu_seqlens is not None,
            "num_warps": blocks.warps, "num_stages": 1,
        }  # fmt: skip

    @property
    def grid(self) -> tuple[int, int, int]:
        """Programs: lanes, segments, blocks of V."""
        return self.lanes, self.segments, -(-self.v.shape[3] // self.blocks.values)

    def pointers(self) -> tuple[Tensor | None, ...]:
        """Weights in the operands' dtype (v where a map has none: never read), mask and sequence
        starts."""
        cast = tuple(
            self.v if w is None else w.detach().to(self.v.dtype).contiguous() for w in self.weights
        )
        return (*cast, self.valid, self.cu_seqlens)


def processors(device: torch.device) -> int:
    """Streaming multiprocessors of a GPU; 1 for the interpreter, which runs one program at a
    time."""
    if device.type != "cuda":
        return 1
    return torch.cuda.get_device_properties(device).multi_processor_count


def problem(
    q: Tensor, k: Tensor, v: Tensor, fmap: FusedMap, eps: float, valid: Tensor | None,
    cu_seqlens: Tensor | None, segments: int | None,
) -> Problem:  # fmt: skip
    """Lay a call out; `segments` None chooses by the card."""
    if cu_seqlens is None:
        sequences, longest = q.shape[0], q.shape[2]
    else:
        sequences = len(cu_seqlens) - 1
        longest = int(cu_seqlens.diff().max())  # waits for the GPU once
    lanes = sequences * k.shape[1]
    blocks = chunk_blocks(fmap.kind, fmap.feature_dim, v.shape[3], v.dtype)
    wide = lanes * -(-v.shape[3] // blocks.values)
    count = segments or segments_for(wide, longest, blocks.chunk, processors(q.device))
    chunks = -(-longest // blocks.chunk)
    each = max(1, -(-chunks // count))
    valid = None if valid is None else valid.contiguous()
    return Problem(
        rows(q), rows(k), rows(v), fmap.kind, fmap.weights, valid, cu_seqlens, eps,
        fmap.feature_dim, lanes, max(1, -(-chunks // each)), each * blocks.chunk, blocks,
    )  # fmt: skip


def strides(*tensors: Tensor) -> list[int]:
    """Batch, head and token stride of each."""
    return [s for x in tensors for s in x.stride()[:3]]


def scanned(
    sums: Tensor, start: LinearState | None, lanes: int, features: int, values: int, reverse: bool
) -> tuple[Tensor, Tensor]:
    """Turn segment sums [lanes, N, F*V + F] into what lies before (after) each, in place; the
    total as S [lanes, F, V] and z [lanes, F]."""
    S = sums.new_empty(lanes, features, values)
    z = sums.new_empty(lanes, features)
    size, width = features * values, sums.shape[2]
    launch(
        kernels.scan, (lanes, -(-width // 1024)),
        sums, start and start.S, start and start.z, S, z, sums.shape[1], size, width,
        HAS_START=start is not None, REVERSE=reverse, BLOCK=1024, num_warps=4,
    )  # fmt: skip
    return S, z


@dataclass(frozen=True)
class Start:
    """The state before each (lane, segment), where the kernels find it."""

    S: Tensor | None
    z: Tensor | None
    S_row: int
    z_row: int


def packed(sums: Tensor, size: int) -> Start:
    """Segment sums [lanes, N, F*V + F] as a `Start`."""
    return Start(sums, sums.view(-1)[size:], sums.shape[2], sums.shape[2])


@dataclass(frozen=True)
class Result:
    """What the forward leaves."""

    out: Tensor
    """[B, H, T, V], in memory as [B, T, H, V]."""
    den: Tensor | None
    """[B, H, T], denominators before the clamp, if asked for."""
    start: Start
    S: Tensor
    """[lanes, F, V], at the end."""
    z: Tensor
    """[lanes, F], at the end."""


def forward(p: Problem, state: LinearState | None, *, keep_den: bool) -> Result:
    """Run the one or two passes."""
    batch, heads, tokens, _ = p.q.shape
    features, values = p.features, p.v.shape[3]
    size = features * values
    # Memory as [B, T, H, V]: transformers wants it so next, and copies nothing then.
    out = torch.empty(batch, tokens, heads, values, dtype=p.v.dtype, device=p.v.device)
    out = out.transpose(1, 2)
    wq, bq, wk, bk, valid, cu = p.pointers()
    start = Start(state and state.S, state and state.z, size, features)
    if p.segments > 1:
        sums = torch.empty(
            p.lanes, p.segments, size + features, dtype=torch.float32, device=p.v.device
        )
        into = packed(sums, size)
        launch(
            kernels.segment_sums, p.grid,
            p.k, p.v, wk, bk, valid, cu, into.S, into.z,
            *strides(p.k, p.v), into.S_row, into.z_row, tokens, p.segment_tokens, p.segments,
            **replace(p, blocks=sum_blocks(p.blocks)).sizes(),
        )  # fmt: skip
        S, z = scanned(sums, state, p.lanes, features, values, reverse=False)
        start = into
    else:
        S = torch.empty(p.lanes, features, values, dtype=torch.float32, device=p.v.device)
        z = torch.empty(p.lanes, features, dtype=torch.float32, device=p.v.device)
    den = None
    if keep_den:
        den = torch.empty(batch, heads, tokens, dtype=torch.float32, device=p.v.device)
    launch(
        kernels.outputs, p.grid,
        p.q, p.k, p.v, wq, bq, wk, bk, valid, cu, start.S, start.z, out, den, S, z,
        *strides(p.q, p.k, p.v, out), start.S_row, start.z_row, tokens, p.segment_tokens,
        p.segments, p.eps, R=p.ratio, HAS_START=start.S is not None, KEEP_DEN=keep_den,
        KEEP_END=p.segments == 1, **p.sizes(),
    )  # fmt: skip
    return Result(out, den, start, S, z)


def step(q: Tensor, k: Tensor, v: Tensor, fmap: FusedMap, eps: float, state: LinearState) -> Tensor:
    """Output [B, H, 1, V] for one token; `state` (contiguous, float32) changes in place.

    Args:
        q: [B, H, 1, D], scaled. k: [B, G, 1, D]. v: [B, G, 1, V].
    """
    q, k, v = rows(q), rows(k), rows(v)
    batch, heads, _, dim = q.shape
    kv_heads, values = v.shape[1], v.shape[3]
    ratio, blocks = heads // kv_heads, step_blocks(fmap.kind, fmap.feature_dim, values)
    out = torch.empty(batch, heads, 1, values, dtype=v.dtype, device=v.device)
    launch(
        decode_step, (batch * kv_heads,),
        q, k, v, *(v if w is None else w for w in fmap.weights), state.S, state.z, out,
        *q.stride()[:2], *k.stride()[:2], *v.stride()[:2], eps,
        G=kv_heads, R=ratio, D=dim, F=fmap.feature_dim, V=values,
        BLOCK_R=power_of_two(ratio, 1), BLOCK_F=blocks.features, BLOCK_V=blocks.values,
        BLOCK_D=blocks.inputs, MAP=fmap.kind, num_warps=WARPS,
    )  # fmt: skip
    return out
