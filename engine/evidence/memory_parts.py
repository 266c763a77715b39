"""What each model keeps and needs in memory: the frozen results of that part of a comparison."""

from __future__ import annotations

from engine.evidence.result import Result


class MemoryPoint(Result):
    """What one model keeps in memory between two tokens at one context length; batch size 1, save
    in `batches`."""

    context_tokens: int
    """Tokens read."""
    cache_bytes: int | None
    """Exact bytes of the tensors in the cache after a prefill; null when it ran out of memory."""
    analytic_bytes: int
    """The same from the formula: 2 x KV heads x head dim x tokens x bytes per number in each
    softmax layer, plus the converted layers' state."""
    peak_bytes: int | None
    """Most memory the prefill and the first decode steps needed on top of the loaded models; median
    of the starts."""
    peak_source: str
    """What `peak_bytes` was read from, or "not measured"."""


class Memory(Result):
    """Cache and peak memory by context length."""

    original: tuple[MemoryPoint, ...]
    """The original, shortest context first."""
    converted: tuple[MemoryPoint, ...]
    """The converted model, same lengths."""
    original_weights_bytes: int | None = None
    """Bytes of the original's weights, which come on top of all points; null in `batches`, whose
    weights are the same, and in files from before they were written."""
    converted_weights_bytes: int | None = None
    """The converted model's."""
