"""Recall of facts by distance: does the model still give an answer it read long before?

A probe passes when every token of the answer is the likeliest one after the tokens before it. With
the true answer fed in, that is the same event as greedy decoding giving the answer, so one forward
pass per probe decides.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from transformers import PreTrainedModel

from engine.data.probes import RecallProbe
from engine.evidence.forward import logits_at, micro_batches, right_padded
from engine.evidence.parts import DistanceRecall, LanguageRecall, ModelRecall

DISTANCES = (32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768)
LONGEST_SHARE = 0.9
"""The farthest distance asked for, as a share of the trained context."""

PASS_ACCURACY = 0.5
"""An original below this at the shortest distance does not do the task at all."""


def distances_within(context_tokens: int) -> list[int]:
    """Distances in tokens to ask at: powers of two, and the farthest that the context allows."""
    farthest = int(LONGEST_SHARE * context_tokens)
    # A power of two close below the farthest would tell the same twice.
    return [distance for distance in DISTANCES if distance < 0.8 * farthest] + [farthest]


@torch.inference_mode()
def recall(
    model: PreTrainedModel,
    probes: Sequence[RecallProbe],
    *,
    tick: Callable[[], None] = lambda: None,
) -> ModelRecall:
    """Ask every probe. `tick` is called after every micro-batch and may raise to stop."""
    rows = [[*probe.input_ids, *probe.answer_ids] for probe in probes]
    passed = [False] * len(probes)
    vocabulary = model.config.get_text_config().vocab_size
    for indices in micro_batches([len(row) for row in rows], vocabulary):
        ids = right_padded([rows[i] for i in indices], model.device)
        # The logits at t predict token t + 1: from the prompt's last token to the answer's last
        # but one. Positions of all rows together, since the model keeps the same ones per row.
        spans = {i: range(len(probes[i].input_ids) - 1, len(rows[i]) - 1) for i in indices}
        wanted = sorted({position for span in spans.values() for position in span})
        column = {position: at for at, position in enumerate(wanted)}
        logits = logits_at(model, ids, torch.tensor(wanted, device=model.device))
        choices = logits.argmax(-1).tolist()
        for choice, i in zip(choices, indices, strict=True):
            given = [choice[column[position]] for position in spans[i]]
            passed[i] = given == list(probes[i].answer_ids)
        tick()
    return _summary(probes, passed)


def passes(result: ModelRecall) -> bool:
    """Whether the model does the task at all: it finds near facts."""
    return bool(result.by_distance) and result.by_distance[0].accuracy >= PASS_ACCURACY


def _summary(probes: Sequence[RecallProbe], passed: Sequence[bool]) -> ModelRecall:
    groups: dict[tuple[int, str], list[bool]] = {}
    for probe, ok in zip(probes, passed, strict=True):
        groups.setdefault((probe.distance_tokens, probe.language), []).append(ok)
    by_distance = []
    for distance in sorted({distance for distance, _ in groups}):
        answers = [ok for key, group in groups.items() if key[0] == distance for ok in group]
        by_distance.append(DistanceRecall(distance_tokens=distance, **_counts(answers)))
    by_language = [
        LanguageRecall(distance_tokens=distance, language=language, **_counts(answers))
        for (distance, language), answers in sorted(groups.items())
    ]
    return ModelRecall(by_distance=tuple(by_distance), by_language=tuple(by_language))


def _counts(answers: Sequence[bool]) -> dict[str, int | float]:
    correct = sum(answers)
    return {"correct": correct, "n": len(answers), "accuracy": correct / len(answers)}
