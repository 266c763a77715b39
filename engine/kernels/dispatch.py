"""Which code computes linear and hybrid attention: the Triton kernels or PyTorch. The one place.

Decided at each call from what is at hand there, never at import: on a shared GPU (ZeroGPU) the
card is known only inside the call. Each distinct answer is logged once, with its reason.

Dimension letters: D head dim, F feature dim, K sink slots.
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

NO_TENSOR_CORES = "compute capability below 8.0: Triton has no tensor cores there"


Capability = tuple[int, int] | None
"""Compute capability of the NVIDIA GPU; None is any other device."""


def linear_backend(
    stage: Stage, device: torch.device, dtype: torch.dtype, head_dim: int, features: int
) -> Backend:
    """Who computes this stage of linear attention for values of this dtype."""
    return _linear(stage, _capability(device), dtype, head_dim, features)


def hybrid_backend(
    stage: Stage, device: torch.device, dtype: torch.dtype, head_dim: int, features: int, sinks: int
) -> Backend:
    """Who computes this stage of hybrid attention for values of this dtype."""
    return _hybrid(stage, _capability(device), dtype, head_dim, features, sinks)


def _capability(device: torch.device) -> Capability:
    return torch.cuda.get_device_capability(device) if device.type == "cuda" else None


@cache
def _linear(
    stage: Stage, capability: Capability, dtype: torch.dtype, head_dim: int, features: int
) -> Backend:
    reason = why_not_triton(stage, capability, dtype, head_dim, features)
    sizes = f"head dim {head_dim}, feature dim {features}"
    return _logged("Linear", stage, dtype, sizes, reason)


@cache
def _hybrid(
    stage: Stage, capability: Capability, dtype: torch.dtype, head_dim: int, features: int,
    sinks: int,
) -> Backend:  # fmt: skip
    reason = why_not_triton_hybrid(stage, capability, dtype, head_dim, features, sinks)
    sizes = f"head dim {head_dim}, feature dim {features}, {sinks} sinks"
    return _logged("Hybrid", stage, dtype, sizes, reason)


def _logged(
    attention: str, stage: Stage, dtype: torch.dtype, sizes: str, reason: str | None
) -> Backend:
    backend: Backend = "triton" if reason is None else "pytorch"
    log.info(
        "%s attention, %s, %s, %s: %s%s",
        attention, stage, str(dtype).removeprefix("torch."), sizes, backend,
        f" ({reason})" if reason else "",
    )  # fmt: skip
    return backend


def _unusable(
    capability: Capability, dtype: torch.dtype, head_dim: int, features: int
) -> str | None:
    """What keeps every Triton kernel from running."""
    if capability is None or torch.version.hip is not None:
        return "no NVIDIA GPU"
    if find_spec("triton") is None:
        return "Triton is not installed"
    if dtype not in (torch.float32, torch.float16, torch.bfloat16):
        return "the kernels take float32, float16 and bfloat16"
    if max(head_dim, features) > 256:
        return "head dim or feature dim above 256"
    return None


def why_not_triton(
    stage: Stage, capability: Capability, dtype: torch.dtype, head_dim: int, features: int
) -> str | None:
    """The reason why the linear kernels cannot take this; None if they can.

    Args:
        stage: training and prefill are the chunked form, decode the recurrent one.
        capability: of the GPU.
        dtype: of v, which is that of the products' operands.
        head_dim: D. features: F.
    """
    unusable = _unusable(capability, dtype, head_dim, features)
    if unusable or capability is None:
        return unusable
    if stage == "decode":
        return None if capability >= (7, 5) else "compute capability below 7.5"
    if capability < (8, 0):
        return NO_TENSOR_CORES
    # The remaining limits are where the kernels compiled ahead of time would spill registers.
    if dtype == torch.float32 and max(head_dim, features) > 64:
        return "float32 with head dim or feature dim above 64"
    if dtype == torch.float16 and head_dim > 128:
        return "float16 with head dim above 128"
    if capability >= (10, 0) and features > 128:
        return "feature dim above 128 on Blackwell"
    return None


def why_not_triton_hybrid(
    stage: Stage, capability: Capability, dtype: torch.dtype, head_dim: int, features: int,
    sinks: int,
) -> str | None:  # fmt: skip
    """The reason why the hybrid kernels cannot take this; None if they can.

    Args:
        stage: training needs the gradient kernels too; decode is one launch.
        capability: of the GPU.
        dtype: of v, which is that of the products' operands.
        head_dim: D. features: F. sinks: K.
    """
    unusable = _unusable(capability, dtype, head_dim, features)
    if unusable or capability is None:
        return unusable
    if capability < (8, 0):
        return NO_TENSOR_CORES  # the decode step multiplies matrices too
    # The remaining limits are where the kernels compiled ahead of time would spill registers.
    if dtype == torch.float32 and head_dim > 64:
        return "float32 with head dim above 64"
    if stage == "training" and head_dim > 128:
        return "gradients with head dim above 128"
    if sinks > 32:
        return "more than 32 sinks"
    return None
