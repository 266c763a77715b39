"""The first view: what this is, what the sample run found, and the runs made so far."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from app import by_context, kpis, readings, summary, tables, verdict
from app import components as ui
from app.blocks import block, chart_value
from app.pages import history
from app.pages.history import HistoryPanel
from app.pages.sample import Sample
from app.text import sentences, t


@dataclass(frozen=True)
class LandingPage:
    """Its components that events touch."""

    column: gr.Column
    see_sample: gr.Button
    start: gr.Button
    own: gr.Button
    tour: gr.Button
    history: HistoryPanel


def build(lang: str, sample: Sample | None) -> LandingPage:
    """Lay the view out; without a sample run its parts are left away."""
    with gr.Column(elem_id="landing") as column:
        with gr.Row(elem_id="hero"):
            with gr.Column(scale=6):
                block(
                    ui.hero(
                        t("landing.eyebrow", lang),
                        t("landing.title", lang),
                        t("landing.lead", lang),
                    )
                )
                with gr.Row(elem_classes="ts-actions"):
                    see_sample = gr.Button(
                        t("landing.see_sample", lang), variant="primary", size="lg",
                        visible=sample is not None,
                    )  # fmt: skip
                    own = gr.Button(t("landing.own", lang), size="lg")
                    start = gr.Button(
                        t("landing.start", lang), size="lg",
                        variant="secondary" if sample else "primary",
                    )  # fmt: skip
                    tour = gr.Button(
                        t("landing.tour", lang), size="lg", visible=sample is not None
                    )
            if sample is not None:
                with gr.Column(scale=5, elem_classes="ts-chart"):
                    block(ui.section(t("landing.sample_title", lang), sample.label(lang)))
                    block(
                        verdict.headline(sample.comparison.verdict, lang), elem_id="landing-verdict"
                    )
                    block(ui.section(t("landing.chart", lang), level=3))
                    gr.Plot(
                        chart_value(by_context.memory(sample.comparison, lang)),
                        show_label=False, elem_classes="ts-figure",
                    )  # fmt: skip
        if sample is not None:
            block(
                kpis.tiles(sample.comparison, None, lang)
                or summary.teaser(sample.comparison, lang),
                elem_id="landing-figures",
            )
            found = sample.comparison
            block(ui.reading(sentences(
                lang, [readings.memory(found, lang), readings.peak(found, lang)]
            )) + tables.memory(found, lang))  # fmt: skip
        runs = history.build(lang)
    return LandingPage(column, see_sample, start, own, tour, runs)
