"""Which code computes hybrid attention: the Triton kernels or PyTorch. The one place.

Decided at each call from what is at hand there, never at import: on a shared GPU (ZeroGPU) the card
is known only inside the call. Each distinct answer is logged once, with its reason.
"""

from __future__ import annotations

import logging
from functools import cache
from importlib.util import find_spec
from typing import Literal

import torch

from engine.kernels.hybrid_attention.tiles import supported

Backend = Literal["triton", "pytorch"]

log = logging.getLogger(__name__)


def hybrid_backend(device: torch.device, dtype: torch.dtype, head_dim: int) -> Backend:
    """Who computes training, prefill and decode for values of this dtype and width."""
    capability = torch.cuda.get_device_capability(device) if device.type == "cuda" else None
    return _decide(capability, dtype, head_dim)


@cache
def _decide(capability: tuple[int, int] | None, dtype: torch.dtype, head_dim: int) -> Backend:
    reason = why_not_triton(capability, dtype, head_dim)
    backend: Backend = "pytorch" if reason else "triton"
    log.info("Hybrid attention, %s, head dim %d: %s %s", dtype, head_dim, backend, reason or "")
    return backend


def why_not_triton(
    capability: tuple[int, int] | None, dtype: torch.dtype, head_dim: int
) -> str | None:
    """The reason why the Triton kernels cannot take this; None if they can.

    Args:
        capability: compute capability of the NVIDIA GPU; None is any other device.
        dtype: of v, which is that of the products' operands.
        head_dim: D.
    """
    if capability is None or torch.version.hip is not None:
        return "no NVIDIA GPU"
    if find_spec("triton") is None:
        return "Triton is not installed"
    if capability < (8, 0):
        return "compute capability below 8.0: Triton has no tensor cores there"
    if not supported(dtype, head_dim, head_dim):
        return "the kernels take 16-bit data up to head dim 256, float32 up to 64"
    return None
