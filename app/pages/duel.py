"""Side by side on a long input: paste or upload it, and both models answer at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from app import components as ui
from app import long_input, problems, watching
from app.blocks import ChartBlock, block, chart_block, chart_values
from app.text import t
from engine.data.decode import decode
from engine.errors import EngineError
from engine.evidence.results import Comparison
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
    file: gr.UploadButton
    whole: gr.Checkbox
    about: gr.HTML
    fitting: gr.Button
    long: gr.Button
    start: gr.Button
    stop: gr.Button
    said: gr.HTML
    panes: gr.HTML
    chart: ChartBlock
    seen: gr.State
    """What the models have done so far, for Stop."""

    def outputs(self) -> list[Any]:
        """What `values` fills, in order."""
        return [self.form, self.absent, *self.offered(), *self.watched()]

    def offered(self) -> list[Any]:
        """What `offer` fills, in order."""
        return [self.text, self.whole, self.about]

    def watched(self) -> list[Any]:
        """What shows both models' answers, in order."""
        return [self.said, self.panes, *self.chart.outputs()]

    def followed(self) -> list[Any]:
        """What `watch` fills, in order."""
        return [*self.watched(), self.seen]


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
        about = block(elem_id="duel-about")
        with gr.Row(elem_classes="ts-actions"):
            fitting = gr.Button(t("watch.fitting", lang), size="sm")
            long = gr.Button(t("watch.long", lang), size="sm")
            file = gr.UploadButton(t("watch.file", lang), file_types=list(SUFFIXES), size="sm")
        whole = gr.Checkbox(False, label=t("watch.whole", lang), info=t("watch.whole_info", lang))
        with gr.Row(elem_classes="ts-actions"):
            start = gr.Button(t("watch.start", lang), variant="primary")
            stop = gr.Button(t("watch.stop", lang))
    said = block(elem_id="duel-said")
    panes = block(elem_id="duel-panes")
    chart = chart_block(
        t("watch.chart", lang), more=t("glossary.watch_chart", lang), visible=False,
        elem_id="duel-chart",
    )  # fmt: skip
    return DuelPanel(
        form, absent, text, file, whole, about, fitting, long, start, stop, said, panes, chart,
        gr.State(),
    )  # fmt: skip


def values(run: Run, result: Comparison, lang: str) -> list[object]:
    """Values for `DuelPanel.outputs()`: the form, where the run's models are there, with a text."""
    there = (run.folder / "converted").is_dir()
    absent = (
        "" if there else ui.notice("info", t("watch.absent", lang), t("watch.absent_text", lang))
    )
    text = _offered(long_input.fitting(run, result, lang), lang) if there else ["", False, ""]
    return [gr.update(visible=there), absent, *text, "", "", *chart_values(None)]


def offer(run_id: str, *, long: bool, lang: str) -> list[object]:
    """Values for `DuelPanel.offered()`: the text that fits, or the long one."""
    try:
        with problems.guard():
            run = service.get(run_id)
            result = Comparison.model_validate(service.comparison(run_id))
    except EngineError as error:
        return [gr.skip(), gr.skip(), problems.box(error, lang)]
    return _offered((long_input.long if long else long_input.fitting)(run, result, lang), lang)


def _offered(offered: long_input.Offer, lang: str) -> list[object]:
    whole = offered.beyond
    return [offered.record.text, whole, long_input.told(offered, lang, whole=whole)]


def tick(run_id: str, text: str, whole: bool, *, lang: str) -> object:
    """What is said of an offered text once the box is ticked or not; of others nothing is."""
    try:
        with problems.guard():
            run = service.get(run_id)
            result = Comparison.model_validate(service.comparison(run_id))
    except EngineError as error:
        return problems.box(error, lang)
    offered = long_input.offered(run, result, text or "", lang)
    return gr.skip() if offered is None else long_input.told(offered, lang, whole=bool(whole))


def read_file(upload: str | None, lang: str) -> list[object]:
    """Text of an uploaded file for the box, or what is wrong with it: (text, about, sentence)."""
    if not upload:
        return [gr.skip(), gr.skip(), ""]
    path = Path(upload)
    try:
        with problems.guard():
            text, _ = decode(path.read_bytes(), path.name)
    except EngineError as error:
        return [gr.skip(), gr.skip(), problems.box(error, lang)]
    return [text[:MOST_CHARACTERS], "", ""]


def watch(run_id: str, text: str, whole: bool, *, lang: str) -> Iterator[list[object]]:
    """Values for `DuelPanel.followed()`, as both models work."""
    try:
        with problems.guard():
            run = service.get(run_id)
            result = Comparison.model_validate(service.comparison(run_id))
    except EngineError as error:
        yield [problems.box(error, lang), "", *chart_values(None), None]
        return
    seen, offered = watching.Seen(), long_input.offered(run, result, text or "", lang)
    expected = offered.record.answer if offered else None
    for shown in watching.watch(run_id, text or "", bool(whole), lang, seen, expected):
        yield [*_values(shown), seen]


def stop(seen: watching.Seen | None, lang: str) -> list[object]:
    """Values for `DuelPanel.watched()` once a person has stopped both: how far they came."""
    shown = watching.stopped(seen, lang)
    return [gr.skip()] * 5 if shown is None else _values(shown)


def _values(shown: watching.Shown) -> list[object]:
    said, panes, figure, sentence, table = shown
    return [said, panes, *chart_values(figure, sentence, table)]
