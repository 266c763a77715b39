"""Heat maps as plotly figures: one scale, light to dark, of one hue.

The hue is neither model's, its lightness falls steadily, so that it can be told apart without
seeing colours and in a grey print; the number stands in its cell wherever there is room.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.charts import Figure, figure
from app.components import Party
from app.text import t
from app.theme import CONVERTED, ORIGINAL

SCALE = [
    [0.0, "#F5FAFA"], [0.25, "#C6DFDD"], [0.5, "#86BAB6"], [0.75, "#3F8582"], [1.0, "#0A4648"],
]  # fmt: skip
_MARKS: dict[Party, tuple[str, str]] = {
    "original": ("●", ORIGINAL), "converted": ("■", CONVERTED),
}  # fmt: skip
_ROOM_FOR_NUMBERS = 12
"""With more columns the numbers would not fit their cells; they stay on pointing and in tables."""
_MOST_TICKS = 8
_ROW_PX, _FEWEST_PX, _MOST_PX, _FRAME_PX = 34, 150, 640, 110


def heat(
    values: Sequence[Sequence[float | None]],
    said: Sequence[Sequence[str]],
    *,
    columns: Sequence[str],
    rows: Sequence[str],
    x_title: str,
    y_title: str,
    top: float,
    unit: str,
    ticks: Sequence[str] = (),
) -> Figure:
    """A heat map, its first row at the top.

    Args:
        values: what is coloured, a row of cells for each of `rows`; None leaves a gap.
        said: the same in words.
        columns, rows: the names of both.
        x_title, y_title: what the axes count.
        top: the value of the darkest colour; the lightest is 0.
        unit: what the colours count.
        ticks: the columns' names as short as a phone needs them; their names where none are given.
    """
    trace: dict[str, Any] = {
        "type": "heatmap", "z": [list(row) for row in values], "x": list(columns), "y": list(rows),
        "text": [list(row) for row in said], "zmin": 0, "zmax": top or 1.0, "colorscale": SCALE,
        "xgap": 2, "ygap": 2, "hoverongaps": False,
        "hovertemplate": f"{y_title} %{{y}}<br>{x_title} %{{x}}<br>%{{text}}<extra></extra>",
        "colorbar": {"thickness": 10, "outlinewidth": 0, "ticksuffix": f" {unit}"},
    }  # fmt: skip
    if len(columns) <= _ROOM_FOR_NUMBERS:  # and no scale needs to say what the numbers say
        trace |= {"texttemplate": "%{text}", "textfont": {"size": 11.5}, "showscale": False}
    else:  # on a phone gaps would take all the room
        trace |= {"xgap": 0.5, "ygap": 1}
    made = figure(
        [trace], x_title, y_title,
        xaxis={"type": "category", "showgrid": False, "tickfont": {"size": 11.5},
               **_few(ticks or columns)},
        yaxis={"type": "category", "showgrid": False, "autorange": "reversed"},
    )  # fmt: skip
    height = min(_MOST_PX, max(_FEWEST_PX, _ROW_PX * len(rows))) + _FRAME_PX
    made["layout"] |= {"height": height, "hovermode": "closest"}
    return made


def _few(names: Sequence[str]) -> dict[str, Any]:
    """Ticks that have room beside one another: each, or every so many."""
    every = 1 if len(names) <= _ROOM_FOR_NUMBERS else -(-len(names) // _MOST_TICKS)
    places = range(0, len(names), every)
    return {"tickvals": list(places), "ticktext": [names[place] for place in places]}


def note_row(made: Figure, row: str, text: str) -> None:
    """Write `text` across a row that has no values."""
    made["layout"].setdefault("annotations", []).append({
        "xref": "paper", "x": 0.5, "yref": "y", "y": row, "text": text, "showarrow": False,
        "font": {"size": 12},
    })  # fmt: skip


def of_party(made: Figure, party: Party, lang: str) -> Figure:
    """The same figure under the name and the mark of its model."""
    mark, colour = _MARKS[party]
    title = f"{mark} {t(f'party.{party}', lang)}"
    made["layout"]["title"] = {
        "text": title, "font": {"size": 14, "color": colour}, "x": 0, "xanchor": "left",
        "y": 0.99, "yanchor": "top",
    }  # fmt: skip
    made["layout"]["margin"] = {**made["layout"]["margin"], "t": 34}
    return made
