"""The gates on what a conversion costs, quality and recall, and the verdict over all gates.

A gate is passed when the whole interval is on the right side of it, failed when it is wholly on the
wrong side, and undecided when it crosses: no result is rounded in anyone's favour. Go needs every
gate passed, each with its own 97.5 %, so reading several gates makes a wrong Go no likelier.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from engine.evidence import savings
from engine.evidence.gates import seal_state
from engine.evidence.memory_parts import Memory
from engine.evidence.more_needed import more_needed_for_ratio
from engine.evidence.parts import ModelQuality, Quality, QuestionOutcome, Recall, Speed
from engine.evidence.selection import judged_questions
from engine.evidence.stats import LEVEL, holm, mcnemar, paired_rates, paired_ratio
from engine.evidence.verdict import (
    FEWEST,
    GateVerdict,
    Verdict,
    by_interval,
    on_condition,
    overall,
)

if TYPE_CHECKING:  # torch comes with it
    from engine.configs import AcceptanceGates

_LARGEST_LOG = 700.0  # exp(710) overflows


def judge(
    quality: Quality,
    recall: Recall,
    speed: Speed,
    memory: Memory,
    *,
    gates: AcceptanceGates,
    sha256: str | None,
    length: int,
    recorded_sha256: str | None = None,
) -> Verdict:
    """The verdict on everything measured.

    Args:
        quality, recall, speed, memory: of the comparison.
        gates: the run's.
        sha256: their seal from the run's creation.
        length: context length in tokens at which speed, memory and cost are judged (see
            `judged_length`); what was measured at others cannot stand in for it.
        recorded_sha256: the seal in the run's first event; None where there is none.
    """
    found = (
        judge_quality(quality, gates),
        judge_recall(recall, gates),
        savings.speed(speed, gates, length),
        savings.memory(memory, gates, length),
        savings.cost(speed, gates, length),
    )
    state = seal_state(gates, sha256, recorded_sha256)
    return overall([one for one in found if one], state, sha256)


def judge_quality(quality: Quality, gates: AcceptanceGates) -> GateVerdict | None:
    """Change in perplexity over documents; a document's weight is its number of tokens."""
    limit, against = gates.quality_loss_percent, gates.quality_against
    if limit is None:
        return None
    told = partial(
        GateVerdict, gate="quality", limit=limit, unit="documents", reference=against,
        unscored=quality.unscored_documents,
    )  # fmt: skip
    reference = quality.control if against == "control" else quality.original
    if reference is None:
        return told(verdict="not_enough_evidence", reason="no_control")
    # To be better than a model that cannot read the text is no merit.
    if quality.guesses(quality.original):
        return told(verdict="not_enough_evidence", reason="original_guesses")
    if quality.guesses(reference):
        return told(verdict="not_enough_evidence", reason="control_guesses")
    mine, theirs = quality.converted.perplexity, reference.perplexity
    if mine is None and theirs is not None:
        return told(verdict="no_go", reason="not_finite")
    pairs = additional_nats(quality.converted, reference)
    if mine is None or theirs is None or not pairs:
        return told(verdict="not_enough_evidence", reason="not_measured")
    if len(pairs) < FEWEST["documents"]:
        more, value = FEWEST["documents"] - len(pairs), 100 * (mine / theirs - 1)
        return told(verdict="not_enough_evidence", reason="too_few", value=value, more=more)
    logs = paired_ratio([loss for loss, _ in pairs], [tokens for _, tokens in pairs])
    change = logs.mapped(lambda log: 100 * math.expm1(min(log, _LARGEST_LOG)))
    found = by_interval(change, limit, told, at_most=True)
    if found.reason != "crosses":
        return found
    ratio = logs.mapped(lambda log: math.exp(min(log, _LARGEST_LOG)))
    return found.model_copy(update={"more": more_needed_for_ratio(ratio, 1 + limit / 100)})


def additional_nats(converted: ModelQuality, reference: ModelQuality) -> list[tuple[float, int]]:
    """Additional nats and tokens by document; nothing where a document is missing or not finite."""
    theirs = {d.document: d.nats for d in reference.by_document}
    pairs = [
        (mine.nats - other, mine.tokens)
        for mine in converted.by_document
        if mine.nats is not None and (other := theirs.get(mine.document)) is not None
    ]
    return pairs if len(pairs) == len(converted.by_document) else []


def judge_recall(recall: Recall, gates: AcceptanceGates) -> GateVerdict | None:
    """Facts lost in percentage points, over the probes that the original passes."""
    limit = gates.recall_loss_points
    if limit is None:
        return None
    told = partial(GateVerdict, gate="recall", limit=limit, unit="questions")
    if not recall.questions:
        return told(verdict="not_enough_evidence", reason="not_measured")
    judged = judged_questions(recall.questions)
    if not judged and len(recall.questions) >= FEWEST["questions"]:
        failed = tuple(sorted({q.distance_tokens for q in recall.questions}))
        return told(verdict="not_enough_evidence", reason="original_fails", at_tokens=failed)
    if not judged:
        more = FEWEST["questions"] - len(recall.questions)
        return told(verdict="not_enough_evidence", reason="too_few", more=more)
    rates = paired_rates([q.original for q in judged], [q.converted for q in judged])
    points = rates.mapped(lambda rate: 100 * rate)
    if rates.n < FEWEST["questions"]:
        more, value = FEWEST["questions"] - rates.n, points.estimate
        return told(verdict="not_enough_evidence", reason="too_few", value=value, more=more)
    return on_condition(by_interval(points, limit, told, at_most=True), "lost_at", lost(judged))


def lost(questions: Sequence[QuestionOutcome]) -> list[int]:
    """Distances at which the converted model recalls significantly less, read all at once: exact
    McNemar tests with Holm's correction."""
    by_distance: dict[int, list[QuestionOutcome]] = {}
    for question in questions:
        by_distance.setdefault(question.distance_tokens, []).append(question)
    distances = sorted(by_distance)
    sides = [([q.original for q in by_distance[d]], [q.converted for q in by_distance[d]])
             for d in distances]  # fmt: skip
    corrected = holm([mcnemar(ours, theirs) for ours, theirs in sides])
    return [
        distance
        for distance, p, (ours, theirs) in zip(distances, corrected, sides)
        if p < 1 - LEVEL and sum(ours) > sum(theirs)
    ]
