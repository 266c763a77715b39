"""From a dry run of a few steps to what a whole run would take: time, memory and money as ranges.

From the quickest reading to the slowest, with parts that a dry run leaves out counted generously.
It is no interval with a known confidence.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.configs import ComparisonSettings, Recipe
from engine.errors import BadRunConfig
from engine.evidence.dry_run import SPARE, DryRun, Range, spare
from engine.evidence.estimate_comparing import comparing
from engine.evidence.parts import Result
from engine.goal import Prices

_BYTES, _COPIES = 4, 6
"""Bytes of a weight in float32, and copies of all weights while every one is trained."""


class Estimate(Result):
    """What a whole run would take."""

    recipe: str
    """Name of the recipe."""
    stages_s: dict[str, Range]
    """Seconds by stage."""
    total_s: Range
    """Seconds in all."""
    memory_bytes: Range
    """Most memory at once, on the device."""
    currency: str | None = None
    """Of `money` and `once`; null where no prices were given."""
    money: Range | None = None
    """Price of the computing; null without prices."""
    once: float | None = None
    """What the conversion costs besides, as the user gave it; null without prices."""


def estimate(
    dry: DryRun,
    recipe: Recipe,
    settings: ComparisonSettings,
    *,
    name: str,
    prices: Prices | None = None,
) -> Estimate:
    """Scale a dry run to a whole run.

    Args:
        dry: measured with the recipe's `tokens_per_step`, `accumulation` and `max_tokens`.
        recipe: how many steps.
        settings: what the comparison measures.
        name: of the recipe, for the record.
        prices: the user's.

    Raises:
        BadRunConfig: the dry run did not train, and the recipe does.
    """
    stages = {
        "preparing": spare(dry.load_s + dry.data_s, dry.started_s + dry.load_s + dry.data_s),
        "transferring": _transferring(dry, recipe),
        "fine-tuning": _finetuning(dry, recipe),
        "comparing": comparing(dry, recipe, settings),
    }
    total = Range(low=0, high=0)
    for stage in stages.values():
        total = total.plus(stage)
    # Training keeps one more copy of the weights, the best so far, than the dry run had; and steps
    # of other shapes have needed twice as much besides the weights (docs/log.md).
    besides = max(0, dry.peak_bytes - _COPIES * _BYTES * dry.parameters)
    memory = Range(
        low=dry.peak_bytes, high=SPARE * (dry.peak_bytes + _BYTES * dry.parameters) + besides
    )  # fmt: skip
    money = None
    if prices is not None:
        hour = prices.conversion_price_per_hour
        hour = prices.instance_price_per_hour if hour is None else hour
        money = Range(low=hour * total.low / 3600, high=hour * total.high / 3600)
    return Estimate(
        recipe=name, stages_s=stages, total_s=total, memory_bytes=memory,
        currency=prices.currency if prices else None, money=money,
        once=prices.other_conversion_cost if prices else None,
    )  # fmt: skip


def _steps(step_s: Sequence[float], low: int, high: int) -> Range:
    """`low` to `high` steps, each as quick and as slow as those measured."""
    if not high:
        return Range(low=0, high=0)
    if not step_s:
        raise BadRunConfig(
            "The dry run took no step of this kind.", "Make it with a recipe that trains."
        )
    return spare(low * min(step_s), high * max(step_s))


def _transferring(dry: DryRun, recipe: Recipe) -> Range:
    steps = recipe.transfer.steps if dry.transfer_step_s else 0
    return _steps(dry.transfer_step_s, steps, steps)


def _finetuning(dry: DryRun, recipe: Recipe) -> Range:
    """Both trainings, with their readings; either may stop early once patience can run out."""
    settings = recipe.finetune
    least = min(settings.steps, settings.patience * settings.evaluate_every)
    total = Range(low=0, high=0)
    tracks = [(dry.finetune_step_s, dry.validation_s[1])]
    if recipe.train_control:
        tracks.append((dry.control_step_s, dry.validation_s[0]))
    for step_s, batch_s in tracks:
        total = total.plus(_steps(step_s, least, settings.steps))
        if settings.steps:
            # One reading before the first step, by the original too, and one at each interval.
            few, many = (1 + steps // settings.evaluate_every for steps in (least, settings.steps))
            total = total.plus(spare(
                dry.validation_batches * (few * batch_s + dry.validation_s[0]),
                dry.validation_batches * ((many + 1) * batch_s + dry.validation_s[0]),
            ))  # fmt: skip
    return total
