"""NVIDIA's own readings of a GPU, from the library that comes with its driver (NVML)."""

from __future__ import annotations

import ctypes
from typing import Any

import torch

_LIBRARY = "libnvidia-ml.so.1"
_SUCCESS = 0


class _Utilisation(ctypes.Structure):
    """nvmlUtilization_t: percent of the last sample period."""

    _fields_ = (("gpu", ctypes.c_uint), ("memory", ctypes.c_uint))


class Gpu:
    """One GPU. Every reading is None where the driver does not give it: it answers with an error
    (3, not supported: a MIG slice, a card before Volta; 15, lost), or is too old to be asked."""

    def __init__(self, library: Any, handle: Any) -> None:
        self._library, self._handle = library, handle

    def _asked(self, function: str, found: Any) -> bool:
        """Whether the driver filled in `found`."""
        ask = getattr(self._library, function, None)
        return ask is not None and ask(self._handle, ctypes.byref(found)) == _SUCCESS

    def utilisation(self) -> float | None:
        """Share (0-1) of the last sample period (up to a second) in which anything ran."""
        found = _Utilisation()
        return found.gpu / 100 if self._asked("nvmlDeviceGetUtilizationRates", found) else None

    def millijoules(self) -> int | None:
        """Energy used since the driver was loaded, mJ, of the whole board."""
        found = ctypes.c_ulonglong()
        return found.value if self._asked("nvmlDeviceGetTotalEnergyConsumption", found) else None


def gpu_of(device: torch.device) -> Gpu | None:
    """The GPU that `device` is; None for another device, and where NVML does not know it."""
    if device.type != "cuda":
        return None
    try:
        library = ctypes.CDLL(_LIBRARY)
    except OSError:
        return None
    return gpu_by_uuid(library, str(torch.cuda.get_device_properties(device).uuid))


def gpu_by_uuid(library: Any, uuid: str) -> Gpu | None:
    """The GPU with this id, as PyTorch writes it (without "GPU-")."""
    start = getattr(library, "nvmlInit_v2", None)
    if start is None or start() != _SUCCESS:
        return None
    handle = ctypes.c_void_p()
    name = uuid if uuid.startswith("GPU-") else f"GPU-{uuid}"
    done = library.nvmlDeviceGetHandleByUUID(name.encode(), ctypes.byref(handle))
    return Gpu(library, handle) if done == _SUCCESS else None
