"""What a timing says of itself: how it was made, and what was wrong with it."""

from __future__ import annotations

from collections.abc import Sequence

from engine.evidence.parts import SpeedPair
from engine.evidence.savings import WANTED_REPEATS, few_repeats
from engine.evidence.timing_parts import Baseline

_BUSY = 0.1
"""Other work above this share of the machine is mentioned."""
METHOD = (
    "Batch size {batch}, random token ids, models interleaved{where}; decode starts from a prefill"
    " of context_tokens and goes on in one cache, up to {added} tokens further at its last timed"
    " step."
)


def strongest(baselines: Sequence[Baseline]) -> str:
    """With which cache the original decodes where, so that the ratio is against the quicker one."""
    if all(one.static_ms is None for one in baselines):
        return (
            " The original decodes with its growing cache; a preallocated one is not supported or"
            " did not fit." + _of_converted(baselines)
        )
    static = [f"{one.context_tokens:,}" for one in baselines if one.cache == "static"]
    where = f"with the preallocated one at {', '.join(static)} tokens" if static else (
        "with the growing one everywhere")  # fmt: skip
    return (
        " Of a growing and a preallocated cache the original decodes with the one that was quicker"
        f" in a short try at that length: {where}." + _of_converted(baselines)
    )


def _of_converted(baselines: Sequence[Baseline]) -> str:
    """The same of the converted model's kept layers, where they are preallocated anywhere."""
    static = [f"{x.context_tokens:,}" for x in baselines if x.converted_cache == "static"]
    if not static:
        return ""
    return (
        " The softmax layers of the converted model decode with the preallocated one, quicker in"
        f" their try, at {', '.join(static)} tokens."
    )


def ways(lengths: Sequence[int], found: Sequence[tuple[str, str]]) -> str:
    """How the decode steps ran: alike for both models and all lengths, or of each model where.

    Args:
        lengths: in tokens.
        found: of original and converted model at each length, in words; empty where memory ran out.
    """
    different = {way for pair in found for way in pair} - {""}
    if len(different) <= 1:
        return f" Decode steps ran {different.pop()}." if different else ""

    def of(side: int) -> str:
        where: dict[str, list[str]] = {}
        for length, pair in zip(lengths, found, strict=True):
            if pair[side]:
                where.setdefault(pair[side], []).append(f"{length:,}")
        return ", ".join(f"{way} at {' and '.join(at)}" for way, at in where.items())

    return f" Decode steps ran, original: {of(0)}; converted: {of(1)}."


def few(pair: SpeedPair, repeats: int) -> str:
    """Lengths at which there was no time for all repeats."""
    cut = [f"{tokens:,} ({timed})" for tokens, timed in few_repeats(pair, repeats)]
    if cut:
        return f" To save time repeats were cut from {repeats} at lengths {', '.join(cut)}."
    return "" if repeats >= WANTED_REPEATS else f" Only {repeats} repeats were asked for."


def busy(what: str, load: float | None) -> str:
    """That others were at work, if they were, or that nobody knows; `load` is their share (0-1)."""
    if load is None:
        return f" Whether the {what} was idle is not known: its load is not reported here."
    if load < _BUSY:
        return ""
    return f" The {what} was not idle: other work took up to {100 * load:.0f} % of it."
