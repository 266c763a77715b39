"""Where and with what the numbers were measured: enough to judge them, nothing that names a person
or a host.
"""

from __future__ import annotations

import os
import platform
import re
from datetime import UTC, datetime
from pathlib import Path

import torch
import transformers
from transformers import PreTrainedModel

from engine.evidence.results import Environment
from engine.version import VERSION

_CPUINFO = Path("/proc/cpuinfo")


def environment(model: PreTrainedModel, *, backend: str) -> Environment:
    """The environment of `model`; `backend` says which code ran."""
    device = model.device
    return Environment(
        machine=f"{platform.system()} {platform.machine()}",
        cpu=_cpu(),
        cores=_cores(),
        threads=torch.get_num_threads(),
        memory_bytes=_memory_bytes(),
        device=torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        torch=torch.__version__,
        transformers=transformers.__version__,
        python=platform.python_version(),
        engine=VERSION,
        dtype=str(model.dtype).removeprefix("torch."),
        backend=backend,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        device_memory_bytes=(
            torch.cuda.get_device_properties(device).total_memory
            if device.type == "cuda"
            else None
        ),
    )


def _cpu() -> str:
    """The processor's name; platform.processor() is empty or a mere architecture on Linux."""
    if _CPUINFO.exists():
        named = re.search(r"^model name\s*:\s*(.+)$", _CPUINFO.read_text(), re.MULTILINE)
        if named:
            return named.group(1).strip()
    return platform.processor() or platform.machine()


def _cores() -> int:
    """Cores this process may run on, which in a container can be fewer than the machine's."""
    affinity = getattr(os, "sched_getaffinity", None)  # Linux only
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _memory_bytes() -> int | None:
    """The machine's memory, where the system tells."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf, macOS no such name
        return None
