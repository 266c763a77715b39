"""Who is not beaten, among runs and against the original itself."""

from __future__ import annotations

import math

import pytest

from engine.evidence.frontier import Saving, quality_change, standings
from engine.evidence.results import Comparison
from tests.support import example_runs as examples

_DOCUMENTS, _REPEATS = 12, 10


def _result(
    change: float, speed: float, memory: float, lengths: int = 5, spread: float = 0.001
) -> Comparison:
    """A comparison with this change in perplexity, speed and memory ratio at every length;
    documents and repeats differ by about `spread`."""
    content = examples.comparison().model_dump()
    quality = content["quality"]
    quality["converted"]["perplexity"] = quality["original"]["perplexity"] * (1 + change)
    for party, nats in (("original", 0.0), ("converted", math.log1p(change))):
        quality[party]["by_document"] = [
            {"document": n, "tokens": 1000,
             "nats": 1000 * (1 + nats + spread * (-1) ** n * (party == "converted"))}
            for n in range(_DOCUMENTS)
        ]  # fmt: skip
    decode, kept = content["speed"]["decode"], content["memory"]
    for mine, theirs in zip(decode["converted"], decode["original"]):
        mine["tokens_per_s"] = theirs["tokens_per_s"] * speed
        theirs["seconds"] = [1.0] * _REPEATS
        mine["seconds"] = [math.exp(spread * (-1) ** n) / speed for n in range(_REPEATS)]
    for mine, theirs in zip(kept["converted"], kept["original"]):
        mine["cache_bytes"] = int(theirs["cache_bytes"] * memory)
    for part in (decode, kept):
        part["converted"], part["original"] = (part[x][:lengths] for x in ("converted", "original"))
    return Comparison.model_validate(content)


def _looks(saving: Saving, **results: Comparison) -> dict[str, str]:
    found = standings(results, saving)
    assert found is not None
    return {one.run: one.look for one in found.runs}


def test_a_run_is_beaten_by_one_that_is_better_in_both() -> None:
    found = standings(
        {"fast": _result(0.05, 2.0, 0.5), "slow": _result(0.06, 1.5, 0.5),
         "good": _result(0.01, 1.2, 0.5)}, "speed",
    )  # fmt: skip
    assert found and found.context_tokens == 8192
    assert [(one.run, one.look) for one in found.runs] == [
        ("good", "unbeaten"), ("fast", "unbeaten"), ("slow", "beaten"),
    ]  # fmt: skip
    assert found.runs[0].quality.estimate == pytest.approx(0.01)
    assert found.runs[0].saving.estimate == pytest.approx(1.2, rel=1e-3)
    assert found.original_unbeaten


def test_what_lies_within_the_intervals_beats_nobody() -> None:
    places = {"mine": (0.06, 1.5, 0.5), "other": (0.05, 1.6, 0.5)}
    near = {name: _result(*place, spread=0.2) for name, place in places.items()}
    assert _looks("speed", **near) == {"mine": "open", "other": "unbeaten"}
    clear = {name: _result(*place) for name, place in places.items()}
    assert _looks("speed", **clear) == {"mine": "beaten", "other": "unbeaten"}
    found = standings(near, "speed")
    assert found
    for one in found.runs:
        assert one.quality.low is not None and one.quality.high is not None
        assert one.quality.low < one.quality.estimate < one.quality.high
        assert one.saving.low is not None and one.saving.high is not None
        assert one.saving.low < one.saving.estimate < one.saving.high


def test_without_intervals_nothing_is_shown() -> None:
    content = _result(0.05, 0.5, 0.5).model_dump()
    for party in ("original", "converted"):
        content["quality"][party]["by_document"] = []
        for point in content["speed"]["decode"][party]:
            point["seconds"] = []
    assert _looks("speed", a=Comparison.model_validate(content)) == {"a": "open"}


def test_bytes_are_exact() -> None:
    same = {"a": _result(0.05, 1.0, 0.5, spread=0.2), "b": _result(0.05, 1.0, 0.49, spread=0.2)}
    assert _looks("memory", **same) == {"a": "beaten", "b": "unbeaten"}


def test_the_original_beats_what_is_worse_and_slower_and_is_beaten_by_what_is_neither() -> None:
    worse = standings({"a": _result(0.05, 0.9, 1.2)}, "speed")
    assert worse and worse.runs[0].look == "beaten" and worse.original_unbeaten
    bigger = standings({"a": _result(0.05, 0.9, 1.2)}, "memory")
    assert bigger and bigger.runs[0].look == "beaten"
    better = standings({"a": _result(-0.01, 1.1, 0.5)}, "memory")
    assert better and better.runs[0].look == "unbeaten" and not better.original_unbeaten


def test_equal_runs_beat_neither_of_them() -> None:
    found = standings({"a": _result(0.02, 1.5, 0.5), "b": _result(0.02, 1.5, 0.5)}, "memory")
    assert found and all(one.look == "unbeaten" for one in found.runs)


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
