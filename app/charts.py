"""Engine results to plotly figures: pure functions of a `Comparison` or of a run's events.

A figure is plotly's own JSON as a dict: {"data", "layout", "config"}. The browser draws it with
the plotly.js that Gradio serves, so the server needs no plotly and starts a second sooner.
One visual language: original blue, solid, circle; converted vermilion, dashed, square;
control grey, dotted, diamond. All of it reads in grey print as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.lengths import token_axis
from app.text import t
from app.theme import CONTROL, CONVERTED, ORIGINAL, UNTRAINED
from engine.evidence.results import Comparison

Figure = dict[str, Any]

LOOK: dict[str, dict[str, str]] = {
    "original": {"color": ORIGINAL, "dash": "solid", "symbol": "circle"},
    "converted": {"color": CONVERTED, "dash": "dash", "symbol": "square"},
    "control": {"color": CONTROL, "dash": "dot", "symbol": "diamond"},
    "swapped_untrained": {"color": UNTRAINED, "dash": "dashdot", "symbol": "x"},
}
_LARGEST, _USUAL = 11, 7
"""Of the markers, in px: the original's, drawn first, show around others at the same place."""
_WIDE, _NARROW = 3.2, 2.2
"""Of the lines, in px, for the same reason: a grey print has no hue to tell them by."""
_RIM = {"color": "#FFFFFF", "width": 1}
"""Around every other marker, where it lies on the original's."""
_AXIS = {
    "gridcolor": "#E5EAF1",
    "linecolor": "#9AA5B5",
    "automargin": True,
    "tickangle": 0,
    "zeroline": False,
}


def figure(traces: list[dict[str, Any]], x_title: str, y_title: str, **axes: Any) -> Figure:
    """Wrap traces in the house layout; `axes` updates "xaxis" and "yaxis"."""
    return {
        "data": traces,
        "layout": {
            "height": 320,
            "margin": {"l": 8, "r": 12, "t": 8, "b": 8},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "font": {
                "family": "IBM Plex Sans, Noto Sans JP, sans-serif",
                "size": 13,
                "color": "#374151",
            },
            "hovermode": "x unified",
            "dragmode": False,
            "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
            "xaxis": {"title": _title(x_title), **_AXIS, **axes.get("xaxis", {})},
            "yaxis": {
                "title": _title(y_title),
                "rangemode": "tozero",
                **_AXIS,
                **axes.get("yaxis", {}),
            },
        },
        "config": {"displayModeBar": False, "displaylogo": False, "scrollZoom": False},
    }


def _title(text: str) -> dict[str, Any]:
    """An axis's title; with a distance of its own, plotly keeps it clear of the tick labels."""
    return {"text": text, "font": {"size": 12.5}, "standoff": 8}


def line(
    party: str,
    x: Sequence[float],
    y: Sequence[float | None],
    lang: str,
    *,
    unit: str = "",
    markers: bool = True,
    name: str | None = None,
) -> dict[str, Any]:
    """One party's line, in its colour, dash and marker. None in `y` leaves a gap."""
    look, first = LOOK[party], party == "original"
    return {
        "type": "scatter",
        "mode": "lines+markers" if markers else "lines",
        "name": name or t(f"party.{party}", lang),
        "x": list(x),
        "y": list(y),
        "line": {"color": look["color"], "dash": look["dash"],
                 "width": _WIDE if first else _NARROW},
        "marker": {"color": look["color"], "symbol": look["symbol"],
                   "size": _LARGEST if first else _USUAL, **({} if first else {"line": _RIM})},
        "hovertemplate": "%{y:,.4~g}" + (f" {unit}" if unit else ""),
    }


def band(party: str, x: list[int], low: list[float], high: list[float]) -> dict[str, Any]:
    """A range around a line, with edges of the same dash."""
    red, green, blue = (int(LOOK[party]["color"][i : i + 2], 16) for i in (1, 3, 5))
    edge = {"width": 1, "dash": LOOK[party]["dash"], "color": f"rgba({red},{green},{blue},0.5)"}
    return {
        "type": "scatter", "mode": "lines", "x": [*x, *reversed(x)], "y": [*high, *reversed(low)],
        "fill": "toself", "fillcolor": f"rgba({red},{green},{blue},0.15)", "line": edge,
        "hoverinfo": "skip", "showlegend": False,
    }  # fmt: skip


def perplexity_by_position(comparison: Comparison, lang: str) -> Figure:
    """Perplexity of held-out tokens by how much context they had; lower is better."""
    quality = comparison.quality
    traces = []
    for party in ("original", "control", "converted"):
        scores = getattr(quality, party)
        if scores is None:
            continue
        bins = scores.perplexity_by_position
        traces.append(line(party, [b.to_token for b in bins], [b.perplexity for b in bins], lang))
    ends = [b.to_token for b in quality.original.perplexity_by_position]
    return figure(
        traces, t("axis.position", lang), t("axis.perplexity", lang),
        xaxis=token_axis(ends), yaxis={"rangemode": "normal"},
    )  # fmt: skip


def recall_by_distance(comparison: Comparison, lang: str) -> Figure:
    """Share of recall questions answered right by the distance to the fact, in percent."""
    traces = []
    distances: list[int] = []
    for party in ("original", "control", "converted"):
        scores = getattr(comparison.recall, party)
        if scores is None:
            continue
        points = scores.by_distance
        distances = [p.distance_tokens for p in points]
        traces.append(
            line(party, [p.distance_tokens for p in points], [p.accuracy * 100 for p in points],
                 lang, unit="%")
        )  # fmt: skip
    return figure(
        traces, t("axis.distance", lang), t("axis.recall", lang),
        xaxis=token_axis(distances), yaxis={"range": [-3, 104]},
    )  # fmt: skip


def thinned(points: list[tuple[float, float]], most: int = 300) -> list[tuple[float, float]]:
    """At most `most` points, evenly chosen, always with the last one."""
    if len(points) <= most:
        return points
    stride = len(points) / most
    return [points[int(i * stride)] for i in range(most - 1)] + [points[-1]]


def transfer_curve(points: list[tuple[float, float]], lang: str) -> Figure:
    """Stage 1: relative error of the mixers' outputs by step; 1 is a constant output's."""
    points = thinned(points)
    trace = line("converted", [p[0] for p in points], [p[1] for p in points], lang, markers=False,
                 name=t("live.transfer_loss", lang))  # fmt: skip
    return figure([trace], t("axis.step", lang), t("axis.transfer_loss", lang))


def loss_curve(series: dict[str, list[tuple[float, float]]], lang: str) -> Figure:
    """Stage 2: loss by step against the original's level.

    Keys: train, validation, control, teacher. `teacher` is a level, not a curve: its last
    reading is drawn across the chart.
    """
    traces: list[dict[str, Any]] = []
    if train := thinned(series.get("train", [])):
        trace = line("converted", [p[0] for p in train], [p[1] for p in train], lang, markers=False,
                     name=t("live.train_loss", lang))  # fmt: skip
        # The objective mixes two losses, so it is no reading of the same quantity: its own axis.
        trace["line"]["width"] = 1.2
        traces.append(trace | {"yaxis": "y2", "opacity": 0.45})
    for key, party in (("validation", "converted"), ("control", "control")):
        if points := series.get(key):
            traces.append(
                line(party, [p[0] for p in points], [p[1] for p in points], lang,
                     name=t(f"live.{key}_loss", lang))
            )  # fmt: skip
    steps = [x for points in series.values() for x, _ in points]
    if (teacher := series.get("teacher")) and steps:
        level = teacher[-1][1]
        traces.append(
            line("original", [0, max(steps)], [level, level], lang, markers=False,
                 name=t("live.teacher_loss", lang))
        )  # fmt: skip
    made = figure(traces, t("axis.step", lang), t("axis.loss", lang), yaxis={"rangemode": "normal"})
    if train:
        right = {"overlaying": "y", "side": "right", "showgrid": False}
        made["layout"]["yaxis2"] = {
            "title": _title(t("axis.objective", lang)), **_AXIS, **right,
        }  # fmt: skip
    return made
