"""What is drawn over a chart at its own height, whatever the scale: where memory ran out, where the
models change places, and what the bands mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.charts import LOOK, Figure
from app.components import Party
from app.numbers import count
from app.text import t

_GREY = "#6B7280"


def over(made: Figure, traces: Sequence[dict[str, Any]]) -> Figure:
    """The figure with traces whose y is a share (0-1) of its height."""
    if traces:
        made["data"] += [{**trace, "yaxis": "y2", "hoverinfo": "skip"} for trace in traces]
        made["layout"]["yaxis2"] = {
            "overlaying": "y", "side": "right", "range": [0, 1], "visible": False,
            "fixedrange": True,
        }  # fmt: skip
    return made


def ran_out(party: Party, lengths: Sequence[int], lang: str, *, top: bool) -> list[dict[str, Any]]:
    """Crosses at the lengths at which a model's memory ran out.

    Args:
        party: whose.
        lengths: in tokens.
        lang: of the page.
        top: at the head of the chart, for what would be too much; else at its foot.
    """
    if not lengths:
        return []
    height = 0.05 if party == "original" else 0.14  # both can be missing at one length
    return [{
        "type": "scatter", "mode": "markers", "x": list(lengths),
        "y": [1 - height if top else height] * len(lengths),
        "name": t("chart.ran_out", lang, party=t(f"party.{party}", lang)),
        "marker": {"color": LOOK[party]["color"], "size": 13, "line": {"width": 3},
                   "symbol": "x-thin-open" if party == "original" else "cross-thin-open"},
    }]  # fmt: skip


def crossing(tokens: int | None, lang: str) -> list[dict[str, Any]]:
    """An upright line where the converted model changes from worse to better, with its number."""
    if tokens is None:
        return []
    name = t("chart.crossing", lang, tokens=count(tokens))
    return [{
        "type": "scatter", "mode": "lines", "x": [tokens, tokens], "y": [0, 1], "name": name,
        "line": {"color": _GREY, "dash": "dot", "width": 1.5},
    }]  # fmt: skip


def spread(lang: str) -> dict[str, Any]:
    """What the bands mean, for the legend only."""
    return {
        "type": "scatter", "mode": "markers", "x": [None], "y": [None], "hoverinfo": "skip",
        "name": t("chart.spread", lang),
        "marker": {"symbol": "square", "size": 12, "color": "rgba(107,114,128,0.3)"},
    }  # fmt: skip
