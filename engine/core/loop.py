"""The optimisation loop of both stages: schedule, accumulation, clipping, checkpoint and resume.

Nothing in it is random: the data of a step depends on the step's number alone, so a run resumed
from a checkpoint follows the very same trajectory.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from engine.core.saving import saving
from engine.errors import Cancelled, NonFiniteLoss

CLIP = 1.0
"""Largest norm of the gradient."""
WARM_UP = 0.05
"""Share of the steps over which the learning rate rises."""
FLOOR = 0.05
"""Share of the peak learning rate that is left at the end."""


@dataclass
class Group:
    """Parameters that share a peak learning rate."""

    parameters: dict[str, nn.Parameter]
    learning_rate: float


@dataclass
class Best:
    """The weights at the lowest validation loss so far, and how long ago that was."""

    loss: float = math.inf
    step: int = 0
    stale: int = 0
    weights: dict[str, Tensor] = field(default_factory=dict)

    def consider(self, loss: float, step: int, parameters: dict[str, nn.Parameter]) -> None:
        """Take note of a reading; keep a copy of the weights if it is the lowest."""
        if loss < self.loss:
            self.loss, self.step, self.stale = loss, step, 0
            self.weights = {name: p.detach().clone() for name, p in parameters.items()}
        else:
            self.stale += 1

    def restore(self, parameters: dict[str, nn.Parameter]) -> None:
        """Put the kept weights back."""
        with torch.no_grad():
            for name, weight in self.weights.items():
                parameters[name].copy_(weight)


def rate_at(step: int, steps: int) -> float:
    """Share of the peak learning rate in this step: a short rise, then half a cosine."""
    rise = min(1.0, (step + 1) / max(1.0, WARM_UP * steps))
    return rise * (FLOOR + (1 - FLOOR) * 0.5 * (1 + math.cos(math.pi * step / max(1, steps))))


class Loop:
    """Trains the given parameters for a number of steps.

    Args:
        groups: what is trained, and how fast.
        steps: optimiser steps.
        checkpoint: file to save to and resume from; None keeps nothing.
        patience: readings in `best` without an improvement after which training stops; None never
            stops early.
        buffers: other tensors that decide how training goes on, such as counts; they are saved and
            restored with the parameters.
    """

    def __init__(
        self,
        groups: Iterable[Group],
        steps: int,
        checkpoint: Path | None,
        patience: int | None = None,
        buffers: Mapping[str, Tensor] | None = None,
    ) -> None:
        self.groups = [group for group in groups if group.parameters]
        self.parameters = {n: p for group in self.groups for n, p in group.parameters.items()}
        self.optimizer = torch.optim.AdamW(
            [
                {"params": list(g.parameters.values()), "lr": 0.0, "peak": g.learning_rate}
                for g in self.groups
            ],
            weight_decay=0.0,
            betas=(0.9, 0.99),
        )
        self.steps = steps
        self.checkpoint = checkpoint
        self.step = 0
        self.best = Best()
        self.patience = patience
        self.buffers = buffers or {}
        self._saved_at, self._save_cost = time.monotonic(), 1.0
        if checkpoint is not None and checkpoint.exists():
            self._load(checkpoint)

    @property
    def stopped_early(self) -> bool:
        """Whether patience has run out. Read from `best`, so a resumed loop knows it too."""
        return self.patience is not None and self.best.stale >= self.patience

    def _load(self, path: Path) -> None:
        # By way of the CPU: on a GPU a second copy of all this might not fit.
        saved = torch.load(path, weights_only=True, map_location="cpu")
        with torch.no_grad():
            for name, weight in saved["parameters"].items():
                self.parameters[name].copy_(weight)
            for name, values in saved["buffers"].items():
                self.buffers[name].copy_(values)
        self.optimizer.load_state_dict(saved["optimizer"])
        self.step, self.best = saved["step"], Best(**saved["best"])

    def save(self) -> None:
        """Write the checkpoint; a reader sees the old one or the new one, never half of it.

        Raises:
            EngineError: the disk is full or not writable; the old checkpoint is still there.
        """
        if self.checkpoint is None:
            return
        began = time.monotonic()
        part = self.checkpoint.with_suffix(".part")
        state: dict[str, Any] = {
            "parameters": {name: p.detach() for name, p in self.parameters.items()},
            "buffers": dict(self.buffers),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "best": vars(self.best),
        }
        with saving("The checkpoint"):
            try:
                part.parent.mkdir(parents=True, exist_ok=True)
                torch.save(state, part)
                part.replace(self.checkpoint)
            finally:
                part.unlink(missing_ok=True)
        self._saved_at = time.monotonic()
        self._save_cost = self._saved_at - began

    def run(
        self,
        backward: Callable[[int], float],
        after: Callable[[int, float, float], None],
    ) -> None:
        """Train from the current step to the last.

        Args:
            backward: adds the gradients of step number n (from 0) and returns its loss.
            after: told (steps done, loss, learning-rate share) after each step. If it raises
                `Cancelled`, the state is saved first.

        Raises:
            NonFiniteLoss: the loss is not a number any more; the weights are those before.
            EngineError: a checkpoint cannot be written.
        """
        while self.step < self.steps and not self.stopped_early:
            share = rate_at(self.step, self.steps)
            for group in self.optimizer.param_groups:
                group["lr"] = share * group["peak"]
            self.optimizer.zero_grad(set_to_none=True)
            loss = backward(self.step)
            if not math.isfinite(loss):
                raise NonFiniteLoss(
                    f"The training loss became {loss} at step {self.step + 1}.",
                    "Lower the learning rates (recipe.*.learning_rate) and start again.",
                )
            nn.utils.clip_grad_norm_(self.parameters.values(), CLIP)
            self.optimizer.step()
            self.step += 1
            try:
                after(self.step, loss, share)
            except Cancelled:
                self.save()
                raise
            # Saving may take at most a twentieth of the time, however large the model is.
            if time.monotonic() - self._saved_at > max(30.0, 20 * self._save_cost):
                self.save()
