"""How many key-value pairs each model keeps apart."""

from __future__ import annotations

from engine.evidence.parts import Result
from engine.evidence.stats import Interval


class MqarSize(Result):
    """Sequences with one number of pairs."""

    pairs: int
    """Key-value pairs stated before the first query."""
    sequences: int
    """Sequences read."""
    queries: int
    """Keys asked, in all sequences together."""
    original: int
    """Of these, answered by the original with the value as its likeliest token."""
    control: int | None
    """Answered by the control; null when it was not trained."""
    converted: int
    """Answered by the converted model."""
    judged: bool
    """Whether the original answers at least half, so that the converted model can be judged."""
    change: Interval | None
    """Share answered, converted - original in percentage points, with its 95 % interval over the
    sequences; null where it is not judged, with fewer than six sequences, and where every sequence
    shows the same difference, which tells no spread."""


class Mqar(Result):
    """Multi-query associative recall (arXiv:2312.04927) on random tokens; asked on request."""

    sizes: tuple[MqarSize, ...]
    """By number of pairs, fewest first."""
    note: str
    """Which sizes are judged, and what the probe is."""
