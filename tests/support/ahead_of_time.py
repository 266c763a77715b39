"""Compile the very Triton launches a host function makes, for GPUs that are not there.

`recorded` runs a host function on CPU tensors with every launch written down instead of run;
`compiled` compiles one launch for a compute capability (90 is 9.0) and reads the result: registers
and stack from the machine code, by the copy of NVIDIA's tool that Triton brings; instructions from
the PTX, as disassembling would take as long as compiling does.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from triton.runtime.jit import JITFunction

POINTER = {
    torch.float32: "*fp32",
    torch.float16: "*fp16",
    torch.bfloat16: "*bf16",
    torch.int32: "*i32",
    torch.int64: "*i64",
    torch.bool: "*i1",
}
TENSOR_CORE = re.compile(r"\b(?:mma\.sync|wgmma\.mma_async|tcgen05\.mma)\b")
WIDE_LOAD = re.compile(r"\b(?:ld\.global\.v4\.[bfu]32|ld\.global\.v2\.[bfu]64|cp\.async\.cg)\b")
"""`cp.async.cg` always copies 16 bytes."""
TRITON = triton.__version__
TOOLS = Path(triton.__file__).parent / "backends" / "nvidia" / "bin"


@dataclass(frozen=True)
class Launch:
    """One launch: the kernel, its arguments by name, and how it is to be compiled."""

    kernel: Any
    arguments: dict[str, Any]
    options: dict[str, Any]


@dataclass(frozen=True)
class Machine:
    """What the compiler made of a launch."""

    registers: int
    stack: int
    """Bytes of local memory, where spilled registers go."""
    shared: int
    """Bytes of shared memory."""
    tensor_core: int
    """Matrix instructions, in PTX."""
    wide_loads: int
    """16-byte loads from global memory, in PTX."""


def recorded(host: Callable[[], Any]) -> list[Launch]:
    """Every launch `host` makes, in order; none is run."""
    launches: list[Launch] = []

    def note(self: Any, *args: Any, grid: Any, warmup: bool, **kwargs: Any) -> None:
        options = {name: kwargs.pop(name) for name in ("num_warps", "num_stages") if name in kwargs}
        arguments = dict(zip(self.arg_names, args, strict=False)) | kwargs
        launches.append(Launch(self, arguments, options))

    with patch.object(JITFunction, "run", note):
        host()
    return launches


def source(launch: Launch) -> ASTSource:
    """The launch as Triton's own specialisation sees it: 16-byte aligned pointers, integers that
    are 1 as constants, and integers that 16 divides known to be so."""
    signature, constants, attributes = {}, {}, {}
    for index, name in enumerate(launch.kernel.arg_names):
        value = launch.arguments[name]
        if launch.kernel.params[index].is_constexpr or value is None or value is True:
            signature[name], constants[(index,)] = "constexpr", value
        elif isinstance(value, torch.Tensor):
            signature[name] = POINTER[value.dtype]
            attributes[(index,)] = [["tt.divisibility", 16]]
        elif isinstance(value, float):
            signature[name] = "fp32"
        elif value == 1:
            signature[name], constants[(index,)] = "constexpr", 1
        else:
            signature[name] = "i32"
            if value % 16 == 0:
                attributes[(index,)] = [["tt.divisibility", 16]]
    return ASTSource(launch.kernel, signature, constants, attributes)


def compiled(launch: Launch, capability: int) -> Machine:
    """Compile a launch for `capability` (80 is 8.0) and read what came out."""
    target = GPUTarget("cuda", capability, 32)
    kernel = triton.compile(source(launch), target=target, options=launch.options)
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(kernel.asm["cubin"])
        file.flush()
        command = [str(TOOLS / "cuobjdump"), "-res-usage", file.name]
        usage = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"REG:(\d+) STACK:(\d+)", usage)
    assert found, usage
    return Machine(
        registers=int(found[1]),
        stack=int(found[2]),
        shared=kernel.metadata.shared,
        tensor_core=len(TENSOR_CORE.findall(kernel.asm["ptx"])),
        wide_loads=len(WIDE_LOAD.findall(kernel.asm["ptx"])),
    )
