"""Repeats dealt over several starts of both models, with made-up models and times."""

from __future__ import annotations

import math
from contextlib import contextmanager
from statistics import fmean

import pytest

from engine.evidence import timed_starts
from engine.evidence.party import Options, WarmUp
from engine.evidence.savings import ratio_of_times, speed_interval, speed_ratio, timing_unit
from engine.evidence.speed import measure
from engine.evidence.timed_starts import dealt
from engine.evidence.timing_parts import CacheKind

OPEN: Options = {"prefill": [1, 2], "decode": {"dynamic": [1], "static": [1, 2]}}


class _Party:
    """Takes `seconds` for everything, and remembers what it was asked."""

    def __init__(self, seconds: float, cache: CacheKind = "dynamic", repeat_s: float = 0.0) -> None:
        self.seconds, self.repeat_s = seconds, repeat_s
        self.cache: CacheKind = cache
        self.worth: list[Options | None] = []
        self.timed = 0

    def formula(self, lengths):
        return [8] * len(lengths)

    def warm_up(self, length, decode_tokens, last_position, batch, repeats, worth):
        self.worth.append(worth)
        return WarmUp(
            repeat_s=self.repeat_s, again_s=self.repeat_s / 10, cache_bytes=8, peak_bytes=8,
            threads={"prefill": 1, "decode": 2}, steps="one by one", cache=self.cache, worth=OPEN,
        )  # fmt: skip

    def time(self, phase):
        self.timed += 1
        return None if math.isinf(self.seconds) else self.seconds

    def energy(self):
        return None

    def free(self):
        return 0


@pytest.fixture(autouse=True)
def _no_rest(monkeypatch):
    monkeypatch.setattr(timed_starts, "other_load", lambda: 0.0)


class _Starts:
    """Starts made-up models, the original a little faster or slower each time."""

    def __init__(self, originals: list[_Party], converted_s: float = 1.0) -> None:
        self.originals, self.begun, self.running = originals, [], 0
        self.converted_s = converted_s

    @contextmanager
    def __call__(self):
        assert self.running == 0  # one pair at a time: two would share the memory
        self.running += 1
        pair = self.originals[len(self.begun)], _Party(self.converted_s)
        self.begun.append(pair)
        yield pair
        self.running -= 1


def _measure(starts, repeats: int, lengths=(32, 64), budget_s: float = 60.0):
    return measure(
        starts, context_tokens=lengths, decode_tokens=4, repeats=repeats, trained_context=512,
        learned_positions=False, own_processes=True, budget_s=budget_s,
    )  # fmt: skip


def test_a_start_holds_two_repeats_unless_starting_takes_long() -> None:
    assert dealt(10, 4.0) == (5, 2)
    assert dealt(20, 4.0) == (10, 2)
    assert dealt(10, 30.0) == (3, 4)  # a minute of starting at most, but never fewer than three
    assert dealt(3, 0.0) == (3, 1)
    assert dealt(10, None) == (1, 10)


def test_the_interval_rests_on_what_each_start_gave() -> None:
    seconds = [1.0, 1.1, 1.2, 1.3, 1.4]
    starts = _Starts([_Party(s) for s in seconds])
    speed, _ = _measure(starts, repeats=10)
    mine, theirs = speed.decode.converted[1], speed.decode.original[1]
    assert theirs.seconds == tuple(s for s in seconds for _ in range(2))
    assert theirs.starts == mine.starts == (0, 0, 1, 1, 2, 2, 3, 3, 4, 4)
    found = speed_interval(mine, theirs)
    assert found and found.n == 5 and timing_unit(mine.starts) == "starts"
    logs = [math.log(s) for s in seconds]
    half = 2.776445 * math.sqrt(sum((x - fmean(logs)) ** 2 for x in logs) / 4) / math.sqrt(5)
    assert found.low == pytest.approx(math.exp(fmean(logs) - half), rel=1e-4)
    assert found.estimate == pytest.approx(speed_ratio(mine, theirs))
    # Repeats that are alike within a start know nothing: counted alone they claim far too much.
    alone = ratio_of_times(theirs.seconds, mine.seconds)
    assert alone and found.high - found.low > 1.5 * (alone.high - alone.low)
    assert "started 5 times, each in a fresh process of its own;" in (speed.note or "")


def test_what_is_left_is_told_once_the_first_start_has_shown_it() -> None:
    left: list[float | None] = []
    measure(
        _Starts([_Party(1.0, repeat_s=2.0) for _ in range(3)]), context_tokens=(32,),
        decode_tokens=4, repeats=6, trained_context=512, learned_positions=False,
        own_processes=True, tick=left.append,
    )  # fmt: skip
    known = [seconds for seconds in left if seconds is not None]
    assert left[0] is None and left.index(known[0]) == len(left) - len(known)
    # Two more starts of two repeats each (2 s for both models), with their warm-ups of 0.2 s.
    assert known[0] == pytest.approx(2 * (2 * 2.0 + 0.2), abs=0.2)
    assert known[-1] == pytest.approx(known[0] / 2, abs=0.2)


def test_two_starts_are_too_few_and_one_counts_its_repeats() -> None:
    assert ratio_of_times([1.0] * 6, [2.0] * 6, [0, 0, 0, 1, 1, 1]) is None
    one = ratio_of_times([1.0, 1.1, 1.2], [2.0] * 3, [0, 0, 0])
    assert one == ratio_of_times([1.0, 1.1, 1.2], [2.0] * 3) and one and one.n == 3
    assert timing_unit([0, 0]) == timing_unit(()) == "repeats"


def test_every_later_start_chooses_among_what_was_close() -> None:
    caches: list[CacheKind] = ["dynamic", "static", "static", "static", "dynamic"]
    starts = _Starts([_Party(1.0, cache) for cache in caches])
    speed, _ = _measure(starts, repeats=10)
    assert starts.begun[0][0].worth == [None, None]
    assert all(original.worth == [OPEN, OPEN] for original, _ in starts.begun[1:])
    assert speed.baselines[0].cache == "static"
    assert list(speed.baselines[0].cache_by_start) == caches
    assert speed.decode.original[0].threads_by_start == (2,) * 5


@pytest.mark.parametrize(
    ("repeat_s", "repeats"), [(0.1, 10), (1.5, 5), (1.8, 4), (2.5, 3), (99.0, 3)]
)
def test_short_of_time_starts_have_one_repeat_before_there_are_fewer(repeat_s, repeats) -> None:
    starts = _Starts([_Party(1.0, repeat_s=repeat_s) for _ in range(5)])
    speed, _ = _measure(starts, repeats=10, lengths=(64,), budget_s=8.2)
    point = speed.decode.original[0]
    assert point.repeats == repeats and len(starts.begun) == min(5, repeats)
    assert len(set(point.starts)) == len(starts.begun)


def test_a_model_that_fits_no_longer_in_a_later_start_does_not_fit() -> None:
    starts = _Starts([_Party(1.0), _Party(math.inf), *[_Party(1.0) for _ in range(3)]])
    speed, memory = _measure(starts, repeats=10, lengths=(64,))
    assert speed.decode.original[0].out_of_memory and not speed.decode.original[0].starts
    assert memory.original[0].cache_bytes is None
    assert speed.decode.converted[0].repeats == 10
    assert starts.begun[2][0].timed == 0
