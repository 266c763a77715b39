"""Step 5, below the comparison: train controls on request, watch them, and read what they tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from app import components as ui
from app import controls as shown
from app import problems
from app.blocks import block
from app.numbers import duration
from app.text import t
from engine.errors import EngineError, RunNotFound
from engine.evidence.control_parts import ControlName, Controls
from engine.evidence.control_plan import RunSteps, estimated_seconds
from engine.evidence.results import Comparison
from engine.runs import controls, service
from engine.runs.control_progress import Progress, progress_of
from engine.runs.records import Run

POLL_S = 2.0


@dataclass(frozen=True)
class ControlsPanel:
    """Its components that events touch."""

    column: gr.Column
    table: gr.HTML
    form: gr.Column
    choices: gr.CheckboxGroup
    start: gr.Button
    cancel: gr.Button
    status: gr.HTML
    timer: gr.Timer

    def outputs(self) -> list[Any]:
        """What `values` and all clicks fill, in order."""
        return [self.column, self.table, self.form, self.choices, self.start, self.cancel,
                self.status, self.timer]  # fmt: skip


def build(lang: str) -> ControlsPanel:
    """Lay the section out, empty and hidden."""
    with gr.Column(visible=False) as column:
        block(ui.section(t("controls.title", lang), t("controls.text", lang)))
        table = block(elem_id="controls")
        with gr.Column(elem_classes="ts-panel"):
            with gr.Column(visible=False) as form:
                choices = gr.CheckboxGroup(
                    [], label=t("controls.choose", lang), info=t("controls.info", lang)
                )
            status = block(elem_id="controls-status")
            with gr.Row(elem_classes="ts-actions"):
                start = gr.Button(t("controls.start", lang), visible=False)
                cancel = gr.Button(t("controls.cancel", lang), visible=False)
    return ControlsPanel(
        column, table, form, choices, start, cancel, status, gr.Timer(POLL_S, active=False)
    )


def values(run: Run | None, result: Comparison | None, lang: str) -> list[object]:
    """Values for `ControlsPanel.outputs()`; hidden without a comparison."""
    if run is None or result is None:
        return [gr.update(visible=False), *[gr.skip()] * 6, gr.Timer(active=False)]
    found, progress = Controls.in_folder(run.folder), progress_of(run)
    left = [] if run.sample else _left(run, result, found, lang)
    working = progress is not None and progress.state == "working"
    said = shown.status(progress, lang)
    if run.sample:
        said = ui.inline([t("controls.sample", lang)])
    elif not left and not working:
        said += ui.inline([t("controls.all", lang)])
    return [
        gr.update(visible=True),
        shown.table(found, result, lang),
        gr.update(visible=bool(left) and not working),
        gr.update(choices=left, value=[value for _, value in left]),
        gr.update(visible=bool(left) and not working),
        gr.update(visible=working, interactive=run.cancel_requested_at is None),
        said,
        gr.Timer(active=working),
    ]


def _left(
    run: Run, result: Comparison, found: Controls, lang: str
) -> list[tuple[str, ControlName]]:
    """The controls that are not there yet, each with the time it may take."""
    steps = RunSteps.of(run.config)
    if steps is None:
        return []
    there = {one.name for one in found.controls}
    labels = []
    for name in steps.applicable():
        label, seconds = shown.name(name, lang), estimated_seconds(steps, result, name)
        if seconds is not None:
            label = t("controls.choice", lang, control=label, time=duration(seconds, lang=lang))
        if name not in there:
            labels.append((label, name))
    return labels


def start(run_id: str, chosen: Sequence[str], *, lang: str) -> list[object]:
    """Start the worker and watch it; a start that is refused is explained."""
    try:
        with problems.guard():
            controls.start(run_id, controls.names_of(chosen or []))
    except EngineError as error:
        return _said(problems.box(error, lang))
    return look(run_id, lang=lang)


def cancel(run_id: str, *, lang: str) -> list[object]:
    """Ask the worker to stop; what is finished is kept."""
    try:
        with problems.guard():
            controls.cancel(run_id)
    except EngineError as error:
        return _said(problems.box(error, lang))
    return look(run_id, lang=lang)


def look(run_id: str, *, lang: str) -> list[object]:
    """How the worker stands; once it has ended, or the visitor has left, everything anew."""
    if not run_id:
        return values(None, None, lang)
    try:
        with problems.guard():
            run = service.get(run_id)
            progress = progress_of(run)
            if progress is not None and progress.state == "working":
                return _watched(run, progress, lang)
            content = service.comparison(run.id)
            result = None if content is None else Comparison.model_validate(content)
            return values(run, result, lang)
    except RunNotFound:  # deleted meanwhile; the rest of the page says so
        return values(None, None, lang)
    except EngineError as error:  # the next look may fare better
        return _said(problems.box(error, lang))


def _watched(run: Run, progress: Progress, lang: str) -> list[object]:
    """Only what changes while the worker works."""
    asked = run.cancel_requested_at is not None
    return [
        gr.skip(), gr.skip(), gr.update(visible=False), gr.skip(), gr.update(visible=False),
        gr.update(visible=True, interactive=not asked), shown.status(progress, lang),
        gr.Timer(active=True),
    ]  # fmt: skip


def _said(box: str) -> list[object]:
    """A refusal where the status stands; all else stays as it is."""
    return [*[gr.skip()] * 6, box, gr.skip()]
