"""Which code computes linear attention: the fused Triton kernels or PyTorch. The one place.

Decided at each call from what is at hand there, never at import: on a shared GPU (ZeroGPU) the
card is known only inside the call. Each distinct answer is logged once, with its reason.

Dimension letters: D head dim, F feature dim.
"""

from __future__ import annotations

import logging
from functools import cache
from importlib.util import find_spec
from typing import Literal

import torch

Stage = Literal["training", "prefill", "decode"]
Backend = Literal["triton", "pytorch"]

log = logging.getLogger(__name__)


def linear_backend(
    stage: Stage, device: torch.device, dtype: torch.dtype, head_dim: int, features: int
) -> Backend:
    """Who computes this stage for values of this dtype: "triton" or "pytorch"."""
    capability = torch.cuda.get_device_capability(device) if device.type == "cuda" else None
    return _decide(stage, capability, dtype, head_dim, features)


@cache
def _decide(
    stage: Stage,
    capability: tuple[int, int] | None,
    dtype: torch.dtype,
    head_dim: int,
    features: int,
) -> Backend:
    reason = why_not_triton(stage, capability, dtype, head_dim, features)
    backend: Backend = "triton" if reason is None else "pytorch"
    log.info(
        "Linear attention, %s, %s, head dim %d, feature dim %d: %s%s",
        stage, str(dtype).removeprefix("torch."), head_dim, features, backend,
        f" ({reason})" if reason else "",
    )  # fmt: skip
    return backend


def why_not_triton(
    stage: Stage,
    capability: tuple[int, int] | None,
    dtype: torch.dtype,
    head_dim: int,
    features: int,
) -> str | None:
    """The reason why the Triton kernels cannot take this; None if they can.

    Args:
        stage: training and prefill are the chunked form, decode the recurrent one.
        capability: compute capability of the NVIDIA GPU; None is any other device.
        dtype: of v, which is that of the products' operands.
        head_dim: D. features: F.
    """
    if capability is None or torch.version.hip is not None:
        return "no NVIDIA GPU"
    if find_spec("triton") is None:
        return "Triton is not installed"
    if dtype not in (torch.float32, torch.float16, torch.bfloat16):
        return "the kernels take float32, float16 and bfloat16"
    if max(head_dim, features) > 256:
        return "head dim or feature dim above 256"
    if stage == "decode":
        return None if capability >= (7, 5) else "compute capability below 7.5"
    if capability < (8, 0):
        return "compute capability below 8.0: Triton has no tensor cores there"
    # The remaining limits are where the kernels compiled ahead of time would spill registers.
    if dtype == torch.float32 and max(head_dim, features) > 64:
        return "float32 with head dim or feature dim above 64"
    if dtype == torch.float16 and head_dim > 128:
        return "float16 with head dim above 128"
    if capability >= (10, 0) and features > 128:
        return "feature dim above 128 on Blackwell"
    return None
