"""Energy as the device itself counts it, or nothing: it is never estimated.

A GPU of NVIDIA's counts its whole board (NVML), a processor of Intel's or AMD's its packages (RAPL,
Linux powercap). Both count everything that runs on them and the power drawn while idle.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import torch

from engine.evidence.nvml import Gpu, gpu_of

POWERCAP = Path("/sys/class/powercap")


class EnergyMeter(Protocol):
    """A counter of energy."""

    source: str

    def read(self) -> tuple[int, ...] | None:
        """The counters as they stand; None where they cannot be read now."""
        ...

    def joules(self, before: tuple[int, ...], after: tuple[int, ...]) -> float | None:
        """Energy between two readings, J; None where they cannot be of one count."""
        ...


class Rapl:
    """Processor packages: `intel-rapl:N` with the name package-N, whichever maker's they are.

    Zones inside a package (`intel-rapl:N:M`) are part of its count. A counter starts again at 0
    after `max_energy_range_uj`; one such turn between two readings is seen, minutes apart at full
    power.
    """

    source = "processor packages (RAPL), with all that ran on them"

    def __init__(self, zones: list[Path]) -> None:
        self._zones = zones
        self._ranges = [int((zone / "max_energy_range_uj").read_text()) for zone in zones]

    def read(self) -> tuple[int, ...] | None:
        try:
            return tuple(int((zone / "energy_uj").read_text()) for zone in self._zones)
        except OSError:
            return None

    def joules(self, before: tuple[int, ...], after: tuple[int, ...]) -> float:
        spent = zip(before, after, self._ranges, strict=True)
        return sum(b - a if b >= a else b - a + turn for a, b, turn in spent) / 1e6


class Board:
    """A GPU with all that is on its board."""

    source = "the whole GPU board (NVML)"

    def __init__(self, gpu: Gpu) -> None:
        self._gpu = gpu

    def read(self) -> tuple[int, ...] | None:
        found = self._gpu.millijoules()
        return None if found is None else (found,)

    def joules(self, before: tuple[int, ...], after: tuple[int, ...]) -> float | None:
        # 64 bits of mJ do not turn over; a driver that was loaded anew counts from 0.
        return (after[0] - before[0]) / 1e3 if after[0] >= before[0] else None


def rapl(powercap: Path) -> Rapl | None:
    """The packages whose counters this process may read; None where there is none. Since 2020
    kernels let only the administrator read them unless told otherwise."""
    zones = [zone for zone in sorted(powercap.glob("intel-rapl:*")) if zone.name.count(":") == 1]
    try:
        packages = [
            zone for zone in zones if (zone / "name").read_text().strip().startswith("package")
        ]
        meter = Rapl(packages) if packages else None
    except OSError:
        return None
    return meter if meter is not None and meter.read() is not None else None


def energy_meter(device: torch.device) -> EnergyMeter | None:
    """The counter of the device that models run on; None where it reports none."""
    if device.type == "cpu":
        return rapl(POWERCAP)
    gpu = gpu_of(device)
    return Board(gpu) if gpu is not None and gpu.millijoules() is not None else None
