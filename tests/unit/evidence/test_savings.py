"""Verdicts of planted results on what a conversion saves: speed, memory and cost."""

import pytest

from engine.evidence.memory_parts import Memory
from tests.support.planted import planted_speed, verdict_on

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
    found = verdict_on({"decode_speedup": 1.0}, speed=planted_speed(STEADY, converted))
    assert (found.verdict, found.reason, found.context_tokens) == (verdict, reason, 2048)
    assert found.interval and found.interval.n == 5
    assert found.at_tokens == ((512,) if verdict == "conditional" else ())


def test_scattering_repeats_are_not_called_close_to_the_gate():
    wild = {512: [0.010] * 5, 2048: [0.0005, 0.020, 0.9, 0.0004, 0.95]}
    found = verdict_on({"decode_speedup": 1.0}, speed=planted_speed(STEADY, wild))
    assert (found.verdict, found.reason, found.more) == ("not_enough_evidence", "scatters", None)
    near = {512: [0.010] * 5, 2048: [0.0200, 0.0199, 0.0201, 0.02, 0.02]}
    found = verdict_on({"decode_speedup": 1.0}, speed=planted_speed(STEADY, near))
    assert (found.reason, found.more) == ("crosses", None)


def test_speed_at_the_users_own_length():
    speed = planted_speed(STEADY, MIXED)
    found = verdict_on({"decode_speedup": 1.0, "context_tokens": 512}, speed=speed)
    assert (found.verdict, found.context_tokens) == ("no_go", 512)
    assert found.value == pytest.approx(10 / 12, rel=0.01)


def test_running_out_of_memory_decides_speed():
    for party, verdict in (("original", "go"), ("converted", "no_go")):
        speed = planted_speed(STEADY, QUICK, **{party: (2048,)})
        found = verdict_on({"decode_speedup": 2.0}, speed=speed)
        assert (found.verdict, found.reason) == (verdict, f"{party}_out_of_memory")


@pytest.mark.parametrize(
    ("limit", "length", "verdict", "reason"),
    [(0.5, 2048, "go", "within"), (0.2, 2048, "no_go", "beyond"), (0.5, 512, "go", "within")],
)
def test_memory_is_exact(limit, length, verdict, reason):
    found = verdict_on({"cache_ratio": limit, "context_tokens": length})
    assert (found.verdict, found.reason, found.interval) == (verdict, reason, None)


def test_a_state_larger_than_a_short_cache_is_a_condition():
    def points(sizes: dict[int, int | None]):
        return [
            {"context_tokens": n, "cache_bytes": size, "analytic_bytes": 0, "peak_bytes": None,
             "peak_source": "not measured"} for n, size in sizes.items()
        ]  # fmt: skip

    def memory(mine, theirs):
        return Memory.model_validate({"converted": points(mine), "original": points(theirs)})

    larger = memory({512: 90, 2048: 90}, {512: 50, 2048: 200})
    found = verdict_on({"cache_ratio": 0.5}, memory=larger)
    assert (found.verdict, found.at_tokens) == ("conditional", (512,))
    lost = verdict_on({"cache_ratio": 0.5}, memory=memory({2048: None}, {2048: 200}))
    assert (lost.verdict, lost.reason) == ("no_go", "converted_out_of_memory")
    saved = verdict_on({"cache_ratio": 0.5}, memory=memory({2048: 90}, {2048: None}))
    assert (saved.verdict, saved.reason) == ("go", "original_out_of_memory")


def test_the_cost_of_a_document_is_prefill_and_decode_together():
    gates = {"cost_ratio": 0.6, "context_tokens": 2048, "output_tokens": 160}
    found = verdict_on(gates, speed=planted_speed(STEADY, QUICK, prefill_s=0.1))
    # 0.1 s to read; 160 tokens are ten timed repeats: 0.2 s and 0.1 s to write.
    assert found.value == pytest.approx(0.2 / 0.3, rel=0.01) and found.verdict == "no_go"


def test_lengths_measured_later_do_not_turn_the_verdict():
    """Slower at the sealed 2,048 tokens, faster at the 8,192 of a later measurement."""
    slow = planted_speed({2048: [0.02] * 5}, {2048: [0.030] * 5})
    assert verdict_on({"decode_speedup": 1.0}, speed=slow).verdict == "no_go"
    later = planted_speed({8192: [0.09] * 5}, {8192: [0.01] * 5})
    for gate in ("decode_speedup", "cost_ratio"):
        found = verdict_on({gate: 1.0}, speed=later)
        assert (found.verdict, found.reason, found.context_tokens) == (
            "not_enough_evidence", "not_measured", 2048,
        )  # fmt: skip
