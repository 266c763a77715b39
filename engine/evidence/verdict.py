"""The verdict on a run: one per acceptance gate, and one over all.

Nothing here is a sentence: a verdict carries a reason code and the numbers behind it, and the
command line and the app say it in words. `engine.evidence.judging` makes the gates' verdicts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from engine.evidence.gates import SealState
from engine.evidence.more_needed import (
    fewest_needed_for_ratio,
    more_needed,
    more_needed_for_ratio,
)
from engine.evidence.parts import Result
from engine.evidence.stats import Interval

Word = Literal["go", "conditional", "no_go", "not_enough_evidence"]
GateName = Literal["quality", "recall", "speed", "memory", "cost"]
Unit = Literal["documents", "questions", "repeats", "starts"]
Reason = Literal[
    "within",  # the whole interval meets the gate
    "beyond",  # the whole interval misses it
    "crosses",  # the interval holds the threshold
    "scatters",  # it does, being so wide that no reasonable number of repeats would settle it
    "too_few",  # too few units for an interval
    "not_finite",  # the converted model's likelihoods are no numbers
    "not_measured",  # no such measurement in this run, or a file of schema version 1
    "no_control",  # the gate names the control, and none was trained
    "original_fails",  # the original does not pass the probe itself
    "original_guesses",  # the original does no better than guessing on the held-out text
    "control_guesses",  # the same of the control that the gate names
    "lost_at",  # passed as a whole, but significantly worse at some distances
    "worse_at",  # passed at the user's length, but slower or larger at others measured
    "original_out_of_memory",
    "converted_out_of_memory",
]
OverallReason = Literal["decided", "no_gates", "gates_not_frozen", "gates_changed"]


class GateVerdict(Result):
    """The verdict on one acceptance gate."""

    gate: GateName
    """Which gate: quality, recall, speed, memory or cost."""
    verdict: Word
    """go, conditional, no_go or not_enough_evidence."""
    reason: Reason
    """Why, as a stable code; docs/evidence.md lists them."""
    limit: float
    """The threshold, in the gate's own unit: % for quality, percentage points for recall, a ratio
    converted / original for the others."""
    value: float | None = None
    """What was measured, in the same unit; null where it was not."""
    interval: Interval | None = None
    """Where the truth may lie, and n; null for exact numbers and where there is none."""
    unit: Unit | None = None
    """What n counts: documents, questions, starts of the timed processes, or, where there was one
    start only, repeats."""
    reference: Literal["original", "control"] = "original"
    """The model it is compared with."""
    context_tokens: int | None = None
    """The context length that was judged; null for quality and recall."""
    at_tokens: tuple[int, ...] = ()
    """Distances (recall) or context lengths (speed, memory) to which a condition belongs, or that
    were not judged because the original itself fails there."""
    more: int | None = None
    """About how many more units would settle it; null where it is settled, or would take more than
    100 times as many."""
    unscored: int = 0
    """For quality, held-out documents of which nothing was scored: they are there already."""


class Verdict(Result):
    """The verdict on the run."""

    verdict: Word
    """go, conditional, no_go or not_enough_evidence."""
    reason: OverallReason
    """"decided" by the gates named; or why no verdict is possible."""
    decided_by: tuple[GateName, ...]
    """The gates whose verdict is the overall one; all of them for go."""
    gates: tuple[GateVerdict, ...]
    """Every gate that was set."""
    gates_state: SealState
    """Whether the gates are those the run was created with ("frozen"), were not set then
    ("not_frozen"), or were altered since ("changed")."""
    gates_sha256: str | None
    """The seal taken when the run was created."""


FEWEST: dict[Unit, int] = {"documents": 6, "questions": 10, "repeats": 3, "starts": 3}
"""With fewer units no interval is given: its coverage was not shown for less."""

FEW_DOCUMENTS = 30
"""Fewer held-out documents than this are called few: docs/evidence.md ("Calibration") shows what
intervals of so few are worth where documents differ much."""

Told = Callable[..., GateVerdict]
"""Makes a gate's verdict from `verdict`, `reason` and further numbers."""


def by_interval(interval: Interval, limit: float, told: Told, *, at_most: bool) -> GateVerdict:
    """Passed, failed or undecided by where the interval lies; `at_most` is the kind of limit."""
    good = interval.high <= limit if at_most else interval.low >= limit
    bad = interval.low > limit if at_most else interval.high < limit
    numbers = {"value": interval.estimate, "interval": interval}
    if good:
        return told(verdict="go", reason="within", **numbers)
    if bad:
        return told(verdict="no_go", reason="beyond", **numbers)
    more = more_needed(interval, limit)
    return told(verdict="not_enough_evidence", reason="crosses", more=more, **numbers)


WIDE = 1.5
"""Both ends of a ratio's interval are further apart than by this factor: the repeats scatter."""


def by_ratio(ratio: Interval, limit: float, told: Told, *, at_most: bool) -> GateVerdict:
    """`by_interval` for a geometric mean of repeats. Where no number of repeats would settle it, it
    says whether that is because the truth is close to the limit, or because they scatter."""
    found = by_interval(ratio, limit, told, at_most=at_most)
    if found.reason != "crosses":
        return found
    more = more_needed_for_ratio(ratio, limit)
    scatter = more is None and ratio.high > WIDE * ratio.low
    return found.model_copy(update={"more": more, "reason": "scatters" if scatter else "crosses"})


def on_condition(found: GateVerdict, reason: Reason, at_tokens: Sequence[int]) -> GateVerdict:
    """A gate that is passed only on the condition that goes with these lengths, if any."""
    if found.verdict != "go" or not at_tokens:
        return found
    changes = {"verdict": "conditional", "reason": reason, "at_tokens": tuple(at_tokens)}
    return found.model_copy(update=changes)


def fewest_more(gate: GateVerdict) -> int | None:
    """How few more documents may settle it where they are uneven: `gate.more`, or too many to
    name, is then the other end. None where `gate.more` stands by itself."""
    interval = gate.interval
    if gate.reason != "crosses" or gate.unit != "documents" or interval is None:
        return None
    ratio = interval.mapped(lambda percent: 1 + percent / 100)
    if ratio.low <= 0 or gate.limit <= -100:
        return None
    return fewest_needed_for_ratio(ratio, 1 + gate.limit / 100)


_WORST_FIRST: tuple[Word, ...] = ("no_go", "not_enough_evidence", "conditional", "go")


def overall(gates: Sequence[GateVerdict], state: SealState, sha256: str | None) -> Verdict:
    """The worst verdict of the gates, where No-Go comes before missing evidence: a gate that is
    surely missed decides whatever else is unknown."""
    reason: OverallReason = "decided"
    if state != "frozen":
        reason = "gates_not_frozen" if state == "not_frozen" else "gates_changed"
    elif not gates:
        reason = "no_gates"
    word: Word = "not_enough_evidence"
    if reason == "decided":
        word = next(word for word in _WORST_FIRST if any(g.verdict == word for g in gates))
    decided_by: tuple[GateName, ...] = ()
    if reason == "decided":
        decided_by = tuple(g.gate for g in gates if g.verdict == word)
    return Verdict(
        verdict=word,
        reason=reason,
        decided_by=decided_by,
        gates=tuple(gates),
        gates_state=state,
        gates_sha256=sha256,
    )
