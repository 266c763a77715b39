"""The content of `controls.json` (documented in docs/comparison-schema.md): models trained on
request, each with one thing about the run taken away or exchanged, and what that cost."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

from engine.evidence.parts import ModelQuality, ModelRecall, Result
from engine.evidence.results import Environment, FinetuningEnd
from engine.evidence.stats import Interval
from engine.evidence.verdict import FEWEST

ControlName = Literal["no-transfer", "random-init", "elu", "rfa"]
CONTROL_NAMES: tuple[ControlName, ...] = get_args(ControlName)
QUESTION: dict[ControlName, str] = {
    "no-transfer": "transfer", "random-init": "pretraining", "elu": "rival", "rfa": "rival",
}  # fmt: skip
"""What a control answers."""
Worth = Literal["worth", "costs", "unclear", "unknown"]
CONTROLS_FILE = "controls.json"


class ControlResult(Result):
    """One control, trained on the run's data with its seed, and measured as its models were."""

    name: ControlName
    """"no-transfer": no attention transfer. "random-init": random weights instead of the
    original's. "elu", "rfa": that method in the converted layers."""
    settings_sha256: str
    """SHA-256 of all that decides the result; a control that has it is not trained again."""
    method: str
    """Name of its attention in the converted layers."""
    transfer_steps: int
    """Optimiser steps of attention transfer."""
    finetuning: FinetuningEnd | None
    """How its fine-tuning ended; null where the recipe has none."""
    quality: ModelQuality
    """Prediction of the held-out text that the run's models were scored on."""
    recall: ModelRecall | None
    """Facts recalled, of the questions that the run's models were asked, in the languages that the
    comparison counts; null where it has none."""
    lost_nats: float | None
    """Nats per held-out token that it loses more than the converted model: above 0 it is worse.
    Null where either is not finite."""
    lost_interval: Interval | None
    """The 95 % interval of lost_nats, paired by document; null with fewer than two documents."""
    lost_facts: Interval | None
    """Share (-1 to 1) of the judged questions that the converted model answers and it does not,
    less those that it alone answers; null where no question is judged."""
    seconds: float
    """Training and measuring took this long, the last time it was worked on, in s."""
    environment: Environment
    """Where it was trained and measured."""

    @property
    def steps(self) -> int:
        """Optimiser steps of attention transfer and fine-tuning together."""
        return self.transfer_steps + (self.finetuning.steps if self.finetuning else 0)


class Controls(Result):
    """All controls of a run so far: the content of controls.json."""

    schema_version: int = 1
    """Version of this schema."""
    controls: tuple[ControlResult, ...] = ()
    """In the order of their names in the documentation."""

    @classmethod
    def in_folder(cls, folder: Path) -> Controls:
        """Those that the run in this folder has so far."""
        file = folder / CONTROLS_FILE
        return cls.model_validate_json(file.read_text("utf-8")) if file.is_file() else cls()

    def named(self, name: ControlName) -> ControlResult | None:
        """The control of that name, where there is one."""
        return next((one for one in self.controls if one.name == name), None)

    def having(self, result: ControlResult) -> Controls:
        """The same with this control, instead of an earlier one of its name."""
        kept = {one.name: one for one in self.controls} | {result.name: result}
        ordered = tuple(kept[name] for name in CONTROL_NAMES if name in kept)
        return self.model_copy(update={"controls": ordered})


def worth(control: ControlResult) -> Worth:
    """What taking the thing away did to the prediction of held-out text: "worth" where the control
    is shown to be worse, "costs" where it is shown to be better."""
    interval = control.lost_interval
    if control.lost_nats is None:
        return "unknown"
    if interval is None or interval.n < FEWEST["documents"] or interval.low <= 0 <= interval.high:
        return "unclear"
    return "worth" if interval.low > 0 else "costs"
