"""Side by side on a long input: paste or upload it, and both models answer at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from app import components as ui
from app import problems, watching
from app.blocks import block, chart_value
from app.text import t
from engine.data.decode import decode
from engine.errors import EngineError
from engine.runs import service
from engine.runs.live import MOST_CHARACTERS
from engine.runs.records import Run

SUFFIXES = [".txt", ".md"]


@dataclass(frozen=True)
class DuelPanel:
    """Its components that events touch."""

    form: gr.Column
    absent: gr.HTML
    text: gr.Textbox
    file: gr.File
    whole: gr.Checkbox
    start: gr.Button
    stop: gr.Button
    said: gr.HTML
    panes: gr.HTML
    plot: gr.Plot

    def outputs(self) -> list[Any]:
        """What `values` fills, in order."""
        return [self.form, self.absent, self.text, self.said, self.panes, self.plot]

    def watched(self) -> list[Any]:
        """What `watch` fills, in order."""
        return [self.said, self.panes, self.plot]


def build(lang: str) -> DuelPanel:
    """Lay the section out, empty."""
    block(
        ui.section(t("watch.title", lang), t("watch.text", lang), more=t("glossary.watch", lang)),
        elem_id="live-answers",
    )
    absent = block()
    with gr.Column(elem_classes="ts-panel", visible=False) as form:
        text = gr.Textbox(
            label=t("watch.input", lang), info=t("watch.input_info", lang), lines=6, max_lines=10,
            max_length=MOST_CHARACTERS, elem_id="duel-text",
        )  # fmt: skip
        file = gr.File(label=t("watch.file", lang), file_types=list(SUFFIXES), height=140)
        whole = gr.Checkbox(False, label=t("watch.whole", lang), info=t("watch.whole_info", lang))
        with gr.Row(elem_classes="ts-actions"):
            start = gr.Button(t("watch.start", lang), variant="primary")
            stop = gr.Button(t("watch.stop", lang))
    said = block(elem_id="duel-said")
    panes = block(elem_id="duel-panes")
    plot = gr.Plot(show_label=False, elem_classes="ts-figure", visible=False)
    return DuelPanel(form, absent, text, file, whole, start, stop, said, panes, plot)


def values(run: Run, prompt: str, lang: str) -> list[object]:
    """Values for `DuelPanel.outputs()`: the form, where the run's models are there.

    Args:
        prompt: a text to begin with: what the comparison let both models continue.
    """
    there = (run.folder / "converted").is_dir()
    absent = (
        "" if there else ui.notice("info", t("watch.absent", lang), t("watch.absent_text", lang))
    )
    return [gr.update(visible=there), absent, prompt, "", "", gr.update(visible=False, value=None)]


def read_file(upload: str | None, lang: str) -> list[object]:
    """Text of an uploaded file for the box, or what is wrong with it: (text, sentence)."""
    if not upload:
        return [gr.skip(), ""]
    path = Path(upload)
    try:
        with problems.guard():
            text, _ = decode(path.read_bytes(), path.name)
    except EngineError as error:
        return [gr.skip(), problems.box(error, lang)]
    return [text[:MOST_CHARACTERS], ""]


def watch(run_id: str, text: str, whole: bool, *, lang: str) -> Iterator[list[object]]:
    """Values for `DuelPanel.watched()`, as both models work."""
    try:
        with problems.guard():
            service.get(run_id)
    except EngineError as error:
        yield [problems.box(error, lang), "", gr.update(visible=False)]
        return
    for said, panes, figure in watching.watch(run_id, text or "", bool(whole), lang):
        shown = gr.update(visible=figure is not None)
        if figure is not None:
            shown = gr.update(visible=True, value=chart_value(figure))
        yield [said, panes, shown]
