"""Recall of facts by distance: does the model still give an answer it read long before?

A probe passes when every token of the answer is the likeliest one after the tokens before it. With
the true answer fed in, that is the same event as greedy decoding giving the answer, so one forward
pass per probe decides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from engine.data.probes import RecallProbe, recall_probes
from engine.evidence.exact_match import begins_with
from engine.evidence.forward import logits_at, micro_batches, right_padded
from engine.evidence.parts import (
    DistanceRecall,
    LanguageRecall,
    ModelRecall,
    QuestionOutcome,
    Recall,
)

DISTANCES = (64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768)
LONGEST_SHARE = 0.9
"""The farthest distance asked for, as a share of the trained context."""

PASS_ACCURACY = 0.5
"""An original below this at the shortest distance does not do the task at all."""

_ROOM_TOKENS = 64  # for the record's header, the fact and the answer


def distances_within(context_tokens: int) -> list[int]:
    """Distances in tokens to ask at: powers of two, and the farthest that the context allows."""
    farthest = min(int(LONGEST_SHARE * context_tokens), context_tokens - _ROOM_TOKENS)
    if farthest < DISTANCES[0]:
        return []
    # A power of two close below the farthest would tell the same twice.
    return [distance for distance in DISTANCES if distance < 0.8 * farthest] + [farthest]


def questions(
    tokenizer: PreTrainedTokenizerBase, *, context_tokens: int, per_distance: int, seed: int
) -> tuple[list[RecallProbe], str | None]:
    """Questions in both languages for a model's context, or none and a sentence that says why."""
    if not tokenizer.is_fast:
        return [], "The model's tokenizer cannot place facts in a text: no recall questions."
    probes = recall_probes(
        tokenizer,
        distances=distances_within(context_tokens),
        per_distance=per_distance,
        language="both",
        context=context_tokens,
        seed=seed,
    )
    return probes, None if probes else "No recall question fits into the model's context."


class Question(Protocol):
    """A prompt and the answer that shall follow it, as token ids."""

    @property
    def input_ids(self) -> list[int]: ...
    @property
    def answer_ids(self) -> list[int]: ...


@torch.inference_mode()
def ask(
    model: PreTrainedModel,
    probes: Sequence[Question],
    *,
    tick: Callable[[], None] = lambda: None,
) -> list[bool]:
    """Which probes the model answers. `tick` is called after every micro-batch and may raise."""
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
            passed[i] = begins_with(given, list(probes[i].answer_ids))
        tick()
    return passed


def summary(probes: Sequence[RecallProbe], passed: Sequence[bool]) -> ModelRecall:
    """Accuracy by distance, and by distance and language; `passed` as `ask` gives it."""
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


def languages_known(original: ModelRecall) -> list[str]:
    """Languages in which the original does the task at all: it finds the nearest facts."""
    nearest = {point.language: point for point in reversed(original.by_language)}
    return sorted(name for name, point in nearest.items() if point.accuracy >= PASS_ACCURACY)


def gather(
    probes: Sequence[RecallProbe],
    passed: Mapping[str, Sequence[bool]],
    note: str | None,
    *,
    longest_prompt: int,
) -> tuple[Recall, RecallProbe | None]:
    """All models' recall, and the farthest question that the original answers, where it does.

    Languages that the original does not master are left out of the counts; where it masters none,
    all numbers are given with a note that they say nothing about the conversion.

    Args:
        probes: what was asked.
        passed: for "original", "converted" and perhaps "control", what `ask` gave.
        note: why there are no questions.
        longest_prompt: most tokens of a question that can be shown with its answer written out.
    """
    if not probes:
        return Recall(original=None, converted=None, languages=(), note=note), None
    asked = sorted({probe.language for probe in probes})
    known = languages_known(summary(probes, passed["original"]))
    missing = [language for language in asked if language not in known]
    if not known:
        note = (
            "The original does not answer such questions itself, so the converted model cannot be "
            "judged by them."
        )
    elif missing:
        note = f"Left out, since the original does not answer such questions: {', '.join(missing)}."
    kept = [i for i, probe in enumerate(probes) if not known or probe.language in known]
    results = {
        name: summary([probes[i] for i in kept], [which[i] for i in kept])
        for name, which in passed.items()
    }
    outcomes = tuple(
        QuestionOutcome(
            number=i,
            language=probes[i].language,
            kind=probes[i].kind,
            distance_tokens=probes[i].distance_tokens,
            **{name: which[i] for name, which in passed.items()},
        )
        for i in range(len(probes))
    )
    answered = [probes[i] for i in kept if passed["original"][i]] if known else []
    whole = [probe for probe in answered if len(probe.input_ids) <= longest_prompt]
    farthest = max(whole, key=lambda probe: probe.distance_tokens, default=None)
    found = Recall(**results, languages=tuple(known or asked), questions=outcomes, note=note)
    return found, farthest


def _counts(answers: Sequence[bool]) -> dict[str, Any]:
    correct = sum(answers)
    return {"correct": correct, "n": len(answers), "accuracy": correct / len(answers)}
