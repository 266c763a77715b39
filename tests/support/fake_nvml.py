"""NVML without a GPU: C functions with the signatures of nvml.h, called as `ctypes` calls them.

They are real function pointers, called without any declared types like those of `ctypes.CDLL`, so
that a handle cut to 32 bits, a wrong width of a number or a wrong order of arguments is seen.
"""

from __future__ import annotations

import ctypes
from typing import Any

NOT_SUPPORTED, NO_PERMISSION, NOT_FOUND, UNINITIALIZED, GPU_IS_LOST = 3, 4, 6, 1, 15
"""nvmlReturn_t."""
HANDLE = 0x7F12_3456_789A
"""An address as a 64-bit driver gives it."""


class _Utilization(ctypes.Structure):
    """nvmlUtilization_t of nvml.h."""

    _fields_ = (("gpu", ctypes.c_uint), ("memory", ctypes.c_uint))


_INT, _POINTER, _TEXT = ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p
_SIGNATURES: dict[str, Any] = {
    "nvmlInit_v2": ctypes.CFUNCTYPE(_INT),
    "nvmlDeviceGetHandleByUUID": ctypes.CFUNCTYPE(_INT, _TEXT, ctypes.POINTER(_POINTER)),
    "nvmlDeviceGetUtilizationRates": ctypes.CFUNCTYPE(
        _INT, _POINTER, ctypes.POINTER(_Utilization)
    ),
    "nvmlDeviceGetTotalEnergyConsumption": ctypes.CFUNCTYPE(
        _INT, _POINTER, ctypes.POINTER(ctypes.c_ulonglong)
    ),
}


class FakeNvml:
    """A driver's library with one GPU.

    Args:
        uuid: of the GPU, with its "GPU-".
        millijoules: what the energy counter says at each reading; the last value stays.
        utilisation: percent.
        errors: what a function returns instead of doing anything, by its name.
        missing: functions that this driver is too old to have.
    """

    def __init__(
        self, *, uuid: str = "GPU-abc", millijoules: tuple[int, ...] = (0,), utilisation: int = 0,
        errors: dict[str, int] | None = None, missing: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        self.millijoules, self.utilisation = list(millijoules), utilisation
        self.uuid, self.started, self.errors = uuid, False, errors or {}
        self._kept = {
            name: signature(self._refusing(name)) for name, signature in _SIGNATURES.items()
        }
        untyped = ctypes.CDLL(None)._FuncPtr
        for name, function in self._kept.items():
            if name not in missing:
                setattr(self, name, untyped(ctypes.cast(function, ctypes.c_void_p).value))

    def _refusing(self, name: str) -> Any:
        work = getattr(self, f"_{name}")

        def called(*given: Any) -> int:
            if name in self.errors:
                return self.errors[name]
            if name != "nvmlInit_v2" and not self.started:
                return UNINITIALIZED
            return work(*given)

        return called

    def _nvmlInit_v2(self) -> int:
        self.started = True
        return 0

    def _nvmlDeviceGetHandleByUUID(self, uuid: bytes, handle: Any) -> int:
        if uuid != self.uuid.encode():
            return NOT_FOUND
        handle[0] = HANDLE
        return 0

    def _nvmlDeviceGetUtilizationRates(self, handle: int, found: Any) -> int:
        if handle != HANDLE:
            return 2
        found[0].gpu, found[0].memory = self.utilisation, 99
        return 0

    def _nvmlDeviceGetTotalEnergyConsumption(self, handle: int, found: Any) -> int:
        if handle != HANDLE:
            return 2
        found[0] = self.millijoules.pop(0) if len(self.millijoules) > 1 else self.millijoules[0]
        return 0
