"""What is drawn over a chart at its own height, whatever the scale: where memory ran out, where the
models change places, and what the bands mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.charts import LOOK, Figure
from app.components import Party
from app.numbers import count
from app.text import t

Trace = dict[str, Any]

_GREY = "#6B7280"
_STRIP = 0.84
"""Where the strip begins, as a share of the chart's height."""
_UNSEEN = {"range": [0, 1], "visible": False, "fixedrange": True}


def over(made: Figure, crossings: Sequence[Trace], crosses: Sequence[Trace]) -> Figure:
    """The figure with upright lines over it and, in a strip of its own above, what did not run:
    there no scale can make a missing reading look like one."""
    layout = made["layout"]
    if crossings:
        made["data"] += [{**trace, "yaxis": "y2", "hoverinfo": "skip"} for trace in crossings]
        layout["yaxis2"] = {**_UNSEEN, "overlaying": "y", "side": "right"}
    if crosses:
        made["data"] += [{**trace, "yaxis": "y3", "hoverinfo": "skip"} for trace in crosses]
        layout["yaxis"]["domain"] = [0, _STRIP]
        layout["yaxis3"] = {**_UNSEEN, "domain": [_STRIP, 1], "anchor": "x"}
    named = [one for one in made["data"] if one.get("name") and one.get("showlegend", True)]
    # On a phone every name has a line of its own.
    layout["height"] += 18 * max(0, len(named) - 3)
    return made


def ran_out(party: Party, lengths: Sequence[int], lang: str) -> list[Trace]:
    """Crosses at the lengths in tokens at which a model's memory ran out."""
    if not lengths:
        return []
    return [{
        "type": "scatter", "mode": "markers", "x": list(lengths),
        "y": [0.7 if party == "original" else 0.3] * len(lengths),  # both may have run out
        "name": t("chart.ran_out", lang, party=t(f"party.{party}", lang)),
        "marker": {"color": LOOK[party]["color"], "size": 12, "line": {"width": 3},
                   "symbol": "x-thin-open" if party == "original" else "cross-thin-open"},
    }]  # fmt: skip


def crossing(tokens: int | None, lang: str) -> list[Trace]:
    """An upright line where the converted model changes from worse to better, with its number."""
    if tokens is None:
        return []
    name = t("chart.crossing", lang, tokens=count(tokens))
    return [{
        "type": "scatter", "mode": "lines", "x": [tokens, tokens], "y": [0, 1], "name": name,
        "line": {"color": _GREY, "dash": "dot", "width": 1.5},
    }]  # fmt: skip


def spread(lang: str) -> Trace:
    """What the bands mean, for the legend only."""
    return {
        "type": "scatter", "mode": "markers", "x": [None], "y": [None], "hoverinfo": "skip",
        "name": t("chart.spread", lang),
        "marker": {"symbol": "square", "size": 12, "color": "rgba(107,114,128,0.3)"},
    }  # fmt: skip
