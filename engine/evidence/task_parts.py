"""What the user's own task gave: the models' answers to held-out prompts, and their scores."""

from __future__ import annotations

from typing import Literal

from engine.evidence.parts import Result
from engine.evidence.stats import Interval

TaskMetricName = Literal["exact_match", "rouge_l", "chrf", "bleu"]
Tokens = Literal["words", "characters"]


class TaskMetric(Result):
    """One score of all models, 0 to 100, higher is better."""

    metric: TaskMetricName
    """"exact_match", "rouge_l", "chrf" or "bleu"."""
    original: float
    """Mean over the documents."""
    control: float | None
    """The control's; null when it was not trained."""
    converted: float
    """The converted model's."""
    change: Interval | None
    """Converted - original in points, paired by document, with its 95 % interval; null with fewer
    than six documents."""
    change_from_control: Interval | None
    """Converted - control, likewise; null when there is no control."""
    corpus_original: float | None
    """All documents scored as one text, as papers quote chrF and BLEU; null for the others."""
    corpus_control: float | None
    """The control's."""
    corpus_converted: float | None
    """The converted model's."""
    settings: str
    """How it was computed: what was normalised, or sacrebleu's signature of the corpus score."""


class TaskAnswer(Result):
    """One held-out prompt, the right answer and what each model wrote."""

    document: int
    """The document's number in the data set."""
    prompt_tail: str
    """The end of the prompt, 200 characters at most."""
    reference: str
    """The right answer."""
    original: str
    """What the original wrote, as it was scored."""
    control: str | None
    """What the control wrote; null when it was not trained."""
    converted: str
    """What the converted model wrote."""


class TaskScore(Result):
    """The user's own task: greedy answers to held-out prompts against the references."""

    prompt_column: str
    """Column that the prompts are from."""
    reference_column: str
    """Column that the references are from."""
    documents: int
    """Held-out prompts answered, each by every model."""
    heldout_documents: int
    """Held-out prompts there are; where more than `documents`, those answered are spread evenly."""
    new_tokens: int
    """Tokens that an answer may have."""
    prompts_cut: int
    """Prompts that lost their beginning because they did not fit the context."""
    references_longer: int
    """References longer than an answer may be: they can be met in part only."""
    one_line: bool
    """Whether an answer ends at its first line break, since no reference has one."""
    tokens: Tokens
    """What ROUGE-L and BLEU count: "characters" where a fifth or more of the references' letters
    are Japanese, Chinese or Korean, else "words"."""
    judged: bool
    """Whether the original or the control does the task at all: ROUGE-L of at least 10. Else the
    scores say nothing about the conversion."""
    metrics: tuple[TaskMetric, ...]
    """The scores."""
    answers: tuple[TaskAnswer, ...]
    """Every answer that was scored."""
    note: str
    """What was asked, what was cut and what the scores cannot say."""
