"""What models are asked besides what every comparison asks: the user's own task, needles, MQAR."""

from __future__ import annotations

from engine.configs import ComparisonSettings, RunConfig
from engine.data.dataset import Dataset
from engine.data.ingest import Corpus
from engine.data.mqar import mqar_probes
from engine.data.needles import NeedleProbe, needle_probes
from engine.data.task_prompts import task_prompts
from engine.evidence.dry_run import TaskTokens
from engine.evidence.mqar import ask_mqar, mqar_report
from engine.evidence.mqar_parts import Mqar
from engine.evidence.task_answers import answer_task
from engine.evidence.task_parts import TaskScore
from engine.evidence.task_score import task_score
from engine.models.load import Loaded
from engine.services.progress import Progress


def needles_for(original: Loaded, per_cell: int, seed: int) -> list[NeedleProbe]:
    """The needle tasks asked for, where the tokenizer can place needles at all."""
    if not per_cell or not original.tokenizer.is_fast:
        return []
    return needle_probes(
        original.tokenizer, context_tokens=original.context_tokens, per_cell=per_cell, seed=seed
    )


class Asked:
    """The questions, and what each model answered.

    Args:
        config: the run's settings.
        settings: what to measure.
        corpus, dataset: the run's data.
        original: whose tokenizer and context decide.
    """

    def __init__(
        self,
        config: RunConfig,
        settings: ComparisonSettings,
        corpus: Corpus,
        dataset: Dataset,
        original: Loaded,
    ) -> None:
        self._tokenizer = original.tokenizer
        self._task = task_prompts(
            corpus, [piece.document for piece in dataset.heldout], original.tokenizer,
            context_tokens=original.context_tokens, most=settings.task_documents,
        )  # fmt: skip
        self._probes = mqar_probes(
            original.tokenizer,
            vocabulary=original.model.config.get_text_config().vocab_size,
            context_tokens=original.context_tokens,
            per_size=settings.mqar_per_size,
            seed=config.data_seed,
        )
        self._answers: dict[str, list[str]] = {}
        self._recalled: dict[str, list[int]] = {}

    @property
    def task_tokens(self) -> TaskTokens:
        """What each model reads and writes for the task."""
        prompts = self._task.prompts if self._task else ()
        return TaskTokens(
            prompts=sum(len(prompt.ids) for prompt in prompts),
            references=sum(prompt.reference_tokens for prompt in prompts),
            longest=len(prompts) * (self._task.new_tokens if self._task else 0),
        )

    @property
    def mqar_tokens(self) -> int:
        """Tokens of all its sequences."""
        return sum(len(probe.input_ids) for probe in self._probes)

    @property
    def parts(self) -> int:
        """Parts of the comparison that asking one model takes."""
        return (self._task is not None) + bool(self._probes)

    def ask(self, name: str, model: Loaded, progress: Progress) -> None:
        """Ask the "original", the "converted" model or the "control"."""
        if self._task is not None:
            end = self._tokenizer.eos_token_id
            ends = frozenset([end]) if isinstance(end, int) else frozenset[int]()
            with progress.part("task", f"task, {name}"):
                self._answers[name] = answer_task(
                    model.model, self._tokenizer, self._task, ends, tick=progress.tick
                )
        if self._probes:
            with progress.part("mqar", f"mqar, {name}"):
                self._recalled[name] = ask_mqar(model.model, self._probes, tick=progress.tick)

    def task(self) -> TaskScore | None:
        """The task's scores, once all were asked; None where there is no task."""
        return None if self._task is None else task_score(self._task, self._answers)

    def mqar(self) -> Mqar | None:
        """Pairs kept apart, once all were asked; None unless asked for."""
        return mqar_report(self._probes, self._recalled) if self._probes else None
