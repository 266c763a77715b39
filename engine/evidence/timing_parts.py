"""What goes with a timing: the original's cache, and the energy."""

from __future__ import annotations

from typing import Literal

from engine.evidence.result import Result

CacheKind = Literal["dynamic", "static"]


class Baseline(Result):
    """Which cache the original decodes with at one length: the quicker of two in a short try."""

    context_tokens: int
    """Tokens of context, as in the speed points."""
    cache: CacheKind
    """"dynamic": grows by copying, transformers' default. "static": allocated beforehand for all
    steps to come (`StaticCache`). Chosen anew at each start; here the one of most."""
    cache_by_start: tuple[CacheKind, ...] = ()
    """The choice of each start; empty in files before schema version 4."""
    dynamic_ms: float | None
    """Best time of a decode step with the growing cache in the first start's try, ms; null when out
    of memory, and where a CUDA graph, whose entries are preallocated, was quicker."""
    static_ms: float | None
    """The same with the preallocated cache; null where the family does not support one, and where
    it did not fit."""
    converted_cache: CacheKind = "dynamic"
    """Which one the converted model's kept softmax layers decode with, chosen alike; "dynamic"
    where there are none, and in files before schema version 6, whose kept layers always grew."""


class EnergyPoint(Result):
    """Joules per 1,000 tokens at one context length."""

    context_tokens: int
    """Tokens of context."""
    original_prefill: float | None
    """Reading, the original; null where it did not fit, or the counter did not move."""
    original_decode: float | None
    """Generating, the original."""
    converted_prefill: float | None
    """Reading, the converted model."""
    converted_decode: float | None
    """Generating, the converted model."""


class Energy(Result):
    """What the device's own energy counter says; never estimated."""

    source: str
    """Which counter was read."""
    points: tuple[EnergyPoint, ...]
    """By context length."""
