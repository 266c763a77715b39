"""What a run tells the world while it works: one vocabulary for worker, store, CLI and pages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

Stage = Literal["preparing", "transferring", "fine-tuning", "comparing"]
"""The working stages, in order; each is also the state of a run while it lasts."""

STAGES: tuple[Stage, ...] = ("preparing", "transferring", "fine-tuning", "comparing")

EventKind = Literal["stage", "progress", "loss", "note", "warning", "memory"]


@dataclass(frozen=True)
class Event:
    """One thing that happened in a run.

    kind "stage":    a stage began; `stage` names it.
    kind "progress": `step` of `total` of the whole stage is done; in the comparison these are parts
                     of very different length: `values` names the one at work in `part`, and gives
                     the seconds left in `left_s` once they are known.
    kind "loss":     `step` of `total` of one training of the stage is done (the converted
                     model's or the control's); `values` holds named readings (see below).
    kind "note":     a fact for the log, e.g. "12 duplicates removed"; text in `values["text"]`.
    kind "warning":  like note, for what the user should look at.
    kind "memory":   memory that the run's worker uses; bytes in `values` (`engine.runs.in_use`).

    Names in `values` of a "loss" event: `transfer_loss` (squared error relative to the variance of
    the original's attention output; 1.0 = no better than always giving its average), `train_loss`,
    `validation_loss` (nats per token), `teacher_loss` (the original's validation loss, nats per
    token), `dead_features` (fraction 0-1), `learning_rate`, `track` ("converted", "control", or
    the name of a control trained on request).
    """

    kind: EventKind
    stage: Stage
    step: int = 0
    total: int = 0
    values: dict[str, Any] = field(default_factory=dict)


Listener = Callable[[Event], None]
"""Receives each event as it happens. It may raise `Cancelled` to stop the work at a safe point."""


def ignore(event: Event) -> None:
    """The listener for callers who do not watch."""
