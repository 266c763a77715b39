"""Verdicts of planted results: each gate, and all together."""

import math

import pytest

from engine.configs import AcceptanceGates, RunConfig
from engine.evidence.gates import judged_length, lengths_to_measure, seal_state, sealed
from engine.evidence.judging import judge
from engine.evidence.parts import (
    DocumentReading,
    Memory,
    ModelQuality,
    Quality,
    QuestionOutcome,
    Recall,
    Speed,
    SpeedPair,
)
from engine.evidence.verdict import GateVerdict, overall
from tests.support import example_runs as examples

EXAMPLE = examples.comparison()
ALONE = {"quality_loss_percent": None, "recall_loss_points": None, "decode_speedup": None,
         "cache_ratio": None}  # fmt: skip


def _model(losses: list[float], tokens: int = 100) -> ModelQuality:
    documents = tuple(
        DocumentReading(document=i, tokens=tokens, nats=loss * tokens)
        for i, loss in enumerate(losses)
    )
    return ModelQuality(
        perplexity=math.exp(sum(losses) / len(losses)), bits_per_byte=None,
        perplexity_by_position=(), tokens=tokens * len(losses), documents=len(losses),
        by_document=documents,
    )  # fmt: skip


def _quality(loss: float, spread: float = 0.0, n: int = 20, control: bool = True) -> Quality:
    """Losses of 1 nat, and `loss` more for the converted model, up and down by `spread`."""
    reference = _model([1.0] * n)
    return Quality(
        original=_model([0.5] * n), control=reference if control else None,
        converted=_model([1.0 + loss + spread * (-1) ** i for i in range(n)]),
        swapped_untrained=reference, kl=None, top1_agreement=None,
    )  # fmt: skip


def _recall(*cells: tuple[int, int, int, int]) -> Recall:
    """Cells of (distance, questions, right by the original, of these right by the converted)."""
    questions, number = [], 0
    for distance, n, ours, theirs in cells:
        for i in range(n):
            questions.append(
                QuestionOutcome(
                    number=number, language="en", kind="part", distance_tokens=distance,
                    original=i < ours, converted=i < theirs,
                )
            )  # fmt: skip
            number += 1
    return Recall(
        original=None, converted=None, languages=("en",), questions=tuple(questions), note=None
    )


def _side(length_seconds: dict[int, list[float]], *, tokens: int = 16, oom: tuple[int, ...] = ()):
    points = []
    for length, seconds in length_seconds.items():
        rate = tokens / sorted(seconds)[len(seconds) // 2] if length not in oom else None
        points.append(
            {
                "context_tokens": length, "tokens_per_s": rate, "p10": rate, "p90": rate,
                "median_ms": None, "repeats": len(seconds), "seconds": seconds, "threads": 1,
                "beyond_trained_context": length > 2048, "out_of_memory": length in oom,
            }
        )  # fmt: skip
    return points


def _speed(original, converted, /, prefill_s: float = 0.01, **oom) -> Speed:
    decode = SpeedPair.model_validate(
        {"original": _side(original, oom=oom.get("original", ())),
         "converted": _side(converted, oom=oom.get("converted", ()))}
    )  # fmt: skip
    pre = {n: [prefill_s] * len(s) for n, s in original.items()}
    prefill = SpeedPair.model_validate({"original": _side(pre), "converted": _side(pre)})
    return Speed(decode=decode, prefill=prefill, note=None)


def _one(gates: dict, *, quality=EXAMPLE.quality, recall=EXAMPLE.recall, speed=EXAMPLE.speed,
         memory=EXAMPLE.memory) -> GateVerdict:  # fmt: skip
    config = sealed(
        RunConfig(model="m", data="d", gates=AcceptanceGates.model_validate({**ALONE, **gates})),
        trained_context=2048,
    )
    found = judge(
        quality, recall, speed, memory, gates=config.gates, sha256=config.gates_sha256,
        length=judged_length(config, 2048),
    )  # fmt: skip
    assert len(found.gates) == 1 and found.decided_by == (found.gates[0].gate,)
    assert found.verdict == found.gates[0].verdict
    return found.gates[0]


@pytest.mark.parametrize(
    ("loss", "spread", "verdict"),
    [(0.0, 0.001, "go"), (0.02, 0.005, "go"), (0.06, 0.005, "no_go"), (-0.1, 0.01, "go"),
     (0.015, 0.05, "not_enough_evidence")],
)  # fmt: skip
def test_quality_goes_by_the_whole_interval(loss, spread, verdict):
    found = _one({"quality_loss_percent": 3.0}, quality=_quality(loss, spread))
    assert found.verdict == verdict
    assert found.interval and found.interval.n == 20 and found.unit == "documents"
    assert found.interval.low <= (found.value or 0) <= found.interval.high
    assert (found.more is None) == (verdict != "not_enough_evidence")


def test_quality_is_held_against_the_model_that_the_gate_names():
    quality = _quality(0.0, 0.001)
    assert _one({"quality_loss_percent": 3.0}, quality=quality).reference == "control"
    gates = {"quality_loss_percent": 3.0, "quality_against": "original"}
    found = _one(gates, quality=quality)
    assert (found.verdict, found.reference) == ("no_go", "original")


@pytest.mark.parametrize(
    ("party", "reason"), [("original", "original_guesses"), ("control", "control_guesses")]
)
def test_to_beat_a_model_that_only_guesses_is_no_pass(party, reason):
    """Perplexity 1,500 with 1,462 tokens to choose from: the text is not read at all."""
    good = _quality(-0.3, 0.001).model_copy(update={"vocabulary": 1462})
    assert _one({"quality_loss_percent": 3.0}, quality=good).verdict == "go"
    guessing = _model([math.log(1500)] * 20)
    found = _one(
        {"quality_loss_percent": 3.0}, quality=good.model_copy(update={party: guessing})
    )
    assert (found.verdict, found.reason, found.value) == ("not_enough_evidence", reason, None)


def test_what_is_missing_is_never_a_pass():
    gates = {"quality_loss_percent": 3.0}
    assert _one(gates, quality=_quality(0.0, control=False)).reason == "no_control"
    few = _one(gates, quality=_quality(0.0, n=5))
    assert (few.verdict, few.reason, few.more) == ("not_enough_evidence", "too_few", 1)
    # The example has the shape of schema version 1: no documents, questions or repeats.
    assert _one(gates).reason == "not_measured"
    assert _one({"recall_loss_points": 5}).reason == "not_measured"
    assert _one({"decode_speedup": 1}).reason == "not_measured"
    assert _one({"cost_ratio": 1}).reason == "not_measured"
    assert _one({"cache_ratio": 1, "context_tokens": 700}).reason == "not_measured"


def test_a_broken_model_fails():
    quality = _quality(0.0)
    broken = quality.converted.model_copy(update={"perplexity": None})
    found = _one(
        {"quality_loss_percent": 3.0}, quality=quality.model_copy(update={"converted": broken})
    )
    assert (found.verdict, found.reason) == ("no_go", "not_finite")


def test_a_loss_beyond_all_numbers_is_still_a_number():
    found = _one({"quality_loss_percent": 3.0}, quality=_quality(650.0, 1.0))
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
    found = _one({"recall_loss_points": 5.0}, recall=_recall(*cells))
    assert (found.verdict, found.reason) == (verdict, reason)
    assert found.at_tokens == {"lost_at": (512,), "original_fails": (64,)}.get(reason, ())


def test_recall_is_not_judged_where_the_original_fails():
    found = _one(
        {"recall_loss_points": 5.0}, recall=_recall((64, 200, 200, 200), (512, 200, 80, 0))
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
    found = _one({"recall_loss_points": 5.0}, recall=_answered(every_second, [False] * 200))
    assert (found.verdict, found.value) == ("go", 0.0)
    assert found.interval and found.interval.n == 100


def test_a_single_question_decides_nothing():
    found = _one({"recall_loss_points": 5.0}, recall=_answered([True], [True]))
    assert (found.verdict, found.reason, found.more) == ("not_enough_evidence", "too_few", 9)


STEADY = {512: [0.010, 0.0101, 0.0099, 0.010, 0.010], 2048: [0.020, 0.0201, 0.0199, 0.02, 0.02]}
QUICK = {512: [0.008] * 5, 2048: [0.010] * 5}
SLOW = {512: [0.012] * 5, 2048: [0.030] * 5}
MIXED = {512: [0.012] * 5, 2048: [0.010] * 5}
NOISY = {512: [0.010] * 5, 2048: [0.010, 0.040, 0.015, 0.035, 0.012]}


@pytest.mark.parametrize(
    ("converted", "verdict", "reason"),
    [(QUICK, "go", "within"), (SLOW, "no_go", "beyond"), (MIXED, "conditional", "worse_at"),
     (NOISY, "not_enough_evidence", "scatters")],
)  # fmt: skip
def test_speed_at_the_trained_context(converted, verdict, reason):
    found = _one({"decode_speedup": 1.0}, speed=_speed(STEADY, converted))
    assert (found.verdict, found.reason, found.context_tokens) == (verdict, reason, 2048)
    assert found.interval and found.interval.n == 5
    assert found.at_tokens == ((512,) if verdict == "conditional" else ())


def test_scattering_repeats_are_not_called_close_to_the_gate():
    wild = {512: [0.010] * 5, 2048: [0.0005, 0.020, 0.9, 0.0004, 0.95]}
    found = _one({"decode_speedup": 1.0}, speed=_speed(STEADY, wild))
    assert (found.verdict, found.reason, found.more) == ("not_enough_evidence", "scatters", None)
    near = {512: [0.010] * 5, 2048: [0.0200, 0.0199, 0.0201, 0.02, 0.02]}
    found = _one({"decode_speedup": 1.0}, speed=_speed(STEADY, near))
    assert (found.reason, found.more) == ("crosses", None)


def test_speed_at_the_users_own_length():
    speed = _speed(STEADY, MIXED)
    found = _one({"decode_speedup": 1.0, "context_tokens": 512}, speed=speed)
    assert (found.verdict, found.context_tokens) == ("no_go", 512)
    assert found.value == pytest.approx(10 / 12, rel=0.01)


def test_running_out_of_memory_decides_speed():
    for party, verdict in (("original", "go"), ("converted", "no_go")):
        found = _one({"decode_speedup": 2.0}, speed=_speed(STEADY, QUICK, **{party: (2048,)}))
        assert (found.verdict, found.reason) == (verdict, f"{party}_out_of_memory")


@pytest.mark.parametrize(
    ("limit", "length", "verdict", "reason"),
    [(0.5, 2048, "go", "within"), (0.2, 2048, "no_go", "beyond"), (0.5, 512, "go", "within")],
)
def test_memory_is_exact(limit, length, verdict, reason):
    found = _one({"cache_ratio": limit, "context_tokens": length})
    assert (found.verdict, found.reason, found.interval) == (verdict, reason, None)


def test_a_state_larger_than_a_short_cache_is_a_condition():
    def points(sizes: dict[int, int | None]):
        return [
            {"context_tokens": n, "cache_bytes": size, "analytic_bytes": 0, "peak_bytes": None,
             "peak_source": "not measured"} for n, size in sizes.items()
        ]  # fmt: skip

    def memory(mine, theirs):
        return Memory.model_validate({"converted": points(mine), "original": points(theirs)})

    found = _one({"cache_ratio": 0.5}, memory=memory({512: 90, 2048: 90}, {512: 50, 2048: 200}))
    assert (found.verdict, found.at_tokens) == ("conditional", (512,))
    lost = _one({"cache_ratio": 0.5}, memory=memory({2048: None}, {2048: 200}))
    assert (lost.verdict, lost.reason) == ("no_go", "converted_out_of_memory")
    saved = _one({"cache_ratio": 0.5}, memory=memory({2048: 90}, {2048: None}))
    assert (saved.verdict, saved.reason) == ("go", "original_out_of_memory")


def test_the_cost_of_a_document_is_prefill_and_decode_together():
    gates = {"cost_ratio": 0.6, "context_tokens": 2048, "output_tokens": 160}
    found = _one(gates, speed=_speed(STEADY, QUICK, prefill_s=0.1))
    # 0.1 s to read; 160 tokens are ten timed repeats: 0.2 s and 0.1 s to write.
    assert found.value == pytest.approx(0.2 / 0.3, rel=0.01) and found.verdict == "no_go"


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


def test_the_seal_survives_the_file_and_nothing_else():
    config = sealed(RunConfig(model="m", data="d"), trained_context=2048)
    again = RunConfig.model_validate_json(config.model_dump_json())
    assert seal_state(again.gates, again.gates_sha256) == "frozen"
    changed = config.gates.model_copy(update={"recall_loss_points": 50.0})
    assert seal_state(changed, config.gates_sha256) == "changed"
    assert seal_state(AcceptanceGates(), None) == "not_frozen"


def test_gates_and_seal_altered_together_are_found_out_by_the_log():
    config = sealed(RunConfig(model="m", data="d"), trained_context=2048)
    loose = AcceptanceGates(quality_loss_percent=50)
    forged = sealed(config.model_copy(update={"gates": loose}), trained_context=2048)
    assert seal_state(forged.gates, forged.gates_sha256) == "frozen"  # by itself
    assert seal_state(forged.gates, forged.gates_sha256, config.gates_sha256) == "changed"
    assert seal_state(config.gates, config.gates_sha256, config.gates_sha256) == "frozen"
    assert seal_state(config.gates, None, config.gates_sha256) == "changed"


@pytest.mark.parametrize(
    ("trained_context", "asked", "length"),
    [(2048, None, 2048), (4000, None, 2048), (300, None, 128), (100, None, 100), (2048, 700, 700),
     (2048, 9000, 9000)],
)  # fmt: skip
def test_the_length_to_judge_at_is_sealed_with_the_gates(trained_context, asked, length):
    config = RunConfig(model="m", data="d", gates=AcceptanceGates(context_tokens=asked))
    found = sealed(config, trained_context=trained_context)
    assert found.gates.context_tokens == length
    moved = found.gates.model_copy(update={"context_tokens": 8192})
    assert seal_state(moved, found.gates_sha256) == "changed"


def test_lengths_measured_later_do_not_turn_the_verdict():
    """Slower at the sealed 2,048 tokens, faster at the 8,192 of a later measurement."""
    slow = {2048: [0.030] * 5}
    assert _one({"decode_speedup": 1.0}, speed=_speed({2048: [0.02] * 5}, slow)).verdict == "no_go"
    later = _speed({8192: [0.09] * 5}, {8192: [0.01] * 5})
    for gate in ("decode_speedup", "cost_ratio"):
        found = _one({gate: 1.0}, speed=later)
        assert (found.verdict, found.reason, found.context_tokens) == (
            "not_enough_evidence", "not_measured", 2048,
        )  # fmt: skip


def test_the_runs_own_lengths_are_always_measured():
    """Else a length at which the converted model is slower could be left out later on."""
    config = RunConfig(model="m", data="d", comparison={"context_tokens": (512, 2048)})  # pyright: ignore
    assert lengths_to_measure((8192,), config, 1000) == (512, 1000, 2048, 8192)
    assert lengths_to_measure((512, 2048), config, 2048) == (512, 2048)
