"""Compile every shipped kernel for the cards that users have, and check what came out.

    python -m tests.kernels_aot [--table] [--jobs N] [--triton VERSION]

No GPU is needed: Triton compiles to machine code (cubin). The launches are those of the engine's
own code, recorded instead of started, so what is checked is what runs. Exit status 1 if a kernel
spills, needs more shared memory than there is, has no tensor-core instruction, or
never loads 16 bytes at once.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

os.environ.pop("TRITON_INTERPRET", None)

import torch
from torch import Tensor

from engine.kernels.dispatch import Stage, why_not_triton, why_not_triton_hybrid
from engine.kernels.hybrid_attention import triton_step
from engine.kernels.hybrid_attention.reference import Sinks
from engine.kernels.hybrid_attention.triton_attention import attention
from engine.kernels.linear_attention import fused, fused_attention
from engine.kernels.linear_attention.maps import FusedMap
from engine.kernels.linear_attention.reference import empty_state
from tests.support.ahead_of_time import TRITON, Launch, Machine, compiled, recorded, source

CPU = torch.device("cpu")
SHARED_BYTES = {75: 65_536, 80: 166_912, 86: 101_376, 89: 101_376, 90: 232_448, 120: 101_376}
"""Shared memory that a block may have on the smallest card of each class (CUDA programming guide,
technical specifications per compute capability)."""
WITHOUT_PRODUCTS = ("scan", "deltas", "decode_step", "scan_segments", "prepare")


def rows(heads: int, tokens: int, width: int, dtype: torch.dtype) -> Tensor:
    """[1, H, T, width] as a model hands it over: heads side by side in memory."""
    x = torch.zeros(1, tokens, heads, width, dtype=dtype).transpose(1, 2)
    return x.requires_grad_(tokens > 1)


def fused_map(kind: Any, head_dim: int, features: int, ratio: int) -> FusedMap:
    """A map of this kind for two kv heads."""
    if kind in ("elu", "identity"):
        return FusedMap(kind, features)
    rows = features // 2 if kind == "hedgehog" else features
    heads = 2 * ratio if kind == "hedgehog" else 2
    weights = [torch.zeros(n, rows, head_dim) for n in (heads, 2)]
    return FusedMap(
        kind, features, weights[0], weights[0][..., 0].contiguous(), weights[1],
        weights[1][..., 0].contiguous(),
    )  # fmt: skip


@dataclass(frozen=True)
class Linear:
    """One configuration of linear attention that is shipped."""

    kind: Any
    head_dim: int
    features: int
    dtype: torch.dtype
    ratio: int = 1

    def fmap(self) -> FusedMap:
        return fused_map(self.kind, self.head_dim, self.features, self.ratio)

    def sent(self, stage: Stage, capability: int) -> bool:
        """Whether `dispatch` sends this stage to the kernels on such a card."""
        card = divmod(capability, 10)
        return why_not_triton(stage, card, self.dtype, self.head_dim, self.features) is None

    def inputs(self, tokens: int) -> list[Tensor]:
        return [rows(n, tokens, self.head_dim, self.dtype) for n in (2 * self.ratio, 2, 2)]

    def chunked(self, *, gradients: bool) -> None:
        valid = torch.ones(1, 4096, dtype=torch.bool)
        state = empty_state(1, 2, self.features, self.head_dim, CPU)
        out, _ = fused_attention.linear_attention(
            *self.inputs(4096), self.fmap(), 1e-2, state, valid, None, 4
        )
        if gradients:
            out.sum().backward()

    def step(self) -> None:
        state = empty_state(1, 2, self.features, self.head_dim, CPU)
        fused.step(*self.inputs(1), self.fmap(), 1e-2, state)

    def __str__(self) -> str:
        dtype = str(self.dtype).removeprefix("torch.")
        return f"{self.kind} D{self.head_dim} F{self.features} R{self.ratio} {dtype}"


@dataclass(frozen=True)
class Hybrid:
    """One configuration of hybrid attention that is shipped; two kv heads, a window of 64."""

    kind: Any
    head_dim: int
    features: int
    dtype: torch.dtype
    ratio: int = 1
    sinks: int = 4

    def sent(self, stage: Stage, capability: int) -> bool:
        """Whether `dispatch` sends this stage to the kernels on such a card."""
        card, sizes = divmod(capability, 10), (self.head_dim, self.features, self.sinks)
        return why_not_triton_hybrid(stage, card, self.dtype, *sizes) is None

    def zeros(self, *sizes: int) -> Tensor:
        return torch.zeros(1, *sizes, dtype=self.dtype)

    def mapped(self, queries: int, keys: int) -> tuple[FusedMap, tuple[Tensor, Tensor] | None]:
        """The map, and phi if that is given."""
        fmap = fused_map(self.kind, self.head_dim, self.features, self.ratio)
        sizes = ((2 * self.ratio, queries), (2, keys))
        phi_q, phi_k = (self.zeros(*each, self.features) for each in sizes)
        return fmap, (phi_q, phi_k) if self.kind == "identity" else None

    def chunked(self, *, gradients: bool) -> None:
        heads, tokens, width = 2 * self.ratio, 1024, self.head_dim
        slots = self.zeros(2, self.sinks, width)
        sinks = Sinks(slots, slots, torch.zeros(1, self.sinks, dtype=torch.long))
        out, *_ = attention(
            *(rows(n, tokens, width, self.dtype) for n in (heads, 2, 2)),
            *self.mapped(tokens, tokens),
            torch.ones(1, tokens, dtype=torch.bool), sinks, 64, torch.ones(heads), 1e-6,
            empty_state(1, 2, self.features, width, CPU),
        )  # fmt: skip
        if gradients:
            out.sum().backward()

    def step(self) -> None:
        heads, slots, width = 2 * self.ratio, 64 + self.sinks, self.head_dim
        near, count = self.zeros(2, slots, width), torch.zeros(1, 2, dtype=torch.long)
        triton_step.step(
            *(self.zeros(n, 1, width) for n in (heads, 2, 2)),
            *self.mapped(1, 1), near, near, torch.ones(1, 2, slots, dtype=torch.bool), count, count,
            64, torch.ones(heads), 1e-6, empty_state(1, 2, self.features, width, CPU),
        )  # fmt: skip

    def __str__(self) -> str:
        dtype = str(self.dtype).removeprefix("torch.")
        return f"hybrid {self.kind} D{self.head_dim} F{self.features} R{self.ratio} {dtype}"


BF16, FP16, FP32 = torch.bfloat16, torch.float16, torch.float32
DEFAULTS = (Linear("relu", 64, 32, BF16), Hybrid("hedgehog", 64, 128, BF16, 4))
CONFIGURATIONS: list[Linear | Hybrid] = [
    Linear("elu", 256, 256, BF16),
    Linear("hedgehog", 128, 256, BF16),
    Linear("hedgehog", 64, 128, BF16),
    Linear("relu", 128, 64, BF16, 4),
    Hybrid("hedgehog", 128, 256, BF16, 4, sinks=32),
    Hybrid("elu", 80, 80, FP16),
    Hybrid("relu", 64, 64, FP32, 2, sinks=32),
    Linear("elu", 64, 64, FP32),
    Linear("relu", 80, 16, FP16),
    *DEFAULTS,
    Hybrid("identity", 64, 64, BF16),
    Hybrid("relu", 256, 64, BF16, 4),
]
"""The methods' defaults at the usual head dims, and the edges of what `dispatch` sends here: every
row of the tables of block sizes is among them. Those that take long come first, so that all
processes end together."""


def launches(configuration: Linear | Hybrid, capability: int) -> list[Launch]:
    """Every launch `dispatch` allows on such a card, each once."""
    every: list[Launch] = []
    gradients = configuration.sent("training", capability)
    if gradients or configuration.sent("prefill", capability):
        every += recorded(lambda: configuration.chunked(gradients=gradients))
    if configuration.sent("decode", capability):
        every += recorded(configuration.step)
    return list({source(launch).hash(): launch for launch in every}.values())


def faults(launch: Launch, capability: int, found: Machine) -> list[str]:
    """What is wrong with a compiled kernel."""
    wrong = []
    if found.stack:
        wrong.append(f"spills ({found.stack} bytes)")
    if found.shared > SHARED_BYTES[capability]:
        wrong.append(f"{found.shared} bytes of shared memory")
    name, fixed = launch.kernel.__name__, launch.arguments.get("MAP") == "elu"
    if not (found.tensor_core or name in WITHOUT_PRODUCTS or (name == "map_rows" and fixed)):
        wrong.append("no tensor-core instruction")
    if not found.wide_loads:
        wrong.append("no 16-byte load")
    return wrong


@dataclass(frozen=True)
class Row:
    """One compiled kernel: a line of the table, and whether it is as it should be."""

    text: str
    sound: bool


def check(index: int, capability: int) -> list[Row]:
    """Compile and judge one configuration's kernels for one card."""
    configuration, found_rows = CONFIGURATIONS[index], []
    for launch in launches(configuration, capability):
        found = compiled(launch, capability)
        wrong = faults(launch, capability, found)
        text = (
            f"{launch.kernel.__name__:14} {configuration!s:36} sm_{capability:<4} "
            f"{found.registers:4} regs {found.shared:6} B shared {found.tensor_core:4} tensor "
            f"{found.wide_loads:4} wide {'; '.join(wrong)}"
        )
        found_rows.append(Row(text, not wrong))
    return found_rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", action="store_true", help="print every kernel, not only faults")
    parser.add_argument("--jobs", type=int, default=1, help="processes that compile, default 1")
    parser.add_argument("--triton", default=TRITON, help="version that has to be the one at work")
    options, began = parser.parse_args(), time.monotonic()
    assert options.triton == TRITON, TRITON
    parts = [
        (index, capability)
        for index, configuration in enumerate(CONFIGURATIONS)
        for capability in SHARED_BYTES
        # Registers, shared memory and instructions were those of 8.6 in 166 of 166 kernels.
        if capability != 89 or configuration in DEFAULTS
    ]
    with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
        found = [row for part in pool.map(check, *zip(*parts)) for row in part]
    for row in found:
        if options.table or not row.sound:
            print(row.text)
    failed = sum(not row.sound for row in found)
    took = time.monotonic() - began
    print(f"Triton {TRITON}: {len(found)} kernels compiled in {took:.0f} s, {failed} at fault")
    return 1 if failed or not found else 0


if __name__ == "__main__":
    sys.exit(main())
