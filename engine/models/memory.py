"""How much memory a process may still take."""

from __future__ import annotations

from pathlib import Path

import psutil

_CGROUP = Path("/sys/fs/cgroup")


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
