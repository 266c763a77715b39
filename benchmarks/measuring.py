"""Interleaved timing, and what must be known of the machine to judge it. Needs torch alone."""

from __future__ import annotations

import gc
import os
import platform
import re
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from engine.evidence.subject import synchronise, using_threads

Call = Callable[[], Any]

LEAST_REPEATS, MOST_REPEATS = 5, 30
SLOW_S, SLOW_REPEATS = 1.0, 3
"""Calls this slow gain from all threads for certain, and are repeated less."""
SAMPLE_S = 0.005
"""A sample is as many calls as take about this long: shorter ones drown in the clock's noise."""


@dataclass
class Reading:
    """How long one call takes."""

    threads: int
    """CPU threads: whichever of one and all was quicker in a short try."""
    calls: int
    """Calls in a sample."""
    samples: list[float] = field(default_factory=list)
    """Seconds of one call, a mean over each sample."""

    @property
    def median_s(self) -> float:
        """Median over the samples."""
        return statistics.median(self.samples)

    def report(self) -> dict[str, Any]:
        """Median and spread in ms."""
        found = torch.tensor(self.samples, dtype=torch.float64) * 1000
        low, middle, high = (found.quantile(q).item() for q in (0.1, 0.5, 0.9))
        return {"median_ms": digits(middle), "p10_ms": digits(low), "p90_ms": digits(high),
                "samples": len(self.samples), "calls_per_sample": self.calls,
                "threads": self.threads}  # fmt: skip


def digits(x: float) -> float:
    """Four significant digits."""
    return float(f"{x:.4g}")


def _seconds(call: Call, count: int, device: torch.device) -> float:
    synchronise(device)
    start = time.perf_counter()
    for _ in range(count):
        call()
    synchronise(device)
    return (time.perf_counter() - start) / count


def interleaved(
    calls: Mapping[str, Call], device: torch.device, budget_s: float
) -> dict[str, Reading]:
    """Time the calls in turns, forwards and backwards, for about `budget_s` seconds in all."""
    readings: dict[str, Reading] = {}
    cost, least = 0.0, LEAST_REPEATS
    for name, call in calls.items():
        tries: dict[int, float] = {}
        for threads in sorted({1, torch.get_num_threads()}, reverse=True):
            with using_threads(threads):
                tries[threads] = _seconds(call, 1, device)  # pays for what is done once only
                if tries[threads] < SLOW_S:
                    tries[threads] = min(_seconds(call, 1, device) for _ in range(2))
            if device.type != "cpu" or tries[threads] > SLOW_S:
                break
        threads = min(tries, key=tries.__getitem__)
        readings[name] = Reading(threads, max(1, round(SAMPLE_S / tries[threads])))
        cost += tries[threads] * readings[name].calls
        least = SLOW_REPEATS if tries[threads] > SLOW_S else least
    repeats = max(least, min(MOST_REPEATS, int(budget_s / cost)))
    order = list(calls)
    for number in range(repeats):
        for name in order if number % 2 == 0 else order[::-1]:
            with using_threads(readings[name].threads):
                seconds = _seconds(calls[name], readings[name].calls, device)
            readings[name].samples.append(seconds)
    return readings


def ran_out(error: Exception) -> bool:
    """Whether this is how running out of memory shows, here or on a GPU."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or (
        isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
    )


def forget_freed(device: torch.device) -> None:
    """Give a GPU's freed memory back, so that what comes next finds it in one piece."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()


def copy_bandwidth(device: torch.device, size: int) -> float:
    """Bytes per second of copying `size` bytes, read and written bytes both counted."""
    source = torch.ones(size // 4, device=device)
    target = torch.empty_like(source)
    found = interleaved({"copy": lambda: target.copy_(source)}, device, 1.0)
    return 2 * source.numel() * 4 / found["copy"].median_s


def crossover(lengths: list[int], ratios: list[float]) -> int | None:
    """The shortest measured length from which on every ratio is at least 1; None if the longest
    is not."""
    found = None
    for length, ratio in sorted(zip(lengths, ratios), reverse=True):
        if ratio < 1:
            break
        found = length
    return found


def say(text: str) -> None:
    """Progress, beside the JSON document."""
    print(text, file=sys.stderr, flush=True)


def load_average() -> list[float] | None:
    """Of the last 1, 5 and 15 minutes, where the system tells."""
    return [round(x, 2) for x in os.getloadavg()] if hasattr(os, "getloadavg") else None


def machine(device: torch.device) -> dict[str, Any]:
    """Hardware, versions, date and load; nothing that names a person or a host."""
    info = Path("/proc/cpuinfo")
    text = info.read_text() if info.exists() else ""
    named = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else ()
    return {
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "cpu": named.group(1).strip() if named else platform.machine(),
        "cores": len(cores) or os.cpu_count(),
        "threads": torch.get_num_threads(),
        "omp_wait_policy": os.environ.get("OMP_WAIT_POLICY"),
        "python": platform.python_version(),
        **{name: _version(name) for name in ("torch", "triton", "flash-linear-attention")},
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "load_average_before": load_average(),
    }  # fmt: skip


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
