"""How long a context fits into the device's memory: what was measured, and a line drawn on from it.

What has to fit is the weights and the most that reading a prompt in one go needed on top of them
(`peak_bytes`). Between two tokens less is enough: the weights and what is kept.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from engine.evidence.memory_parts import Memory, MemoryPoint
from engine.evidence.results import Environment

Part = Literal["peak", "kept"]
Side = Literal["original", "converted"]


@dataclass(frozen=True)
class Fit:
    """The longest context of one model by one part of its memory."""

    points: tuple[tuple[int, int], ...]
    """Tokens, and bytes needed in all, at each length that ran."""
    ran_out_at: int | None
    """The shortest length in tokens at which memory ran out; None where it never did."""
    longest: int | None
    """Tokens that fit, to two digits, rounded down; None where nothing tells, or no length is too
    long."""
    grows: bool
    """Whether memory grew between the last two lengths; where it did not, nothing can be drawn on
    from them."""


def device_memory(environment: Environment) -> int | None:
    """Bytes that the device of the models has: the GPU's own or the machine's."""
    if environment.device_memory_bytes is not None:
        return environment.device_memory_bytes
    return environment.memory_bytes if environment.device == "cpu" else None


def fit(memory: Memory, party: Side, part: Part, room: int) -> Fit:
    """How long a context fits into `room` bytes.

    Beyond the lengths measured, the last two are drawn on as a straight line and as a power of the
    length, and the shorter answer counts: a prompt's peak may grow faster than the prompt.

    Args:
        memory: of both models.
        party: whose.
        part: what has to fit besides the weights.
        room: memory of the device in bytes.
    """
    measured: Sequence[MemoryPoint] = getattr(memory, party)
    weights = getattr(memory, f"{party}_weights_bytes") or 0
    ran_out = next((p.context_tokens for p in measured if p.cache_bytes is None), None)
    found = [
        (p.context_tokens, value)
        for p in measured
        if (value := p.peak_bytes if part == "peak" else p.cache_bytes) is not None
        and (ran_out is None or p.context_tokens < ran_out)
    ]
    points = tuple((tokens, weights + value) for tokens, value in found)
    if ran_out is not None:
        return Fit(points, ran_out, points[-1][0] if points else None, True)
    if len(found) < 2 or found[-1][1] <= found[-2][1]:
        return Fit(points, None, None, False)
    reach = _reach(found[-2], found[-1], room - weights)
    return Fit(points, None, max(_two_digits(reach), 0), True)


def _reach(first: tuple[int, int], last: tuple[int, int], room: int) -> float:
    """The length at which a reading of `room` bytes is reached, drawn on from two readings."""
    (n, a), (m, b) = first, last
    line = m + (room - b) * (m - n) / (b - a)
    if a <= 0 or room <= 0:
        return max(0.0, line)
    power = math.log(b / a) / math.log(m / n)
    return max(0.0, min(line, m * (room / b) ** (1 / power)))


def _two_digits(tokens: float) -> int:
    unit = 10 ** max(0, math.floor(math.log10(tokens)) - 1) if tokens >= 1 else 1
    return int(tokens // unit) * unit
