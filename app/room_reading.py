"""The longest context that fits into the device, in plain words."""

from __future__ import annotations

from app.by_context import BOTH, part_measured
from app.numbers import count, size
from app.text import sentences, t
from engine.evidence import capacity
from engine.evidence.capacity import Fit, Part
from engine.evidence.results import Comparison


def room(comparison: Comparison, lang: str) -> str:
    """By the peak of reading, where it was measured, and by what is kept; empty where the device's
    memory is not known."""
    here = capacity.device_memory(comparison.environment)
    if here is None:
        return ""
    parts: tuple[Part, ...] = ("peak", "kept") if part_measured(comparison) == "peak" else ("kept",)
    said, drawn = [], False
    for part in parts:
        fits = {party: capacity.fit(comparison.memory, party, part, here) for party in BOTH}
        drawn |= any(one.ran_out_at is None and one.longest is not None for one in fits.values())
        words = {party: _words(one, lang) for party, one in fits.items()}
        said.append(t(f"reading.room.{part}", lang, size=size(here), **words))
    if drawn:
        said.append(t("reading.room.drawn", lang))
    if drawn and comparison.memory.original_weights_bytes is None:
        said.append(t("reading.room.no_weights", lang))
    return sentences(lang, said)


def _words(found: Fit, lang: str) -> str:
    if found.ran_out_at is not None:
        gone = count(found.ran_out_at)
        if found.longest is None:
            return t("reading.room.none", lang, m=gone)
        return t("reading.room.between", lang, n=count(found.longest), m=gone)
    if found.longest is None:
        return t("reading.room.endless", lang)
    return t("reading.room.about", lang, n=count(found.longest))


def ran_out(comparison: Comparison, lang: str) -> str:
    """Who ran out of memory at which lengths; empty where nobody did."""
    said = []
    for party in BOTH:
        gone = [p.context_tokens for p in getattr(comparison.memory, party)
                if p.cache_bytes is None]  # fmt: skip
        if gone:
            lengths = t("reading.list.join", lang).join(map(count, gone))
            said.append(t("reading.ran_out", lang, party=t(f"party.{party}", lang),
                          lengths=lengths))  # fmt: skip
    return sentences(lang, said)
