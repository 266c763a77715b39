"""The real worker around a stand-in pipeline, so that tests of runs need neither torch nor time.

The run's config says what happens: {"stub": NAME, "steps": N, "step_s": SECONDS}.
"""

from __future__ import annotations

import json
import sys
import time
import types
from pathlib import Path
from typing import Any

from engine.errors import BadDataset, Cancelled
from engine.events import Event, Listener
from engine.runs import worker
from engine.services.timings import timed


def _steps(config: dict[str, Any], folder: Path, listen: Listener) -> None:
    """Count to `steps`, remembering where it was when it is stopped."""
    saved = folder / "checkpoint" / "step"
    saved.parent.mkdir(exist_ok=True)
    first = int(saved.read_text()) if saved.exists() else 0
    spans = folder / "data" / "spans.jsonl"
    began = time.time()
    listen(Event("stage", "transferring"))
    with timed("transferring", folder):
        for step in range(first, config["steps"]):
            time.sleep(config["step_s"])
            saved.write_text(str(step + 1))
            listen(Event("progress", "transferring", step + 1, config["steps"]))
    with spans.open("a") as file:
        file.write(json.dumps({"first": first, "began": began, "ended": time.time()}) + "\n")


def _long_step(config: dict[str, Any], folder: Path, listen: Listener) -> None:
    """One step in which no request is heard; it is saved at its end."""
    listen(Event("stage", "transferring"))
    (folder / "checkpoint").mkdir()  # from here on
    time.sleep(config["step_s"])
    (folder / "checkpoint" / "step").write_text("1")
    listen(Event("progress", "transferring", 1, 2))


def _bad_data(config: dict[str, Any], folder: Path, listen: Listener) -> None:
    listen(Event("stage", "preparing"))
    raise BadDataset("Too little text.", "Add some.")


def _crash(config: dict[str, Any], folder: Path, listen: Listener) -> None:
    listen(Event("stage", "preparing"))
    raise ZeroDivisionError("one by\nzero")


def _memory(config: dict[str, Any], folder: Path, listen: Listener) -> None:
    raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")


def _cancelled_late(config: dict[str, Any], folder: Path, listen: Listener) -> None:
    raise Cancelled("Stopped.", "Resume.")


_STUBS = {
    "steps": _steps, "long step": _long_step, "bad data": _bad_data, "crash": _crash,
    "memory": _memory, "cancelled late": _cancelled_late,
}  # fmt: skip


def _run_pipeline(
    config: dict[str, Any], folder: Path, listen: Listener, *, recorded_sha256: str | None
) -> None:
    _STUBS[config["stub"]](config, folder, listen)


class _AnyConfig:
    @staticmethod
    def stored(values: dict[str, Any]) -> dict[str, Any]:
        return values


if __name__ == "__main__":
    for name, content in (
        ("engine.configs", {"RunConfig": _AnyConfig}),
        ("engine.services.pipeline", {"run_pipeline": _run_pipeline}),
    ):
        sys.modules[name] = types.ModuleType(name)
        vars(sys.modules[name]).update(content)
    sys.exit(worker.main())
