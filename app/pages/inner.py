"""Inside the attention, on the last step: how far each head is from what it replaced, what the
state does, and where both models look in a passage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from app import components as ui
from app import fidelity, maps, state_table
from app.blocks import ChartBlock, PairBlock, block, chart_block, pair_block
from app.pages.reading import again
from app.text import t
from engine.evidence.fidelity_parts import AttentionMaps
from engine.evidence.results import Comparison


@dataclass(frozen=True)
class InnerPanel:
    """Its components that events touch."""

    column: gr.Column
    measure: gr.Radio
    heads: ChartBlock
    state: gr.HTML
    passage: gr.HTML
    head: gr.Dropdown
    pair: PairBlock
    token: gr.Dropdown
    drawn: ChartBlock

    def outputs(self) -> list[Any]:
        """What `values` fills, in order."""
        return [
            self.column, self.measure, *self.heads.outputs(), self.state, self.passage,
            self.head, *self.pair.outputs(), self.token, *self.drawn.outputs(),
        ]  # fmt: skip


def build(lang: str) -> InnerPanel:
    """Lay the section out, empty."""
    with gr.Column(visible=False) as column:
        block(ui.section(t("fidelity.title", lang), t("fidelity.text", lang)))
        measure = gr.Radio(
            [(t(f"fidelity.measure.{name}", lang), name) for name in fidelity.MEASURES],
            value=fidelity.MEASURES[0], label=t("fidelity.choose", lang), elem_id="measure",
        )  # fmt: skip
        heads = chart_block(t("fidelity.map", lang), more=t("glossary.heads", lang))
        with gr.Column(elem_classes="ts-panel"):
            state = block(elem_id="state-of")
        with gr.Accordion(
            t("maps.title", lang), open=False, elem_classes="ts-fold", elem_id="maps"
        ):
            passage = block()
            head = gr.Dropdown([], label=t("maps.choose_head", lang), filterable=False)
            pair = pair_block(t("maps.pair", lang), more=t("glossary.maps", lang))
            token = gr.Dropdown([], label=t("maps.choose_token", lang), filterable=False)
            drawn = chart_block(t("maps.attribution", lang), more=t("glossary.attribution", lang))
    return InnerPanel(column, measure, heads, state, passage, head, pair, token, drawn)


def values(panel: InnerPanel, result: Comparison, lang: str) -> list[object]:
    """Values for `panel.outputs()`; nothing is shown of a comparison without readings."""
    found = result.fidelity
    if found is None or not found.heads:
        return [gr.update(visible=False), *[gr.skip()] * (len(panel.outputs()) - 1)]
    first = fidelity.MEASURES[0]
    return [
        gr.update(visible=True), first, *_heads(panel, result, first, lang),
        state_table.section(found, lang), *_maps(panel, found.maps, lang),
    ]  # fmt: skip


def _heads(panel: InnerPanel, result: Comparison, measure: str, lang: str) -> list[object]:
    return panel.heads.update(
        fidelity.chart(result, measure, lang), fidelity.reading(result, measure, lang),
        fidelity.table(result, lang),
    )  # fmt: skip


def _maps(panel: InnerPanel, found: AttentionMaps | None, lang: str) -> list[object]:
    """The worst head, and the last token of the passage."""
    if found is None:
        hidden = gr.update(visible=False)
        return [
            ui.reading(t("maps.unmeasured", lang)), hidden, *panel.pair.update(None, "", ""),
            hidden, *panel.drawn.update(None, "", ""),
        ]  # fmt: skip
    tokens = maps.token_choices(found, lang)
    last = tokens[-1][1]
    quoted = ui.documents(["".join(found.tokens)]) if found.tokens else ""
    said = t("maps.passage", lang, document=str(found.document), start=str(found.from_token),
             n=str(len(tokens)))  # fmt: skip
    return [
        ui.reading(said) + quoted,
        gr.update(choices=maps.head_choices(found, lang), value="0", visible=True),
        *_pair(panel, found, 0, lang),
        gr.update(choices=tokens, value=last, visible=True),
        *_drawn(panel, found, int(last), lang),
    ]


def _pair(panel: InnerPanel, found: AttentionMaps, head: int, lang: str) -> list[object]:
    one = found.heads[head]
    return panel.pair.update(
        maps.head_figures(found, one, lang), maps.head_reading(one, lang),
        maps.head_table(found, one, lang),
    )  # fmt: skip


def _drawn(panel: InnerPanel, found: AttentionMaps, token: int, lang: str) -> list[object]:
    return panel.drawn.update(
        maps.attribution(found, token, lang), maps.attribution_reading(found, token, lang),
        maps.attribution_table(found, token, lang),
    )  # fmt: skip


def show_measure(panel: InnerPanel, run_id: str, measure: str, lang: str) -> list[object]:
    """Values for `panel.heads.outputs()`, by another measure."""
    return again(
        run_id, lambda result: _heads(panel, result, measure, lang),
        len(panel.heads.outputs()), lang,
    )  # fmt: skip


def show_head(panel: InnerPanel, run_id: str, choice: str, lang: str) -> list[object]:
    """Values for `panel.pair.outputs()`, of another head."""

    def make(result: Comparison) -> list[object]:
        found = result.fidelity.maps if result.fidelity else None
        if found is None:
            return panel.pair.update(None, "", "")
        return _pair(panel, found, min(int(choice), len(found.heads) - 1), lang)

    return again(run_id, make, len(panel.pair.outputs()), lang)


def show_token(panel: InnerPanel, run_id: str, choice: str, lang: str) -> list[object]:
    """Values for `panel.drawn.outputs()`, of another token."""

    def make(result: Comparison) -> list[object]:
        found = result.fidelity.maps if result.fidelity else None
        if found is None:
            return panel.drawn.update(None, "", "")
        return _drawn(panel, found, min(int(choice), len(found.mean_original.first) - 1), lang)

    return again(run_id, make, len(panel.drawn.outputs()), lang)
