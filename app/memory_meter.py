"""Memory in use by a run's worker, as a gauge and in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app import components as ui
from app import gauges
from app.numbers import percent, size
from app.text import t


def now(found: Mapping[str, Any], lang: str) -> str:
    """The last reading against what the device has, as HTML; empty before the first reading.

    Args:
        found: `values` of the newest event of kind "memory", with the run's highest reading.
        lang: of the page.
    """
    if not found:
        return ""
    used, peak, total = (found[f"{name}_bytes"] for name in ("used", "peak", "total"))
    parts = [
        t("live.memory.used", lang, used=size(used), total=size(total),
          share=percent(used / total, 1 if used < total / 10 else 0, lang)),
        t("live.memory.peak", lang, peak=size(peak)),
    ]  # fmt: skip
    if found["device"] == "cuda":
        parts.append(t("live.memory.card", lang, reserved=size(found["reserved_bytes"]),
                       card=size(found["card_used_bytes"])))  # fmt: skip
    name = t(f"live.memory.{found['device']}", lang)
    return gauges.meter(used / total, peak / total, name, parts)


def highest(found: Mapping[str, Any], lang: str) -> str:
    """What a run that has ended used at most, as HTML; empty where it was not read."""
    if not found:
        return ""
    told = t("live.memory.highest", lang, peak=size(found["peak_bytes"]),
             total=size(found["total_bytes"]),
             what=t(f"live.memory.{found['device']}", lang))  # fmt: skip
    return ui.inline([told])
