"""Compile the hybrid's kernels for the cards that users have, and check what came out.

    python -m tests.hybrid_kernels_aot [--quick] [--table]

No GPU is needed. The launches are those of the engine's own code, recorded instead of started.
Exit status 1 if a kernel spills, needs more registers or shared memory than there is, has no
tensor-core instruction, or never loads 16 bytes at once. `--quick`: one configuration, three
cards.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator

os.environ.pop("TRITON_INTERPRET", None)

import torch

from engine.kernels.hybrid_attention.reference import Sinks
from engine.kernels.hybrid_attention.triton_attention import attention
from engine.kernels.hybrid_attention.triton_step import step
from engine.kernels.linear_attention.reference import empty_state
from tests.support.ahead_of_time import Launch, Machine, compiled, recorded

CPU = torch.device("cpu")
SMALLEST_SHARED = 101_376
"""Bytes a block may have on 8.6, 8.9 and 12.0, the least of all that are compiled for."""
CAPABILITIES, QUICK = (80, 86, 89, 90, 120), (80, 90, 120)
ELEMENTWISE = ("scan_segments", "prepare")
"""Kernels without a matrix product."""
CONFIGURATIONS = [  # data type, head dim (and value dim), feature dim, query heads per kv head
    (torch.bfloat16, 64, 64, 4),
    (torch.float16, 64, 128, 1),
    (torch.float32, 64, 64, 2),
    (torch.float16, 80, 80, 1),
    (torch.bfloat16, 128, 128, 4),
    (torch.bfloat16, 256, 64, 4),
]


def launches(dtype: torch.dtype, width: int, features: int, ratio: int) -> Iterator[Launch]:
    """Every launch of training and of one decode step, each once."""
    groups, tokens, window, slots = 2, 1024, 64, 4
    heads = groups * ratio

    def zeros(n: int, *sizes: int) -> torch.Tensor:
        return torch.zeros(1, n, *sizes, dtype=dtype)

    def side_by_side(n: int, size: int) -> torch.Tensor:
        return torch.zeros(1, size, n, width, dtype=dtype).transpose(1, 2).requires_grad_()

    def train() -> None:
        sinks = Sinks(
            zeros(groups, slots, width), zeros(groups, slots, width),
            torch.zeros(1, slots, dtype=torch.long),
        )  # fmt: skip
        out, _ = attention(
            side_by_side(heads, tokens), side_by_side(groups, tokens), side_by_side(groups, tokens),
            zeros(heads, tokens, features), zeros(groups, tokens, features),
            torch.ones(1, tokens, dtype=torch.bool), sinks, window, torch.ones(heads), 1e-6,
            empty_state(1, groups, features, width, CPU),
        )  # fmt: skip
        out.sum().backward()

    def decode() -> None:
        near = zeros(groups, window + slots, width)
        count = torch.zeros(1, groups, dtype=torch.long)
        step(
            zeros(heads, 1, width), zeros(groups, 1, width), zeros(groups, 1, width),
            torch.zeros(1, heads, 1, features), torch.zeros(1, groups, 1, features), near,
            near.clone(), torch.ones(1, groups, window + slots, dtype=torch.bool), count,
            count.clone(), window, torch.ones(heads), 1e-6,
            empty_state(1, groups, features, width, CPU),
        )  # fmt: skip

    known = set()
    for launch in [*recorded(train), *recorded(decode)]:
        sizes = {n: x for n, x in launch.arguments.items() if not isinstance(x, torch.Tensor)}
        key = (launch.kernel.__name__, repr(sizes))
        if key not in known:
            known.add(key)
            yield launch


def faults(launch: Launch, found: Machine) -> list[str]:
    """What is wrong with a compiled kernel."""
    wrong = []
    if found.stack or found.spills:
        wrong.append(f"spills ({found.stack} bytes, {found.spills} instructions)")
    if found.registers > 255:
        wrong.append(f"{found.registers} registers")
    if found.shared > SMALLEST_SHARED:
        wrong.append(f"{found.shared} bytes of shared memory")
    if launch.kernel.__name__ not in ELEMENTWISE and not found.tensor_core:
        wrong.append("no tensor-core instruction")
    if not found.wide_loads:
        wrong.append("no 16-byte load")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one configuration, three cards")
    parser.add_argument("--table", action="store_true", help="print every kernel, not only faults")
    options, began = parser.parse_args(), time.monotonic()
    count = failed = 0
    for configuration in CONFIGURATIONS[: 1 if options.quick else None]:
        dtype, width, features, ratio = configuration
        name = f"{str(dtype).removeprefix('torch.')} D{width} F{features} R{ratio}"
        for launch in launches(*configuration):
            for capability in QUICK if options.quick else CAPABILITIES:
                found = compiled(launch, capability)
                wrong = faults(launch, found)
                count, failed = count + 1, failed + bool(wrong)
                if wrong or options.table:
                    print(
                        f"{launch.kernel.__name__:14} {name:22} sm_{capability:<4}"
                        f"{found.registers:4} regs {found.shared:7} B shared "
                        f"{found.tensor_core:4} tensor {found.wide_loads:4} wide  "
                        f"{'; '.join(wrong)}",
                        flush=True,
                    )
    print(f"{count} kernels compiled in {time.monotonic() - began:.0f} s, {failed} at fault")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
