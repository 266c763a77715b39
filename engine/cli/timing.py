"""Timing besides the two speed tables: several inputs at once, and energy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.cli.words import counted, table, times
from engine.evidence.parts import SpeedPair
from engine.evidence.savings import speed_ratios

_HEAD = ("context", "original", "converted", "ratio")


def batches(found: Sequence[dict[str, Any]]) -> str:
    """Speed and memory of every further batch size."""
    parts = []
    for one in found:
        inputs = counted(one["batch_size"], "input")
        for phase in ("decode", "prefill"):
            title = f"{phase.capitalize()} speed, {inputs} at once, median tokens/s of all together"
            parts.append(f"{title}\n{table(_HEAD, _speeds(one['speed'][phase]))}")
        rows = []
        for a, b in zip(one["memory"]["original"], one["memory"]["converted"]):
            kept = (a["cache_bytes"], b["cache_bytes"])
            ratio = times(kept[1] / kept[0]) if all(kept) else None
            cells = ("out of memory" if x is None else f"{x:,}" for x in kept)
            rows.append((f"{a['context_tokens']:,}", *cells, ratio))
        parts.append(f"Cache memory, {inputs} at once, bytes\n{table(_HEAD, rows)}")
    return "\n\n".join(parts)


def _speeds(pair: dict[str, Any]) -> list[tuple[str | None, ...]]:
    ratios = dict(speed_ratios(SpeedPair.model_validate(pair)))
    rows = []
    for a, b in zip(pair["original"], pair["converted"]):
        ratio = ratios.get(a["context_tokens"])
        cells = (
            "out of memory" if x["out_of_memory"] else f"{x['tokens_per_s']:,.1f}" for x in (a, b)
        )
        shown = None if ratio is None else times(ratio)
        rows.append((f"{a['context_tokens']:,}", *cells, shown))
    return rows


def energy(speed: dict[str, Any]) -> str:
    """Joules per 1,000 tokens where the device counts them; nothing for older comparisons."""
    if not speed.get("baselines"):
        return ""
    found = speed.get("energy")
    if not found:
        return "Energy: not reported by this device."
    names = [f"{party}_{phase}" for phase in ("prefill", "decode")
             for party in ("original", "converted")]  # fmt: skip
    rows = [
        (f"{point['context_tokens']:,}",
         *(None if point[name] is None else f"{point[name]:,.2f}" for name in names))
        for point in found["points"]
    ]  # fmt: skip
    head = ("context", *(name.replace("_", ", ") for name in names))
    return f"Energy per 1,000 tokens, joules: {found['source']}\n{table(head, rows)}"
