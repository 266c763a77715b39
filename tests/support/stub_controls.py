"""The real worker of controls around a stand-in for the training; "step_s" of the run's config is
how long a step takes, "stub" how it ends."""

from __future__ import annotations

import sys
import time
import types
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.errors import OutOfMemory
from engine.events import Event, Listener
from engine.evidence.control_parts import CONTROLS_FILE, ControlName, Controls
from engine.runs import controls
from engine.services.jsonfile import write_json
from tests.support import example_runs as examples


def train_controls(
    folder: Path, config: dict[str, Any], names: Sequence[ControlName], listen: Listener, *,
    device: str,
) -> Controls:  # fmt: skip
    """Take ten steps for each control, longer ones for each further, and keep it."""
    found = Controls()
    for place, name in enumerate(names):
        for step in range(1, 11):
            time.sleep(config["step_s"] * (1 + 4 * place))
            done, total = 10 * place + step, 10 * len(names)
            part = {"part": f"{name}: fine-tuning"}
            listen(Event("progress", "fine-tuning", done, total, part))
        if config["stub"] == "memory":
            raise OutOfMemory("Too large.", "Take a smaller model.")
        found = found.having(examples.control(name))
        write_json(folder / CONTROLS_FILE, found.model_dump(mode="json"))
    return found


class _AnyConfig:
    @staticmethod
    def stored(values: dict[str, Any]) -> dict[str, Any]:
        return values


if __name__ == "__main__":
    for module, content in (
        ("engine.configs", {"RunConfig": _AnyConfig}),
        ("engine.models.memory", {"run_device": lambda: "cpu"}),
        ("engine.services.controls", {"train_controls": train_controls}),
    ):
        sys.modules[module] = types.ModuleType(module)
        vars(sys.modules[module]).update(content)
    sys.exit(controls.main())
