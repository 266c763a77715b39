"""What a dry run of a few steps measured, and the ranges that are made of it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from engine.evidence.parts import Result

SPARE = 1.3
"""The slow end of every range takes this much more than the slowest reading: other work on the
machine, the saving of files, what is too small to be looked at."""


class Range(Result):
    """From the low end to the high one, in one unit."""

    low: Annotated[float, Field(ge=0)]
    """As quick, or as small, as was measured."""
    high: Annotated[float, Field(ge=0)]
    """As slow, or as large, as was measured, with room to spare."""

    def plus(self, other: Range) -> Range:
        """Both one after the other."""
        return Range(low=self.low + other.low, high=self.high + other.high)


class TaskTokens(Result):
    """What each model reads and writes for the user's own task; all 0 without one."""

    prompts: int
    """Tokens of all prompts."""
    references: int
    """Tokens of all right answers."""
    longest: int
    """Tokens of all answers, were each as long as it may be."""


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
    needle_tokens: int
    """Tokens of all needle questions."""
    mqar_tokens: int
    """Tokens of all sequences of multi-query associative recall."""
    task_tokens: TaskTokens
    """Of the user's own task."""
    questions_s: float
    """To choose the recall questions and the needles."""
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
    warnings: tuple[str, ...] = ()
    """What a run with this model and text cannot show, as far as is known before it."""


def spare(low: float, high: float | None = None) -> Range:
    """From the quickest reading to the slowest, with room to spare."""
    return Range(low=low, high=SPARE * (low if high is None else high))
