"""Groups of Gradio components that several pages use."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components.plot import PlotData

from app import components as ui
from app.charts import Figure

SILENT: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
"""How most clicks are answered: at once, without a sign of waiting, for the pages alone."""


def block(value: str = "", *, elem_id: str | None = None) -> gr.HTML:
    """A place for HTML made by `app.components`, flush with its neighbours."""
    return gr.HTML(value, padding=False, elem_id=elem_id)


def chart_value(figure: Figure) -> PlotData:
    """A figure as `gr.Plot` sends it to the browser."""
    return PlotData(type="plotly", plot=json.dumps(figure))


@dataclass(frozen=True)
class ChartBlock:
    """A chart with its heading above, its reading and its numbers below."""

    column: gr.Column
    plot: gr.Plot
    below: gr.HTML

    def outputs(self) -> list[gr.Column | gr.Plot | gr.HTML]:
        """What `update` fills, in order."""
        return [self.column, self.plot, self.below]

    def update(self, figure: Figure | None, sentence: str, table: str) -> list[object]:
        """Values for `outputs()`; no figure hides the whole block."""
        return chart_values(figure, sentence, table)


def chart_values(figure: Figure | None, sentence: str = "", table: str = "") -> list[object]:
    """Values for the outputs of a `ChartBlock`, wherever it lies."""
    if figure is None:
        return [gr.update(visible=False), None, ""]
    below = (ui.reading(sentence) if sentence else "") + table
    return [gr.update(visible=True), chart_value(figure), below]


def chart_block(
    title: str, text: str = "", more: str = "", *, visible: bool = True,
    elem_id: str | None = None,
) -> ChartBlock:  # fmt: skip
    """Lay out an empty chart block."""
    with gr.Column(elem_classes="ts-chart", visible=visible, elem_id=elem_id) as column:
        block(ui.section(title, text, level=3, more=more))
        plot = gr.Plot(show_label=False, elem_classes="ts-figure")
        below = block()
    return ChartBlock(column, plot, below)


@dataclass(frozen=True)
class PairBlock:
    """Two charts side by side, one below the other on a phone."""

    column: gr.Column
    left: gr.Plot
    right: gr.Plot
    below: gr.HTML

    def outputs(self) -> list[gr.Column | gr.Plot | gr.HTML]:
        """What `update` fills, in order."""
        return [self.column, self.left, self.right, self.below]

    def update(
        self, figures: tuple[Figure, Figure] | None, sentence: str, table: str
    ) -> list[object]:
        """Values for `outputs()`; no figures hide the whole block."""
        if figures is None:
            return [gr.update(visible=False), None, None, ""]
        drawn = [chart_value(figure) for figure in figures]
        return [gr.update(visible=True), *drawn, ui.reading(sentence) + table]


def pair_block(
    title: str, text: str = "", more: str = "", *, elem_id: str | None = None
) -> PairBlock:
    """Lay out an empty pair of charts."""
    with gr.Column(elem_classes="ts-chart", elem_id=elem_id) as column:
        block(ui.section(title, text, level=3, more=more))
        with gr.Row(elem_classes="ts-pair"):
            both = [gr.Plot(show_label=False, elem_classes="ts-figure") for _ in range(2)]
        below = block()
    return PairBlock(column, both[0], both[1], below)
