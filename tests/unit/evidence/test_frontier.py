"""Who is not beaten, among runs and against the original itself."""

from __future__ import annotations

import pytest

from engine.evidence.frontier import quality_change, standings
from engine.evidence.results import Comparison
from tests.support import example_runs as examples


def _result(change: float, speed: float, memory: float, lengths: int = 5) -> Comparison:
    """A comparison with this change in perplexity, speed and memory ratio at every length."""
    content = examples.comparison().model_dump()
    quality = content["quality"]
    quality["converted"]["perplexity"] = quality["original"]["perplexity"] * (1 + change)
    decode, kept = content["speed"]["decode"], content["memory"]
    for mine, theirs in zip(decode["converted"], decode["original"]):
        mine["tokens_per_s"] = theirs["tokens_per_s"] * speed
    for mine, theirs in zip(kept["converted"], kept["original"]):
        mine["cache_bytes"] = int(theirs["cache_bytes"] * memory)
    for part in (decode, kept):
        part["converted"], part["original"] = (part[x][:lengths] for x in ("converted", "original"))
    return Comparison.model_validate(content)


def test_a_run_is_beaten_by_one_that_is_better_in_both() -> None:
    found = standings(
        {"fast": _result(0.05, 2.0, 0.5), "slow": _result(0.06, 1.5, 0.5),
         "good": _result(0.01, 1.2, 0.5)}, "speed",
    )  # fmt: skip
    assert found and found.context_tokens == 8192
    assert [(one.run, one.unbeaten) for one in found.runs] == [
        ("good", True), ("fast", True), ("slow", False),
    ]  # fmt: skip
    assert found.runs[0].quality_change == pytest.approx(0.01)
    assert found.runs[0].ratio == pytest.approx(1.2) and found.original_unbeaten


def test_the_original_beats_what_is_worse_and_slower_and_is_beaten_by_what_is_neither() -> None:
    worse = standings({"a": _result(0.05, 0.9, 1.2)}, "speed")
    assert worse and not worse.runs[0].unbeaten and worse.original_unbeaten
    bigger = standings({"a": _result(0.05, 0.9, 1.2)}, "memory")
    assert bigger and not bigger.runs[0].unbeaten
    better = standings({"a": _result(-0.01, 1.1, 0.5)}, "memory")
    assert better and better.runs[0].unbeaten and not better.original_unbeaten


def test_equal_runs_beat_neither_of_them() -> None:
    found = standings({"a": _result(0.02, 1.5, 0.5), "b": _result(0.02, 1.5, 0.5)}, "memory")
    assert found and all(one.unbeaten for one in found.runs)


def test_they_meet_at_the_longest_length_that_most_measured() -> None:
    results = {"a": _result(0.02, 1.5, 0.5), "b": _result(0.03, 1.6, 0.4, lengths=3),
               "c": _result(0.03, 1.6, 0.4, lengths=3)}  # fmt: skip
    found = standings(results, "speed")
    assert found and found.context_tokens == 2048 and len(found.runs) == 3


def test_without_a_reading_there_is_no_place() -> None:
    result = _result(0.02, 1.5, 0.5)
    guessing = result.quality.model_copy(update={"vocabulary": 2})
    assert quality_change(result.model_copy(update={"quality": guessing})) is None
    assert standings({"a": result.model_copy(update={"quality": guessing})}, "speed") is None
    assert standings({"a": _result(0.02, 1.5, 0.5, lengths=0)}, "memory") is None
