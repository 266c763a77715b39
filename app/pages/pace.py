"""Speed or waiting time by the length of the input, on the last step: one choice, two charts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from app import by_context, speed_reading, tables, timing
from app.blocks import ChartBlock, chart_block
from app.by_context import VIEWS, Phase, View
from app.pages.reading import again
from app.text import t
from engine.evidence.results import Comparison


@dataclass(frozen=True)
class PacePanel:
    """Its components that events touch."""

    view: gr.Radio
    decode: ChartBlock
    prefill: ChartBlock

    def charts(self) -> list[Any]:
        """What another choice changes, in order."""
        return [*self.decode.outputs(), *self.prefill.outputs()]

    def outputs(self) -> list[Any]:
        """What `values` fills, in order."""
        return [self.view, *self.charts()]


def build(lang: str) -> PacePanel:
    """Lay the section out, empty."""
    view = gr.Radio(
        [(t(f"chart.views.{name}", lang), name) for name in VIEWS], value=VIEWS[0],
        label=t("chart.view", lang), elem_id="pace-view",
    )  # fmt: skip
    with gr.Row(elem_classes="ts-charts"):
        decode = chart_block(t("chart.decode", lang), more=t("glossary.decode", lang))
        prefill = chart_block(t("chart.prefill", lang), more=t("glossary.prefill", lang))
    return PacePanel(view, decode, prefill)


def values(panel: PacePanel, result: Comparison, lang: str) -> list[object]:
    """Values for `panel.outputs()`."""
    return [gr.update(value=VIEWS[0], visible=True), *_charts(panel, result, VIEWS[0], lang)]


def _charts(panel: PacePanel, result: Comparison, view: View, lang: str) -> list[object]:
    def drawn(block: ChartBlock, phase: Phase, more: str = "") -> list[object]:
        return block.update(
            by_context.speed(result, phase, view, lang),
            speed_reading.timing(result, phase, view, lang),
            tables.speed(result, phase, view, lang) + more,
        )

    return [
        *drawn(panel.decode, "decode"),
        *drawn(panel.prefill, "prefill", timing.section(result, lang)),
    ]


def show(panel: PacePanel, run_id: str, view: View, lang: str) -> list[object]:
    """Values for `panel.charts()`, by another choice."""
    return again(
        run_id, lambda result: _charts(panel, result, view, lang), len(panel.charts()), lang
    )
