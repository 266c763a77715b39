"""Compile every shipped kernel for the cards that users have, and check what came out.

    python -m tests.kernels_aot [--table] [--jobs N]

No GPU is needed: Triton compiles to machine code (cubin) and its own copies of NVIDIA's tools say
what that holds. The launches are those of the engine's own code, recorded instead of started, so
what is checked is what runs. Exit status 1 if any check fails.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from unittest import mock

os.environ.pop("TRITON_INTERPRET", None)

import torch
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from engine.kernels.linear_attention import fused, fused_attention
from engine.kernels.linear_attention.maps import FusedMap
from engine.kernels.linear_attention.reference import LinearState, empty_state

TOOLS = Path(triton.__file__).parent / "backends" / "nvidia" / "bin"
SHARED_BYTES = {75: 65_536, 80: 166_912, 86: 101_376, 89: 101_376, 90: 232_448, 120: 101_376}
"""Shared memory that a block may have on the smallest card of each class (CUDA programming guide,
technical specifications per compute capability)."""
WITHOUT_PRODUCTS = ("scan", "deltas", "decode_step")
CHUNKED = (80, 86, 89, 90, 120)
STEP = (75, *CHUNKED)
TYPES = {
    torch.float16: "fp16", torch.bfloat16: "bf16", torch.float32: "fp32", torch.bool: "i1",
    torch.int32: "i32",
}  # fmt: skip


@dataclass(frozen=True)
class Launch:
    """One recorded launch."""

    kernel: Any
    arguments: tuple[Any, ...]
    sizes: dict[str, Any]

    def source(self) -> tuple[ASTSource, dict[str, Any]]:
        """The kernel specialised as Triton's launcher would do it, and the compiler's options."""
        sizes = dict(self.sizes)
        options = {n: sizes.pop(n) for n in ("num_warps", "num_stages") if n in sizes}
        signature: dict[str, str] = {}
        constants: dict[str, Any] = {}
        attributes: dict[tuple[int], list[list[Any]]] = {}
        for index, name in enumerate(self.kernel.arg_names):
            value = sizes[name] if name in sizes else self.arguments[index]
            if isinstance(value, torch.Tensor):
                signature[name] = "*" + TYPES[value.dtype]
                attributes[(index,)] = [["tt.divisibility", 16]]
            elif name in sizes or value is None or (isinstance(value, int) and value == 1):
                signature[name] = "constexpr"
                constants[name] = value
            elif isinstance(value, int):
                signature[name] = "i32"
                if value % 16 == 0:
                    attributes[(index,)] = [["tt.divisibility", 16]]
            else:
                signature[name] = "fp32"
        return ASTSource(self.kernel, signature, constants, attributes), options


@dataclass(frozen=True)
class Compiled:
    """What the machine code of one kernel holds."""

    registers: int
    stack_bytes: int
    shared_bytes: int
    spills: int
    tensor_ops: int
    wide_loads: int


def compile_for(launch: Launch, capability: int) -> Compiled:
    """Compile a launch for a compute capability (90 is 9.0) and read the machine code."""
    source, options = launch.source()
    kernel = triton.compile(source, target=GPUTarget("cuda", capability, 32), options=options)
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(kernel.asm["cubin"])
        file.flush()

        def tool(name: str, *arguments: str) -> str:
            command = [TOOLS / name, *arguments, file.name]
            return subprocess.run(command, capture_output=True, text=True, check=True).stdout

        usage = tool("cuobjdump", "-res-usage")
        code = tool("nvdisasm", "-c")

    def used(what: str) -> int:
        return max(int(n) for n in re.findall(rf"{what}:(\d+)", usage))

    def count(pattern: str) -> int:
        return len(re.findall(pattern, code))

    return Compiled(
        registers=used("REG"),
        stack_bytes=used("STACK"),
        shared_bytes=kernel.metadata.shared,
        spills=count(r"\b(?:STL|LDL)\b"),
        tensor_ops=count(r"\b(?:HMMA|HGMMA|QGMMA|UTCHMMA)\b"),
        wide_loads=count(r"\b(?:LDG|LDGSTS)\.[\w.]*128\b"),
    )


def recorded(run: Callable[[], object]) -> list[Launch]:
    """The launches that `run` asks for; none is started."""
    found: list[Launch] = []

    def record(kernel: Any, grid: tuple[int, ...], *arguments: Any, **sizes: Any) -> None:
        found.append(Launch(kernel, arguments, sizes))

    with (
        mock.patch.object(fused, "launch", record),
        mock.patch.object(fused_attention, "launch", record),
    ):
        run()
    return found


@dataclass(frozen=True)
class Shape:
    """One configuration that is shipped."""

    kind: Any
    head_dim: int
    features: int
    dtype: torch.dtype
    ratio: int = 1

    def fmap(self) -> FusedMap:
        if self.kind in ("elu", "identity"):
            return FusedMap(self.kind, self.features)
        rows = self.features // 2 if self.kind == "hedgehog" else self.features
        heads = 2 * self.ratio if self.kind == "hedgehog" else 2
        weights = [torch.zeros(n, rows, self.head_dim) for n in (heads, 2)]
        return FusedMap(
            self.kind, self.features, weights[0], weights[0][..., 0].contiguous(), weights[1],
            weights[1][..., 0].contiguous(),
        )  # fmt: skip

    def inputs(self, tokens: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        def heads(n: int) -> torch.Tensor:
            return torch.zeros(1, tokens, n, self.head_dim, dtype=self.dtype).transpose(1, 2)

        return heads(2 * self.ratio), heads(2), heads(2)

    def state(self) -> LinearState:
        return empty_state(1, 2, self.features, self.head_dim, torch.device("cpu"))

    def __str__(self) -> str:
        dtype = TYPES[self.dtype]
        return f"{self.kind} D{self.head_dim} F{self.features} R{self.ratio} {dtype}"


BF16, FP16, FP32 = torch.bfloat16, torch.float16, torch.float32
SHAPES = [
    Shape("relu", 64, 32, BF16),
    Shape("relu", 128, 64, BF16, 4),
    Shape("relu", 80, 16, FP16),
    Shape("elu", 64, 64, FP32),
    Shape("elu", 256, 256, BF16),
    Shape("hedgehog", 64, 128, BF16),
    Shape("hedgehog", 128, 256, BF16),
]
"""The methods' defaults at the usual head dims, and the edges of what `dispatch` sends here: every
row of the table of block sizes is among them."""


def work(shape: Shape) -> Iterator[tuple[Launch, tuple[int, ...]]]:
    """Every launch of a configuration, and the capabilities it is for."""
    q, k, v = (x.requires_grad_() for x in shape.inputs(4096))
    valid = torch.ones(1, 4096, dtype=torch.bool)

    def train() -> None:
        out, _ = fused_attention.linear_attention(
            q, k, v, shape.fmap(), 1e-2, shape.state(), valid, None, 4
        )
        out.sum().backward()

    for launch in recorded(train):
        yield launch, CHUNKED
    one = shape.inputs(1)
    for launch in recorded(lambda: fused.step(*one, shape.fmap(), 1e-2, shape.state())):
        yield launch, STEP


def faults(launch: Launch, capability: int, found: Compiled) -> list[str]:
    """What is wrong with a compiled kernel."""
    wrong = []
    if found.stack_bytes or found.spills:
        wrong.append(f"spills ({found.stack_bytes} bytes, {found.spills} instructions)")
    if found.registers > 255:
        wrong.append(f"{found.registers} registers")
    if found.shared_bytes > SHARED_BYTES[capability]:
        wrong.append(f"{found.shared_bytes} bytes of shared memory")
    if launch.kernel.__name__ not in WITHOUT_PRODUCTS and not found.tensor_ops:
        wrong.append("no tensor-core instruction")
    if not found.wide_loads:
        wrong.append("no 16-byte load")
    return wrong


@dataclass(frozen=True)
class Row:
    """One compiled kernel: a line of the table, and whether it is as it should be."""

    text: str
    sound: bool


def check(index: int) -> list[Row]:
    """Compile and judge all of one shape's kernels; the ones that do not depend on it only once."""
    shape, rows, seen = SHAPES[index], [], set()
    for launch, capabilities in work(shape):
        source, _ = launch.source()
        for capability in capabilities:
            name = launch.kernel.__name__
            if (source.hash(), capability) in seen or not reaches(shape, name, capability):
                continue
            seen.add((source.hash(), capability))
            found = compile_for(launch, capability)
            wrong = faults(launch, capability, found)
            text = (
                f"{name:14} {shape!s:24} sm_{capability:<4} {found.registers:4} regs "
                f"{found.shared_bytes:6} B shared {found.tensor_ops:4} tensor "
                f"{found.wide_loads:4} wide {'; '.join(wrong)}"
            )
            rows.append(Row(text, not wrong))
    return rows


def reaches(shape: Shape, name: str, capability: int) -> bool:
    """Whether to compile this: not what `dispatch` never sends to such a card; and 8.9 once only,
    as registers, shared memory and instructions were those of 8.6 in 88 of 88 kernels."""
    if capability == 89 and shape is not SHAPES[0]:
        return False
    return name == "decode_step" or capability < 100 or shape.features <= 128


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", action="store_true", help="print every kernel, not only faults")
    parser.add_argument("--jobs", type=int, default=1, help="processes that compile, default 1")
    options, began = parser.parse_args(), time.monotonic()
    with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
        rows = [row for part in pool.map(check, range(len(SHAPES))) for row in part]
    for row in rows:
        if options.table or not row.sound:
            print(row.text)
    failed = sum(not row.sound for row in rows)
    print(f"{len(rows)} kernels compiled in {time.monotonic() - began:.0f} s, {failed} at fault")
    return 1 if failed or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
