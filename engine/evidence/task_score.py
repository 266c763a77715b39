"""The user's own task: all models' answers to held-out prompts, scored and compared by document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, get_args

from engine.evidence.stats import Interval, paired_rates, paired_ratio
from engine.evidence.task_metrics import Scorer, tokens_of
from engine.evidence.task_parts import TaskAnswer, TaskMetric, TaskMetricName, TaskScore
from engine.evidence.verdict import FEWEST

if TYPE_CHECKING:
    from engine.data.task_prompts import TaskPrompts

LEAST_ROUGE_L = 10.0
"""A model below this does not do the task at all."""

_TAIL_CHARACTERS = 200
_Scores = Mapping[TaskMetricName, Sequence[float]]


def task_score(task: TaskPrompts, written: Mapping[str, Sequence[str]]) -> TaskScore:
    """Scores and paired differences.

    Args:
        task: what was asked.
        written: answers of "original", "converted" and perhaps "control", in the prompts' order.
    """
    references = [prompt.pair.reference for prompt in task.prompts]
    scorer = Scorer(tokens_of(references))
    scores = {name: _scores(scorer, texts, references) for name, texts in written.items()}
    corpus = {name: scorer.of_all(texts, references) for name, texts in written.items()}
    settings = scorer.settings()
    metrics = tuple(
        _metric(name, scores, {party: of[name] for party, of in corpus.items() if name in of},
                settings[name])
        for name in get_args(TaskMetricName)
    )  # fmt: skip
    rouge = next(metric for metric in metrics if metric.metric == "rouge_l")
    judged = max(rouge.original, rouge.control or 0.0) >= LEAST_ROUGE_L
    cut = sum(prompt.dropped > 0 for prompt in task.prompts)
    longer = sum(prompt.reference_tokens > task.new_tokens for prompt in task.prompts)
    return TaskScore(
        prompt_column=task.rows.prompt_column,
        reference_column=task.rows.reference_column,
        documents=len(task.prompts),
        heldout_documents=task.heldout,
        new_tokens=task.new_tokens,
        prompts_cut=cut,
        references_longer=longer,
        one_line=task.one_line,
        tokens=scorer.tokens,
        judged=judged,
        metrics=metrics,
        answers=_answers(task, written),
        note=_note(task, cut, longer, judged),
    )


def _scores(scorer: Scorer, texts: Sequence[str], references: Sequence[str]) -> _Scores:
    each = [scorer.of_one(*pair) for pair in zip(texts, references, strict=True)]
    return {name: [one[name] for one in each] for name in get_args(TaskMetricName)}


def _metric(
    name: TaskMetricName,
    scores: Mapping[str, _Scores],
    corpus: Mapping[str, float],
    settings: str,
) -> TaskMetric:
    mine = {party: of[name] for party, of in scores.items()}
    means = {party: sum(values) / len(values) for party, values in mine.items()}
    control = mine.get("control")
    return TaskMetric(
        metric=name,
        original=means["original"],
        control=means.get("control"),
        converted=means["converted"],
        change=_change(name, mine["converted"], mine["original"]),
        change_from_control=_change(name, mine["converted"], control) if control else None,
        corpus_original=corpus.get("original"),
        corpus_control=corpus.get("control"),
        corpus_converted=corpus.get("converted"),
        settings=settings,
    )


def _change(
    name: TaskMetricName, mine: Sequence[float], theirs: Sequence[float]
) -> Interval | None:
    """Points by which the first is above the second; a document counts once, however long."""
    if len(mine) < FEWEST["documents"]:
        return None
    if name == "exact_match":  # right or wrong: a bootstrap of few wrong ones knows no doubt
        rates = paired_rates([score > 0 for score in mine], [score > 0 for score in theirs])
        return rates.mapped(lambda rate: 100 * rate)
    return paired_ratio([a - b for a, b in zip(mine, theirs, strict=True)], [1.0] * len(mine))


def _answers(task: TaskPrompts, written: Mapping[str, Sequence[str]]) -> tuple[TaskAnswer, ...]:
    control = written.get("control")
    return tuple(
        TaskAnswer(
            document=prompt.document,
            prompt_tail=prompt.pair.prompt[-_TAIL_CHARACTERS:],
            reference=prompt.pair.reference,
            original=written["original"][i],
            control=control[i] if control else None,
            converted=written["converted"][i],
        )
        for i, prompt in enumerate(task.prompts)
    )


def _note(task: TaskPrompts, cut: int, longer: int, judged: bool) -> str:
    asked = len(task.prompts)
    end = ", ended at its first line break" if task.one_line else ""
    parts = [
        f"{asked:,} of {task.heldout:,} held-out prompts, each answered greedily in at most"
        f" {task.new_tokens:,} tokens{end}; intervals are over documents, each score by itself."
    ]
    if cut:
        parts.append(f"{cut:,} of the prompts did not fit the context and lost their beginning.")
    if longer:
        parts.append(f"{longer:,} of the references are longer than an answer may be.")
    if not judged:
        parts.append(
            f"Neither the original nor the control reaches {LEAST_ROUGE_L:.0f} points of ROUGE-L:"
            " no model does this task, so the scores say nothing about the conversion."
        )
    return " ".join(parts)
