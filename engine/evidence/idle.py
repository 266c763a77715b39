"""Is the machine idle, so that a timing means something?"""

from __future__ import annotations

import time
from pathlib import Path

import torch

from engine.evidence.nvml import gpu_of

_STAT = Path("/proc/stat")


def other_load(seconds: float = 0.3) -> float | None:
    """Share (0-1) of the machine's processors that others used while this process slept.

    Read from the kernel's counters (proc(5), /proc/stat: user, nice, system, idle, iowait, irq,
    softirq, steal); None on systems without them. Time that a host took away counts as used.
    """
    if not _STAT.exists():
        return None
    before = _counters()
    time.sleep(seconds)
    after = _counters()
    spent = [b - a for a, b in zip(before, after, strict=True)]
    total = sum(spent)
    return 1 - (spent[3] + spent[4]) / total if total > 0 else None


def _counters() -> list[int]:
    """Ticks since the start of the machine, over all processors, by what they went to."""
    first = _STAT.read_text().splitlines()[0]
    return [int(ticks) for ticks in first.split()[1:9]]


def device_load(device: torch.device, seconds: float = 1.0) -> float | None:
    """Share (0-1) of the GPU's time that others used while this process let it rest.

    The driver tells of its last sample period, up to a second, so that long is waited first. None
    for a processor, and where the driver does not tell.
    """
    gpu = gpu_of(device)
    if gpu is None:
        return None
    torch.cuda.synchronize(device)
    time.sleep(seconds)
    return gpu.utilisation()
