"""The recall grid on the last step: both models side by side, by what was asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from app import recall_grid
from app.blocks import PairBlock, pair_block
from app.pages.reading import again
from app.text import t
from engine.evidence.results import Comparison


@dataclass(frozen=True)
class GridPanel:
    """Its components that events touch."""

    choice: gr.Dropdown
    grid: PairBlock

    def outputs(self) -> list[Any]:
        """What `values` fills, in order."""
        return [self.choice, *self.grid.outputs()]


def build(lang: str) -> GridPanel:
    """Lay the section out, empty."""
    choice = gr.Dropdown(
        [], label=t("grid.choose", lang), info=t("grid.choose_info", lang), filterable=False,
        elem_id="grid-choice", visible=False,
    )  # fmt: skip
    grid = pair_block(t("grid.title", lang), more=t("glossary.recall", lang))
    return GridPanel(choice, grid)


def values(panel: GridPanel, result: Comparison, lang: str) -> list[object]:
    """Values for `panel.outputs()`: what every comparison has, and a choice where there is one."""
    offered = recall_grid.choices(result, lang)
    first = offered[0][1] if offered else recall_grid.BY_DISTANCE
    choice = gr.update(choices=offered, value=first, visible=len(offered) > 1)
    return [choice, *_grid(panel, result, first, lang)]


def _grid(panel: GridPanel, result: Comparison, choice: str, lang: str) -> list[object]:
    return panel.grid.update(
        recall_grid.charts(result, choice, lang), recall_grid.reading(result, choice, lang),
        recall_grid.table(result, choice, lang),
    )  # fmt: skip


def show(panel: GridPanel, run_id: str, choice: str, lang: str) -> list[object]:
    """Values for `panel.grid.outputs()`, by another choice."""
    return again(
        run_id, lambda result: _grid(panel, result, choice, lang),
        len(panel.grid.outputs()), lang,
    )  # fmt: skip
