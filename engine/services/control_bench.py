"""The very text and questions of a run's comparison, put to a further model."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from transformers import PreTrainedModel

from engine.configs import RunConfig
from engine.data.dataset import Dataset, Piece, target_bytes
from engine.data.probes import RecallProbe
from engine.errors import BadDataset, BadRunConfig
from engine.evidence.control_parts import ControlResult
from engine.evidence.environment import environment
from engine.evidence.judging import additional_nats
from engine.evidence.parts import ModelQuality
from engine.evidence.quality import score, select_pieces
from engine.evidence.recall import ask, questions, summary
from engine.evidence.results import Comparison, FinetuningEnd
from engine.evidence.selection import judged_questions
from engine.evidence.stats import Interval, paired_rates, paired_ratio
from engine.models.load import Loaded
from engine.services.backends import backends
from engine.services.compare import run_data
from engine.services.control_plans import Plan


@dataclass(frozen=True)
class Bench:
    """What every control is trained on and measured with."""

    config: RunConfig
    comparison: Comparison
    original: Loaded
    dataset: Dataset
    pieces: Sequence[Piece]
    probes: Sequence[RecallProbe]

    @classmethod
    def of(
        cls, folder: Path, config: RunConfig, comparison: Comparison, original: Loaded
    ) -> Bench:
        """The run's own data, held-out text and questions.

        Raises:
            BadDataset: the data is not what the run was compared on.
            BadRunConfig: the comparison does not tell documents or questions apart as here.
        """
        corpus, dataset = run_data(folder, config, original)
        if corpus.sha256 != comparison.dataset["sha256"]:
            raise BadDataset(
                "The run's copy of the data is not what it was compared on.",
                "Start a new run: its copy of the data was changed.",
            )
        pieces = select_pieces(dataset.heldout, config.comparison.heldout_tokens)
        probes, _ = questions(
            original.tokenizer, context_tokens=original.context_tokens,
            per_distance=config.comparison.probes_per_distance, seed=config.data_seed,
        )  # fmt: skip
        scored: dict[int, int] = {}
        for piece in pieces:
            scored[piece.document] = scored.get(piece.document, 0) + len(piece.ids) - 1
        asked = [(one.language, one.kind, one.distance_tokens) for one in probes]
        told = comparison.quality.converted.by_document
        outcomes = comparison.recall.questions
        if scored != {one.document: one.tokens for one in told} or asked != [
            (one.language, one.kind, one.distance_tokens) for one in outcomes
        ]:
            raise BadRunConfig(
                "The run's comparison was made on other text or questions than are chosen now.",
                "Another version of the program made it: measure again with"
                " `python -m engine compare RUN --lengths 512`.",
            )
        return cls(config, comparison, original, dataset, pieces, probes)

    def measured(
        self, plan: Plan, model: PreTrainedModel, end: FinetuningEnd | None,
        tick: Callable[[], None], *, began: float,
    ) -> ControlResult:  # fmt: skip
        """The control's readings, and what it lost against the converted model.

        Args:
            plan: what the control is; model: the same, trained; end: how its fine-tuning ended.
            tick: called after every micro-batch; may raise to stop.
            began: when work on it began, by `time.perf_counter`.
        """
        quality = score(model, self.pieces, text_bytes=target_bytes(self.pieces), tick=tick)
        passed = ask(model, self.probes, tick=tick)
        recall = self.comparison.recall
        counts = [n for n, probe in enumerate(self.probes) if probe.language in recall.languages]
        judged = judged_questions(recall.questions)
        converted = self.comparison.quality.converted
        return ControlResult(
            name=plan.name,
            settings_sha256=plan.sha256,
            method=plan.method.name,
            transfer_steps=plan.recipe.transfer.steps,
            finetuning=end,
            quality=quality,
            recall=summary([self.probes[n] for n in counts], [passed[n] for n in counts])
            if counts else None,
            lost_nats=_lost(quality, converted),
            lost_interval=_interval(quality, converted),
            lost_facts=paired_rates(
                [one.converted for one in judged], [passed[one.number] for one in judged]
            ) if judged else None,
            seconds=round(time.perf_counter() - began, 1),
            environment=environment(model, backend=backends(
                self.original.model, model, training=end and end.backend
            ))  # fmt: skip,
        )


def _lost(control: ModelQuality, converted: ModelQuality) -> float | None:
    """Nats per token that the control is worse by; None where either is not finite."""
    if control.perplexity is None or converted.perplexity is None:
        return None
    return math.log(control.perplexity) - math.log(converted.perplexity)


def _interval(control: ModelQuality, converted: ModelQuality) -> Interval | None:
    """The same with its interval, paired by document; None for fewer than two documents."""
    pairs = additional_nats(control, converted)
    if len(pairs) < 2:
        return None
    return paired_ratio([lost for lost, _ in pairs], [tokens for _, tokens in pairs])
