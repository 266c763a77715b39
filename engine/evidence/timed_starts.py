"""The timed repeats of two models, in turn, over several starts of their processes.

Two processes of the same program are not equally fast: memory lies elsewhere, and a short try
chooses other threads. A measurement within one start cannot know this, so the repeats are dealt
over several, each of which warms up and chooses anew, and intervals rest on the starts.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch

from engine.evidence.idle import device_load, other_load
from engine.evidence.metering import EnergyReading
from engine.evidence.party import Options, Party, Start, WarmUp
from engine.evidence.subject import Phase

LEAST_REPEATS = 3
TIMING_BUDGET_S = 60.0
"""Seconds of timing, beyond which no more repeats are begun than the fewest."""
LEAST_STARTS = 3
REPEATS_PER_START = 2
STARTING_BUDGET_S = 60.0
"""Seconds that starting processes may take, beyond which no more are started than the fewest."""


@dataclass
class Timed:
    """One model at one length: what its starts found, and the repeats.

    Attributes:
        starts: number of the start, from 0, that each of a phase's repeats belongs to.
    """

    found: list[WarmUp] = field(default_factory=list)
    seconds: dict[Phase, list[float]] = field(default_factory=lambda: {"prefill": [], "decode": []})
    starts: dict[Phase, list[int]] = field(default_factory=lambda: {"prefill": [], "decode": []})
    out_of_memory: bool = False
    reached: int = 0
    energy: EnergyReading | None = None


@dataclass(frozen=True)
class _Plan:
    """How the repeats of one length are dealt: as many starts, with as many repeats each."""

    starts: int
    each: int
    seconds: float


@dataclass
class Timings:
    """Everything timed.

    Attributes:
        formulas: bytes of the cache from the layers' shapes, by model and length.
        points: both models at every length.
        starts: how often the models were started.
        loads, gpu_loads: what others took of the machine and of the GPU.
        ends: when all will be done, by the clock of `time.perf_counter`, as it was last reckoned;
            None while unknown.
    """

    formulas: list[list[int]] = field(default_factory=list)
    points: list[tuple[Timed, Timed]] = field(default_factory=list)
    starts: int = 0
    loads: list[float | None] = field(default_factory=list)
    gpu_loads: list[float | None] = field(default_factory=list)
    ends: float | None = None


def dealt(repeats: int, start_s: float | None) -> tuple[int, int]:
    """How many starts, and the repeats in each, so that at least `repeats` are timed.

    Args:
        repeats: wanted.
        start_s: seconds that a start takes; None where there can be one only.
    """
    if start_s is None:
        return 1, repeats
    wanted = math.ceil(repeats / REPEATS_PER_START)
    starts = max(LEAST_STARTS, min(wanted, int(STARTING_BUDGET_S / max(start_s, 1e-9))))
    return starts, math.ceil(repeats / starts)


@dataclass(frozen=True)
class Timing:
    """What to time.

    Attributes:
        start: starts both models.
        again: whether they can be started several times.
        lengths: context lengths in tokens, shortest first.
        decode_tokens: steps of one repeat.
        repeats: wanted at each length.
        last_position: of learned positions; None where there is no limit.
        batch: inputs at once.
        device: where the models run, as torch names it.
        budget_s: seconds of timing in all.
        tick: called between timings with the seconds that are left, None until the first start
            has shown what a start takes; may raise to stop.
    """

    start: Start
    again: bool
    lengths: Sequence[int]
    decode_tokens: int
    repeats: int
    last_position: int | None
    batch: int
    device: str
    budget_s: float
    tick: Callable[[float | None], None]

    def run(self) -> Timings:
        """Start the models as often as is planned after the first time, and time them."""
        done = Timings(points=[(Timed(), Timed()) for _ in self.lengths])
        plans: list[_Plan] = []
        began = time.perf_counter()
        with self.start() as parties:
            start_s = time.perf_counter() - began if self.again else None
            starts, each = dealt(self.repeats, start_s)
            done.formulas = [party.formula(self.lengths) for party in parties]
            left = self.budget_s
            for index in range(len(self.lengths)):
                self._look(done)
                began = time.perf_counter()
                self._warm_up(done, index, parties, each)
                share = (left - (time.perf_counter() - began)) / (len(self.lengths) - index)
                plan = _planned(done.points[index], starts, each, share)
                plans.append(plan)
                self._repeat(done, index, parties, 0, plan.each)
                self._meter(done, index, parties)
                left -= time.perf_counter() - began + (plan.starts - 1) * plan.seconds
        done.starts = max(plan.starts for plan in plans)
        for number in range(1, done.starts):
            self._reckon(done, plans, number, start_s or 0.0)
            with self.start() as parties:
                self._look(done)
                for index, plan in enumerate(plans):
                    if number < plan.starts:
                        self._warm_up(done, index, parties, each)
                        self._repeat(done, index, parties, number, plan.each)
        return done

    def _reckon(
        self, done: Timings, plans: Sequence[_Plan], number: int, start_s: float
    ) -> None:  # fmt: skip
        """What is left as this start begins: the starting, and what each length takes in them."""
        starts = max(plan.starts for plan in plans) - number
        timing = sum(plan.seconds * max(0, plan.starts - number) for plan in plans)
        done.ends = time.perf_counter() + starts * start_s + timing
        self._tick(done)

    def _tick(self, done: Timings) -> None:
        self.tick(None if done.ends is None else max(0.0, done.ends - time.perf_counter()))

    def _look(self, done: Timings) -> None:
        """What others take of the machine, while both models wait."""
        done.loads.append(other_load())
        done.gpu_loads.append(device_load(torch.device(self.device)))

    def _warm_up(
        self, done: Timings, index: int, parties: tuple[Party, Party], each: int
    ) -> None:  # fmt: skip
        for subject, party in zip(done.points[index], parties, strict=True):
            if subject.out_of_memory:
                continue
            worth: Options | None = subject.found[0].worth if subject.found else None
            found = party.warm_up(
                self.lengths[index], self.decode_tokens, self.last_position, self.batch, each, worth
            )
            subject.found.append(found)
            subject.out_of_memory = found.out_of_memory
        self._tick(done)

    def _repeat(
        self, done: Timings, index: int, parties: tuple[Party, Party], start: int, repeats: int
    ) -> None:
        pair = list(zip(done.points[index], parties, strict=True))
        # Decoding comes first for both: it continues from the warm-up's caches.
        phases: tuple[Phase, ...] = ("decode", "prefill")
        for phase in phases:
            for number in range(start, start + repeats):
                for subject, party in pair if number % 2 == 0 else pair[::-1]:
                    seconds = None if subject.out_of_memory else party.time(phase)
                    if seconds is None:
                        subject.out_of_memory = True
                    else:
                        subject.seconds[phase].append(seconds)
                        subject.starts[phase].append(start)
                self._tick(done)
            for subject, party in pair:
                subject.reached = max(subject.reached, party.free())

    def _meter(self, done: Timings, index: int, parties: tuple[Party, Party]) -> None:
        """Energy, after the timing; at the first start only, since it has no interval anyway."""
        for subject, party in zip(done.points[index], parties, strict=True):
            if not subject.out_of_memory:
                subject.energy = party.energy()
                party.free()
            self._tick(done)


def _planned(pair: tuple[Timed, Timed], starts: int, each: int, share_s: float) -> _Plan:
    """The most repeats that fit `share_s` seconds, dealt evenly: fewer in each start before there
    are fewer starts, and never fewer than `LEAST_REPEATS` in all."""
    repeat_s = sum(subject.found[0].repeat_s for subject in pair)
    again_s = sum(subject.found[0].again_s for subject in pair)
    fewest = math.ceil(LEAST_REPEATS / starts)
    ways = [(starts, n) for n in range(each, fewest - 1, -1)]
    ways += [(n, 1) for n in range(starts - 1, LEAST_REPEATS - 1, -1)]
    for count, n in ways:
        if count * n * repeat_s + (count - 1) * again_s <= share_s:
            break
    else:
        count, n = ways[-1]
    return _Plan(count, n, n * repeat_s + again_s)
