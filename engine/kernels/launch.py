"""How a Triton kernel is started."""

from __future__ import annotations

from typing import Any


def launch(kernel: Any, grid: tuple[int, ...], *arguments: Any, **sizes: Any) -> None:
    """Start a kernel. Triton's own types know neither `None` pointers nor `num_warps`."""
    kernel[grid](*arguments, **sizes)
