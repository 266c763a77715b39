"""What a CUDA graph does, on a CPU: record what a function starts, then start the same again.

Recorded is every operation with its very tensors and numbers, and every launch of a Triton kernel.
A replay runs them in that order and leaves their results where the recorded ones lie; the
function's own code takes no part. So whatever the host counts stays what it was when recording, and
an operation for which the host would have to wait for the GPU is refused, as capturing would.
Recording must run the function to know what it starts; what that changed is put back.

Not modelled: the graph's reuse of memory for results that nobody needs any more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes
from torch.utils._pytree import tree_flatten

from engine.core import decoding
from engine.kernels.launch import launch as really_launch

READS_BACK = {
    "item", "_local_scalar_dense", "is_nonzero", "equal", "allclose", "nonzero", "masked_select",
    "unique", "_unique2", "unique_consecutive", "lift_fresh", "lift", "repeat_interleave",
}  # fmt: skip
"""Operations for which the host waits for the GPU, or that copy from the host's own memory."""


class Refused(RuntimeError):
    """A GPU could not record this."""


class Tape(TorchDispatchMode):
    """Records what runs within."""

    running: Tape | None = None

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[Callable[[], None]] = []
        self._before: dict[int, tuple[Any, Any]] = {}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        name = func.overloadpacket.__name__
        if name in READS_BACK or (name in ("index", "index_put_") and _has_bool(args[1])):
            raise Refused(f"{name} reads back from the device")
        for argument, value in zip(func._schema.arguments, args, strict=False):
            if argument.alias_info is not None and argument.alias_info.is_write:
                self._keep(value)
        out = func(*args, **kwargs)
        if not (func.is_view and _within(out, args)):  # some views copy where they must
            self.steps.append(_again(func, args, kwargs, out))
        return out

    def launch(self, kernel: Any, grid: Any, *arguments: Any, **sizes: Any) -> None:
        """Record the start of a Triton kernel, which operations know nothing of."""
        with _disable_current_modes():
            for value in arguments:
                if isinstance(value, Tensor):
                    self._keep(value)
            really_launch(kernel, grid, *arguments, **sizes)
        self.steps.append(lambda: really_launch(kernel, grid, *arguments, **sizes))

    def _keep(self, x: Tensor) -> None:
        storage = x.untyped_storage()
        self._before.setdefault(storage.data_ptr(), (storage, storage.clone()))

    def put_back(self) -> None:
        """Undo what recording has changed."""
        for storage, content in self._before.values():
            storage.copy_(content)


def _has_bool(indices: Any) -> bool:
    return any(x is not None and x.dtype == torch.bool for x in indices)


def _within(out: Any, args: Any) -> bool:
    """Whether all that came out lies where something that went in lies."""
    places = {x.untyped_storage().data_ptr() for x in _tensors(args)}
    return all(x.untyped_storage().data_ptr() in places for x in _tensors(out))


def _tensors(tree: Any) -> list[Tensor]:
    return [x for x in tree_flatten(tree)[0] if isinstance(x, Tensor)]


def _again(func: Any, args: Any, kwargs: Any, out: Any) -> Callable[[], None]:
    recorded = _tensors(out)

    def step() -> None:
        for place, result in zip(recorded, _tensors(func(*args, **kwargs)), strict=True):
            if place.data_ptr() != result.data_ptr():
                place.copy_(result)

    return step


@contextmanager
def _recording() -> Iterator[Tape]:
    tape = Tape.running = Tape()
    try:
        with tape:
            yield tape
    finally:
        Tape.running = None
        tape.put_back()


def captured(advance: Callable[[], None]) -> Callable[[], None]:
    """What stands in for `engine.core.decoding.captured`."""
    with _recording() as tape:
        advance()

    def replay() -> None:
        for step in tape.steps:
            step()

    return replay


def launch(kernel: Any, grid: Any, *arguments: Any, **sizes: Any) -> None:
    """What stands in for `engine.kernels.launch.launch`."""
    if Tape.running is None:
        really_launch(kernel, grid, *arguments, **sizes)
    else:
        Tape.running.launch(kernel, grid, *arguments, **sizes)


def graphs_without_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Within this test every model can have its decode step recorded."""
    monkeypatch.setattr(decoding, "why_not_graph", lambda model: None)
    monkeypatch.setattr(decoding, "run_aside", lambda advance: advance())
    monkeypatch.setattr(decoding, "captured", captured)
