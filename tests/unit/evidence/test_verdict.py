"""Verdicts of planted results: each gate, and all together."""

import math

import pytest

from engine.evidence.parts import QuestionOutcome, Recall
from engine.evidence.verdict import GateVerdict, overall
from tests.support.planted import model_quality, planted_quality, planted_recall, verdict_on


@pytest.mark.parametrize(
    ("loss", "spread", "verdict"),
    [(0.0, 0.001, "go"), (0.02, 0.005, "go"), (0.06, 0.005, "no_go"), (-0.1, 0.01, "go"),
     (0.015, 0.05, "not_enough_evidence")],
)  # fmt: skip
def test_quality_goes_by_the_whole_interval(loss, spread, verdict):
    found = verdict_on({"quality_loss_percent": 3.0}, quality=planted_quality(loss, spread))
    assert found.verdict == verdict
    assert found.interval and found.interval.n == 20 and found.unit == "documents"
    assert found.interval.low <= (found.value or 0) <= found.interval.high
    assert (found.more is None) == (verdict != "not_enough_evidence")


def test_quality_is_held_against_the_model_that_the_gate_names():
    quality = planted_quality(0.0, 0.001)
    assert verdict_on({"quality_loss_percent": 3.0}, quality=quality).reference == "control"
    gates = {"quality_loss_percent": 3.0, "quality_against": "original"}
    found = verdict_on(gates, quality=quality)
    assert (found.verdict, found.reference) == ("no_go", "original")


@pytest.mark.parametrize(
    ("party", "reason"), [("original", "original_guesses"), ("control", "control_guesses")]
)
def test_to_beat_a_model_that_only_guesses_is_no_pass(party, reason):
    """Perplexity 1,500 with 1,462 tokens to choose from: the text is not read at all."""
    good = planted_quality(-0.3, 0.001).model_copy(update={"vocabulary": 1462})
    assert verdict_on({"quality_loss_percent": 3.0}, quality=good).verdict == "go"
    guessing = model_quality([math.log(1500)] * 20)
    found = verdict_on(
        {"quality_loss_percent": 3.0}, quality=good.model_copy(update={party: guessing})
    )
    assert (found.verdict, found.reason, found.value) == ("not_enough_evidence", reason, None)


def test_what_is_missing_is_never_a_pass():
    gates = {"quality_loss_percent": 3.0}
    assert verdict_on(gates, quality=planted_quality(0.0, control=False)).reason == "no_control"
    few = verdict_on(gates, quality=planted_quality(0.0, n=5))
    assert (few.verdict, few.reason, few.more) == ("not_enough_evidence", "too_few", 1)
    # The example has the shape of schema version 1: no documents, questions or repeats.
    assert verdict_on(gates).reason == "not_measured"
    assert verdict_on({"recall_loss_points": 5}).reason == "not_measured"
    assert verdict_on({"decode_speedup": 1}).reason == "not_measured"
    assert verdict_on({"cost_ratio": 1}).reason == "not_measured"
    assert verdict_on({"cache_ratio": 1, "context_tokens": 700}).reason == "not_measured"


def test_a_broken_model_fails():
    quality = planted_quality(0.0)
    broken = quality.converted.model_copy(update={"perplexity": None})
    found = verdict_on(
        {"quality_loss_percent": 3.0}, quality=quality.model_copy(update={"converted": broken})
    )
    assert (found.verdict, found.reason) == ("no_go", "not_finite")


def test_a_loss_beyond_all_numbers_is_still_a_number():
    found = verdict_on({"quality_loss_percent": 3.0}, quality=planted_quality(650.0, 1.0))
    assert found.verdict == "no_go"


@pytest.mark.parametrize(
    ("cells", "verdict", "reason"),
    [
        ([(64, 200, 200, 200)], "go", "within"),
        ([(64, 200, 200, 100)], "no_go", "beyond"),
        ([(64, 20, 20, 19)], "not_enough_evidence", "crosses"),
        ([(64, 5, 5, 5)], "not_enough_evidence", "too_few"),
        ([(64, 40, 10, 0)], "not_enough_evidence", "original_fails"),
        # All is lost at one distance out of many: fine on the whole, and yet not to be hidden.
        ([(64, 900, 900, 900), (512, 20, 20, 4)], "conditional", "lost_at"),
    ],
)
def test_recall(cells, verdict, reason):
    found = verdict_on({"recall_loss_points": 5.0}, recall=planted_recall(*cells))
    assert (found.verdict, found.reason) == (verdict, reason)
    assert found.at_tokens == {"lost_at": (512,), "original_fails": (64,)}.get(reason, ())


def test_recall_is_not_judged_where_the_original_fails():
    found = verdict_on(
        {"recall_loss_points": 5.0}, recall=planted_recall((64, 200, 200, 200), (512, 200, 80, 0))
    )
    assert found.verdict == "go" and found.interval and found.interval.n == 200


def _answered(original: list[bool], converted: list[bool], **more) -> Recall:
    questions = tuple(
        QuestionOutcome(
            number=i, kind="part", original=a, converted=b,
            **{"language": "en", "distance_tokens": 64, **more},
        )
        for i, (a, b) in enumerate(zip(original, converted, strict=True))
    )  # fmt: skip
    return Recall(original=None, converted=None, languages=("en",), questions=questions, note=None)


def test_answers_that_let_a_question_in_are_not_those_compared():
    """The original answers every second question only: where it passes, nothing of that is judged;
    what is judged are the other half's answers, all wrong."""
    every_second = [i % 2 == 0 for i in range(200)]
    found = verdict_on({"recall_loss_points": 5.0}, recall=_answered(every_second, [False] * 200))
    assert (found.verdict, found.value) == ("go", 0.0)
    assert found.interval and found.interval.n == 100


def test_a_single_question_decides_nothing():
    found = verdict_on({"recall_loss_points": 5.0}, recall=_answered([True], [True]))
    assert (found.verdict, found.reason, found.more) == ("not_enough_evidence", "too_few", 9)


def _gate(gate, verdict) -> GateVerdict:
    return GateVerdict(gate=gate, verdict=verdict, reason="within", limit=1.0)


@pytest.mark.parametrize(
    ("words", "expected", "decided"),
    [
        (("go", "go", "go"), "go", ("quality", "recall", "speed")),
        (("go", "conditional", "go"), "conditional", ("recall",)),
        (("not_enough_evidence", "conditional", "go"), "not_enough_evidence", ("quality",)),
        (("not_enough_evidence", "conditional", "no_go"), "no_go", ("speed",)),
    ],
)
def test_the_worst_gate_decides(words, expected, decided):
    gates = [_gate(g, w) for g, w in zip(("quality", "recall", "speed"), words, strict=True)]
    found = overall(gates, "frozen", "0")
    assert (found.verdict, found.decided_by, found.reason) == (expected, decided, "decided")


def test_no_verdict_without_gates_that_were_there_before():
    good = [_gate("quality", "go")]
    for gates, state, reason in (
        ([], "frozen", "no_gates"), (good, "not_frozen", "gates_not_frozen"),
        (good, "changed", "gates_changed"),
    ):  # fmt: skip
        found = overall(gates, state, None)
        assert (found.verdict, found.reason, found.decided_by) == (
            "not_enough_evidence", reason, (),
        )  # fmt: skip
