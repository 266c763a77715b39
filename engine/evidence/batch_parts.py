"""Speed and memory with several inputs at once."""

from __future__ import annotations

from engine.evidence.memory_parts import Memory
from engine.evidence.parts import Result, Speed


class BatchTiming(Result):
    """What `speed` and `memory` hold, for another batch size."""

    batch_size: int
    """Inputs read and continued at once."""
    speed: Speed
    """Tokens/s are those of all inputs together."""
    memory: Memory
    """Bytes are those of all inputs together."""
