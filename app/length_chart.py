"""The lengths of the documents as a chart and as a table."""

from __future__ import annotations

from collections.abc import Sequence

from app import tables
from app.charts import Figure, figure
from app.numbers import count
from app.text import t
from app.theme import CONTROL
from engine.data.lengths import histogram

CONTEXT = "#B45309"
"""The line at the trained context: readable on light and on dark ground."""
_MOST_TICKS = 5


def length_figure(
    lengths: Sequence[int], context_tokens: int | None, lang: str, *, model: str = ""
) -> Figure:
    """Documents by length in bars, and a line at the model's trained context.

    Args:
        lengths: of all documents.
        context_tokens: None where the lengths are characters.
        lang: of the page.
        model: whose context it is.
    """
    unit = "characters" if context_tokens is None else "tokens"
    bins = histogram(lengths, context_tokens)
    bars = {
        "type": "bar", "x": list(range(len(bins))), "y": [one.documents for one in bins],
        "marker": {"color": CONTROL}, "width": 0.92, "name": t("axis.documents", lang),
        "customdata": [f"{count(one.start)}–{count(one.end - 1)}" for one in bins],
        "hovertemplate": "%{customdata}: %{y:,}<extra></extra>",
    }  # fmt: skip
    every = -(-len(bins) // _MOST_TICKS)
    edges = [*(one.start for one in bins), bins[-1].end]
    ticks = range(0, len(edges), every)
    made = figure(
        [bars], t(f"axis.length_{unit}", lang), t("axis.documents", lang),
        xaxis={
            "tickvals": [tick - 0.5 for tick in ticks],
            "ticktext": [count(edges[tick]) for tick in ticks],
            "range": [-0.7, len(bins) - 0.3],
        },
        yaxis={"tickformat": ","},
    )  # fmt: skip
    made["layout"] |= {"hovermode": "closest", "showlegend": False}
    if context_tokens is not None and (at := _place(edges, context_tokens)) is not None:
        end = at > len(bins) / 2
        made["layout"]["shapes"] = [
            {"type": "line", "x0": at, "x1": at, "y0": 0, "y1": 1, "yref": "paper",
             "line": {"color": CONTEXT, "dash": "dash", "width": 2}}
        ]  # fmt: skip
        made["layout"]["margin"] = {**made["layout"]["margin"], "t": 28}  # above all bars
        made["layout"]["annotations"] = [
            {"x": at, "y": 1, "yref": "paper", "text": t("data.context", lang, model=model),
             "showarrow": False, "xanchor": "right" if end else "left", "yanchor": "bottom",
             "font": {"color": CONTEXT, "size": 13}}
        ]  # fmt: skip
    return made


def table(lengths: Sequence[int], context_tokens: int | None, lang: str) -> str:
    """The bars in numbers, behind a line that opens them."""
    unit = "characters" if context_tokens is None else "tokens"
    rows = [
        [f"{count(one.start)}–{count(one.end - 1)}", count(one.documents)]
        for one in histogram(lengths, context_tokens)
    ]
    columns = [t(f"axis.length_{unit}", lang), t("axis.documents", lang)]
    return tables.numbers(columns, rows, t("data.lengths", lang), lang)


def _place(edges: Sequence[int], value: int) -> float | None:
    """Where a value lies on the axis of bars; None where it is beyond them."""
    for number, (start, end) in enumerate(zip(edges, edges[1:])):
        if start <= value <= end:
            return number - 0.5 + (value - start) / (end - start)
    return None
