"""Which controls make sense for a run, how their steps are divided, and how long they may take.

Every control takes as many optimiser steps as the run did in all. Where one has no attention
transfer, its steps are steps of fine-tuning: to leave them out would let the run win by having
trained longer. A step of fine-tuning costs more than one of transfer and moves every weight, so
this favours the control.

Everything is read from plain data, since pages show it before torch is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.evidence.control_parts import CONTROL_NAMES, ControlName
from engine.evidence.results import Comparison

_LEARN_NOTHING = frozenset({"elu", "softmax"})
"""Methods whose mixers have no weights of their own: there attention transfer does nothing."""
_SCORED = 3  # models that a comparison always scores: the original, the converted, the untrained


@dataclass(frozen=True)
class RunSteps:
    """What of a run decides its controls."""

    method: str
    transfer: int
    """Optimiser steps of attention transfer; 0 where the method learns nothing in it."""
    finetune: int
    """Optimiser steps of fine-tuning."""

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> RunSteps | None:
        """Read from a run's stored settings; None where they hold no recipe."""
        if "recipe" not in config:
            return None
        method, recipe = config["method"]["name"], config["recipe"]
        transfer = 0 if method in _LEARN_NOTHING else recipe["transfer"]["steps"]
        return cls(method, transfer, recipe["finetune"]["steps"])

    def of_control(self, name: ControlName) -> tuple[int, int]:
        """The control's steps of attention transfer and of fine-tuning."""
        if name == "rfa":
            return self.transfer, self.finetune
        # no-transfer has none by its nature, random weights have no attention worth imitating, and
        # elu has nothing to learn in it.
        return 0, self.transfer + self.finetune

    def why_not(self, name: ControlName) -> str | None:
        """Why the control would tell nothing; None where it would."""
        if self.transfer + self.finetune == 0:
            return "the run was not trained at all"
        if name == self.method:
            return f"{name} is the run's own method"
        if name == "no-transfer" and not self.transfer:
            return "the run had no attention transfer to leave out"
        return None

    def applicable(self) -> list[ControlName]:
        """The controls that tell something about this run."""
        return [name for name in CONTROL_NAMES if self.why_not(name) is None]


def estimated_seconds(
    steps: RunSteps, comparison: Comparison, name: ControlName
) -> float | None:
    """How long a control takes at the pace of the run's own stages; None where that is not known.

    The machine may be busier or quieter than it was, and fine-tuning may stop early.
    """
    timing, ends = comparison.timing, comparison.finetuning
    if ends is None or "fine-tuning" not in timing:
        return None
    done = sum(end.steps for end in (ends.converted, ends.control) if end)
    transfer, finetune = steps.of_control(name)
    seconds = finetune * timing["fine-tuning"] / max(1, done)
    if transfer:
        seconds += transfer * timing.get("transferring", 0.0) / steps.transfer
    models = _SCORED + (comparison.quality.control is not None)
    read = sum(timing.get(f"comparing: {part}", 0.0) for part in ("quality", "recall"))
    return seconds + read / models + timing.get("comparing: loading", 0.0)
