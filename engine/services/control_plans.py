"""What each control of a run is made of, and the hash that tells whether it is there already."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from engine.configs import Recipe, RunConfig
from engine.errors import BadRunConfig
from engine.evidence.control_parts import ControlName
from engine.evidence.control_plan import RunSteps
from engine.evidence.results import Comparison
from engine.methods import AnyMethod, Elu, Hybrid, Rfa


@dataclass(frozen=True)
class Plan:
    """What one control is: the method in its layers, whose weights, which steps."""

    name: ControlName
    method: AnyMethod
    recipe: Recipe
    sha256: str

    @property
    def steps(self) -> int:
        """Optimiser steps of both stages."""
        return self.recipe.transfer.steps + self.recipe.finetune.steps


def plans(
    config: RunConfig, comparison: Comparison, names: Sequence[ControlName]
) -> list[Plan]:
    """What the named controls are for this run; without names, all that tell something.

    Raises:
        BadRunConfig: one of them, or every one, would tell nothing.
    """
    steps = RunSteps.of(config.model_dump(mode="json"))
    assert steps is not None  # settings as they are now always hold a recipe
    if not names and not steps.applicable():
        raise BadRunConfig(
            f"No control would tell anything: {steps.why_not('random-init')}.",
            "Make a run with steps of training.",
        )
    for name in names:
        if (reason := steps.why_not(name)) is not None:
            offered = ", ".join(steps.applicable()) or "none"
            raise BadRunConfig(
                f"The control {name} would tell nothing: {reason}.",
                f"Controls of this run: {offered}.",
            )
    return [_plan(name, steps, config, comparison) for name in names or steps.applicable()]


def _plan(name: ControlName, steps: RunSteps, config: RunConfig, comparison: Comparison) -> Plan:
    transfer, tuning = steps.of_control(name)
    changes: dict[str, int] = {"steps": tuning}
    if name == "random-init":
        changes["lora_rank"] = 0  # low-rank adapters on random weights that stay could learn little
    recipe = config.recipe.model_copy(
        update={
            "transfer": config.recipe.transfer.model_copy(update={"steps": transfer}),
            "finetune": config.recipe.finetune.model_copy(update=changes),
            "train_control": False,
        }
    )
    method = _method(name, config.method)
    decides = {
        "name": name, "method": method.model_dump(mode="json"),
        "recipe": recipe.model_dump(mode="json"), "kept": config.kept.model_dump(mode="json"),
        "seed": config.seed, "data_seed": config.data_seed, "text_column": config.text_column,
        "data": comparison.dataset["sha256"],
        "original": comparison.answers.original.weights_sha256,
        "converted": comparison.answers.converted.weights_sha256,
        "heldout_tokens": config.comparison.heldout_tokens,
        "probes_per_distance": config.comparison.probes_per_distance,
    }  # fmt: skip
    sha256 = hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()
    return Plan(name, method, recipe, sha256)


def _method(name: ControlName, own: AnyMethod) -> AnyMethod:
    """The control's method; rfa with as many features as the run's own map has where that says.

    A rival replaces the whole mixer, as in the paper: of a hybrid the window and sinks go too.
    """
    if name == "elu":
        return Elu()
    if name != "rfa":
        return own
    width = getattr(own.far if isinstance(own, Hybrid) else own, "feature_dim", None)
    return Rfa() if width is None else Rfa(feature_dim=width + width % 2)
