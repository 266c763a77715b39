"""From a dry run of a few steps to what a whole run would take: time, memory and money as ranges.

From the quickest reading to the slowest, with parts that a dry run leaves out counted generously
(needles, MQAR and a task's answers not at all). It is no interval with a known confidence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import Field

from engine.configs import ComparisonSettings, Recipe
from engine.errors import BadRunConfig
from engine.evidence.parts import Result
from engine.evidence.timed_starts import LEAST_REPEATS, TIMING_BUDGET_S, dealt
from engine.goal import Prices

SPARE = 1.3
"""The slow end of every range takes this much more than the slowest reading: other work on the
machine, the saving of files, what is too small to be looked at."""
ABLATION_PASSES = (4, 8)
"""Passes over the held-out text that taking a hybrid apart needs, with its recall questions."""
_BYTES, _COPIES = 4, 6
"""Bytes of a weight in float32, and copies of all weights while every one is trained."""


class Range(Result):
    """From the low end to the high one, in one unit."""

    low: Annotated[float, Field(ge=0)]
    """As quick, or as small, as was measured."""
    high: Annotated[float, Field(ge=0)]
    """As slow, or as large, as was measured, with room to spare."""

    def plus(self, other: Range) -> Range:
        """Both one after the other."""
        return Range(low=self.low + other.low, high=self.high + other.high)


class DryRun(Result):
    """What a few steps on the chosen model and data measured. Times in s, on one machine."""

    model: str
    """The model's reference."""
    method: str
    """What replaced softmax attention."""
    device: str
    """Where it ran, as torch names it."""
    parameters: int
    """Weights of the model."""
    layers: int
    """Its attention layers."""
    converted_layers: int
    """How many of them were converted."""
    started_s: float
    """To start a process with all libraries."""
    load_s: float
    """To load the original."""
    data_s: float
    """To read, encode and split the data."""
    train_tokens: int
    """Tokens to train on."""
    transfer_step_s: tuple[float, ...]
    """Steps of attention transfer; none where the method has nothing to learn in it."""
    finetune_step_s: tuple[float, ...]
    """Steps of fine-tuning the converted model."""
    control_step_s: tuple[float, ...]
    """Steps of fine-tuning the control; none where none is trained."""
    validation_s: tuple[float, float]
    """One batch of held-back text: by the original, by the converted model."""
    validation_batches: int
    """Batches of a whole reading."""
    scored_tokens: int
    """Held-out tokens that the comparison scores."""
    score_token_s: tuple[float, float]
    """A held-out token scored: by the original, by the converted model."""
    question_tokens: int
    """Tokens of all recall questions."""
    questions_s: float
    """To choose them."""
    decode_token_s: tuple[float, float]
    """A token written: by the original, by the converted model."""
    lengths: tuple[int, ...]
    """Context lengths that the comparison times, in tokens."""
    warm_up_s: dict[int, float]
    """Warm-up of the speed measurement, both models, by context length in tokens."""
    repeat_s: dict[int, float]
    """One of its repeats, both models, by context length in tokens."""
    peak_bytes: int
    """Most memory that the dry run had, on its device."""
    steps: int
    """Training steps that were done, untimed first ones included."""
    took_s: float
    """The whole dry run."""


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
    """Of `money`; null where no prices were given."""
    money: Range | None = None
    """Price of the computing, with what the conversion costs besides; null without prices."""


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
        "preparing": _spare(dry.load_s + dry.data_s, dry.started_s + dry.load_s + dry.data_s),
        "transferring": _transferring(dry, recipe),
        "fine-tuning": _finetuning(dry, recipe),
        "comparing": _comparing(dry, recipe, settings),
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
        once = prices.other_conversion_cost
        money = Range(low=once + hour * total.low / 3600, high=once + hour * total.high / 3600)
    return Estimate(
        recipe=name, stages_s=stages, total_s=total, memory_bytes=memory,
        currency=prices.currency if prices else None, money=money,
    )  # fmt: skip


def _spare(low: float, high: float | None = None) -> Range:
    return Range(low=low, high=SPARE * (low if high is None else high))


def _steps(step_s: Sequence[float], low: int, high: int) -> Range:
    """`low` to `high` steps, each as quick and as slow as those measured."""
    if not high:
        return Range(low=0, high=0)
    if not step_s:
        raise BadRunConfig(
            "The dry run took no step of this kind.", "Make it with a recipe that trains."
        )
    return _spare(low * min(step_s), high * max(step_s))


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
            total = total.plus(_spare(
                dry.validation_batches * (few * batch_s + dry.validation_s[0]),
                dry.validation_batches * ((many + 1) * batch_s + dry.validation_s[0]),
            ))  # fmt: skip
    return total


def _comparing(dry: DryRun, recipe: Recipe, settings: ComparisonSettings) -> Range:
    controls = int(recipe.train_control and recipe.finetune.steps > 0)
    original_s, converted_s = dry.score_token_s
    # Original, converted, control and untrained score the text; the first two once more together.
    passes = dry.scored_tokens * (original_s * (2 + controls) + converted_s * 3)
    parts = [
        _spare(dry.load_s, 5 * dry.load_s),
        _spare(passes, 2 * passes),  # and text that is not the user's
        _spare(dry.questions_s + dry.question_tokens * (
            original_s * (1 + controls) + converted_s)),
    ]  # fmt: skip
    if dry.method == "hybrid":
        few, many = (dry.scored_tokens * converted_s * passes for passes in ABLATION_PASSES)
        parts.append(_spare(few, many + dry.question_tokens * converted_s))
    written = settings.answer_tokens * (1 + settings.vote_pairs)
    parts.append(_spare(written * sum(dry.decode_token_s), 2 * written * sum(dry.decode_token_s)))
    parts.append(_timing(dry, settings))
    total = Range(low=0, high=0)
    for part in parts:
        total = total.plus(part)
    return total


def _timing(dry: DryRun, settings: ComparisonSettings) -> Range:
    """Speed and memory. Beyond the longest length tried, linear at the least and square at most."""
    start_s = dry.started_s + dry.load_s if settings.fresh_processes else None
    starts, each = dealt(settings.repeats, start_s)
    ends = []
    # A later start warms up with what is still open alone: at least the two prefills and first
    # steps of a repeat, at most all of the first's.
    for power, again in ((1, 0.0), (2, 1.0)):
        warm, one = (
            sum(_at(readings, length, power) for length in dry.lengths)
            for readings in (dry.warm_up_s, dry.repeat_s)
        )
        later = again * warm + (1 - again) * one / 2
        fewest = warm + LEAST_REPEATS * one + (min(starts, LEAST_REPEATS) - 1) * later
        whole = warm + starts * each * one + (starts - 1) * later
        ends.append(max(fewest, min(TIMING_BUDGET_S, whole)))
    begun = starts * (start_s or 0.0)
    sizes = {1, *settings.batch_sizes}  # n inputs at once take one to n times as long
    least, most = ends[0] + begun, sum(sizes) * ends[1] + 2 * len(sizes) * begun
    return _spare(len(sizes) * least, most)


def _at(readings: Mapping[int, float], length: int, power: int) -> float:
    """A reading at a length: measured, or scaled from the nearest that was."""
    if length in readings:
        return readings[length]
    nearest = min(readings, key=lambda known: abs(known - length))
    scale = (length / nearest) ** power if length > nearest else length / nearest
    return readings[nearest] * scale
