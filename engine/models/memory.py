"""How much memory a model needs, and how much there is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import psutil

from engine.errors import OutOfMemory
from engine.sizes import LARGEST_FULL

if TYPE_CHECKING:  # torch comes with it, and pages import this module
    from engine.configs import FinetuneSettings

BYTES_PER_PARAMETER = 4
"""Weights are kept in float32."""

_CGROUP = Path("/sys/fs/cgroup")
_LOADED = 1.5


def run_device() -> str:
    """Where a run computes, as torch names it: the GPU if there is one."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def run_bytes(parameters: int, finetune: FinetuneSettings) -> int:
    """Memory that a whole run needs on its device, in bytes, from copies of the float32 weights.

        every weight trained:  original + student + gradients + 2 of Adam + best so far = 6
        adapters, or no fine-tuning: the comparison's original + converted + one more    = 3

    and half a copy to work in; so 26 or 14 bytes per parameter. The control trains when the
    converted model has been let go, so it adds nothing. What a step's activations and logits take
    grows with the tokens of a micro-batch (`recipe.accumulation` lowers it), not with the weights,
    and is not in here.
    """
    return _run_bytes(parameters, finetune.steps > 0 and finetune.rank_for(parameters) == 0)


def _run_bytes(parameters: int, whole: bool) -> int:
    return int(parameters * BYTES_PER_PARAMETER * ((6 if whole else 3) + 0.5))


Light = Literal["yes", "tight", "no"]
TIGHT = 0.8
"""A model that needs more than this share of the free memory leaves little for anything else."""


def runs_here(parameters: int) -> Light:
    """Whether a run by a named recipe fits into this machine's free memory, by size alone.

    A glance for lists: it does not look at a GPU, which `check_model` does.
    """
    needed = _run_bytes(parameters, parameters <= LARGEST_FULL)
    available = available_memory_bytes()
    if needed > available:
        return "no"
    return "tight" if needed > TIGHT * available else "yes"


def require_memory(
    ref: str, parameters: int, device: str, finetune: FinetuneSettings | None
) -> tuple[int, int]:
    """Refuse a model that does not fit.

    Args:
        ref: the model, for the message.
        parameters: its weights.
        device: where it is to run, as torch names it.
        finetune: how a run would train it; None asks for room to load it, which is the weights
            and half a copy to work in.

    Returns:
        Bytes needed and bytes available on the device.

    Raises:
        OutOfMemory: too little is free on the device, or for loading in the machine's memory.
    """
    loading = int(parameters * BYTES_PER_PARAMETER * _LOADED)
    needed = loading if finetune is None else run_bytes(parameters, finetune)
    available = available_memory_bytes()
    if device.startswith("cuda"):
        # Weights are read into the machine's memory and go to the GPU from there.
        _refuse_if_short(ref, parameters, loading, available, "memory")
        available = _free_gpu_bytes(device)
        _refuse_if_short(ref, parameters, needed, available, "GPU memory")
    else:
        _refuse_if_short(ref, parameters, needed, available, "memory")
    return needed, available


def available_bytes(device: str) -> int:
    """Free memory of a device, as torch names it."""
    return _free_gpu_bytes(device) if device.startswith("cuda") else available_memory_bytes()


def _refuse_if_short(ref: str, parameters: int, needed: int, available: int, what: str) -> None:
    if needed > available:
        raise OutOfMemory(
            f"{ref} has {parameters / 1e6:,.0f} million weights and needs about "
            f"{needed / 2**30:.1f} GiB of {what}; {available / 2**30:.1f} GiB are free.",
            "Choose a smaller model, close other programs, or use a machine with more memory.",
        )


def _free_gpu_bytes(device: str) -> int:
    import torch

    return torch.cuda.mem_get_info(torch.device(device))[0]


def total_memory_bytes() -> int:
    """Memory of the machine, or what the container may use where that is less."""
    total = psutil.virtual_memory().total
    try:
        return min(total, int((_CGROUP / "memory.max").read_text()))
    except (OSError, ValueError):  # no cgroup v2, or "max"
        return total


def available_memory_bytes() -> int:
    """Free memory of the machine, or of the container where that is less (Linux cgroup v2).

    psutil reads the machine alone, while a container is killed at its own limit.
    """
    available = psutil.virtual_memory().available
    try:
        limit = (_CGROUP / "memory.max").read_text().strip()
        used = int((_CGROUP / "memory.current").read_text())
        statistics = (_CGROUP / "memory.stat").read_text().splitlines()
    except (OSError, ValueError):
        return available
    if limit == "max":
        return available
    reclaimable = sum(int(s.split()[1]) for s in statistics if s.startswith("inactive_file "))
    return min(available, max(int(limit) - used + reclaimable, 0))
