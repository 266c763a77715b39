"""Train and measure the controls of a finished run, each kept in `controls.json` as it is done.

A control is trained under the run's own recipe: same data, same seed, same rates and losses (the
original teaches it too), same number of steps in all (`engine.evidence.control_plan`). It is scored
on the very text and questions that the run's comparison used, so that document stands against
document and question against question. Its weights are not kept.
"""

from __future__ import annotations

import copy
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from transformers import PreTrainedModel

from engine.configs import RunConfig
from engine.events import Event, Listener
from engine.evidence.control_parts import CONTROLS_FILE, ControlName, Controls
from engine.evidence.results import Comparison, FinetuningEnd
from engine.models.fresh import fresh_model
from engine.services.artifacts import ConversionRecord
from engine.services.compare import COMPARISON_FILE
from engine.services.control_bench import Bench
from engine.services.control_plans import Plan, plans
from engine.services.finetune import finetune
from engine.services.jsonfile import write_json
from engine.services.original import load_original
from engine.services.training import CHECKPOINT, imitate, student, swapped, with_progress


def train_controls(
    folder: Path, config: RunConfig, names: Sequence[ControlName], listen: Listener, *, device: str
) -> Controls:
    """Train and measure the named controls that are not there yet.

    Args:
        folder: the folder of a finished run, with data/ and comparison.json.
        config: the run's settings.
        names: which controls; none means all that tell something about this run.
        listen: told everything that happens. If it raises `Cancelled`, finished controls are kept
            and a training at work is saved for a later call to go on from.
        device: where the models run, as torch names it.

    Returns:
        All controls of the run, earlier ones included.

    Raises:
        BadRunConfig: a control would tell nothing about this run, or its comparison is too old.
        OriginalChanged, BadDataset: the original or the data is not what the run was made with.
        EngineError: the model or the training will not do.
        Cancelled: `listen` asked to stop.
    """
    comparison = Comparison.model_validate_json((folder / COMPARISON_FILE).read_text("utf-8"))
    found, todo = Controls.in_folder(folder), []
    for plan in plans(config, comparison, names):
        there = found.named(plan.name)
        if there is not None and there.settings_sha256 == plan.sha256:
            _tell(listen, f"{plan.name}: there already, with the same settings; not trained again.")
        else:
            todo.append(plan)
    if not todo:
        return found
    # Memory must be there for the neediest: random weights are trained whole, adapters or not.
    neediest = next((plan for plan in todo if plan.name == "random-init"), todo[0])
    original = load_original(config, device=device, finetune=neediest.recipe.finetune)
    bench = Bench.of(folder, config, comparison, original)
    total, before = sum(plan.steps for plan in todo), 0
    for plan in todo:
        began = time.perf_counter()
        checkpoints = folder / CHECKPOINT / f"{plan.name}-{plan.sha256[:12]}"
        model, end = _train(plan, bench, listen, checkpoints, before=before, total=total)
        before += plan.steps

        def tick(done: int = before, part: str = f"{plan.name}: measuring") -> None:
            listen(Event("progress", "comparing", done, total, {"part": part}))

        result = bench.measured(plan, model, end, tick, began=began)
        del model  # free it before the next one is made
        found = found.having(result)
        write_json(folder / CONTROLS_FILE, found.model_dump(mode="json"))
        shutil.rmtree(checkpoints, ignore_errors=True)
        _tell(listen, f"{plan.name}: done, {result.seconds:,.0f} s.")
    if not any((folder / CHECKPOINT).glob("*")):  # those of a control stopped earlier stay
        shutil.rmtree(folder / CHECKPOINT, ignore_errors=True)
    return found


def _train(
    plan: Plan, bench: Bench, listen: Listener, checkpoints: Path, *, before: int, total: int
) -> tuple[PreTrainedModel, FinetuningEnd | None]:
    """The trained control, and how its fine-tuning ended."""
    config, original, recipe = bench.config, bench.original, plan.recipe

    def fresh() -> PreTrainedModel:
        if plan.name == "random-init":
            start = fresh_model(original.model, seed=config.seed)
        else:
            start = copy.deepcopy(original.model)
        return swapped(start, plan.method, config.kept, seed=config.seed)

    def heard(part: str, done: int) -> Listener:
        return with_progress(listen, total=total, before=done, part=f"{plan.name}: {part}")

    model = student(fresh, checkpoints, device=str(original.model.device))
    if recipe.transfer.steps:
        imitate(
            model, original, bench.dataset, recipe,
            ConversionRecord(method=plan.method, kept=config.kept), seed=config.seed,
            listen=heard("attention transfer", before), checkpoints=checkpoints,
        )  # fmt: skip
    end = finetune(
        model, original.model, bench.dataset, recipe, track=plan.name, seed=config.seed,
        listen=heard("fine-tuning", before + recipe.transfer.steps),
        checkpoint=checkpoints / "finetune.pt",
    )  # fmt: skip
    return model, end


def _tell(listen: Listener, text: str) -> None:
    listen(Event("note", "comparing", values={"text": text}))
