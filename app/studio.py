"""One language's page: its components, and the updates that move a visitor through it.

Nothing here trains or waits: every method reads the run store or writes one row of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from app import components as html
from app import problems
from app.blocks import block
from app.pages import compare, convert, data, history, landing, live, model
from app.pages.sample import Sample
from app.text import t
from engine.data.ingest import DEFAULT_DATA
from engine.errors import EngineError
from engine.evidence.results import Comparison
from engine.models.catalogue import DEFAULT_MODEL
from engine.runs import service
from engine.runs.records import Run

POLL_S = 2.0
MODEL, DATA, CONVERT, COMPARE = 1, 2, 3, 4
"""Ids of the walkthrough's steps."""

Updates = dict[Any, Any]


class Studio:
    """One language's page: its components, and the updates that move a visitor through it."""

    def __init__(self, lang: str, sample: Sample | None) -> None:
        self.lang = lang
        self.sample = sample
        self.run_id = gr.Textbox("", visible="hidden", elem_id="run-id")
        self.seen = gr.State(0)
        self.timer = gr.Timer(POLL_S, active=False)
        with gr.Row(elem_id="topbar"):
            block(html.brand(t("app.name", lang)))
            self.home = gr.Button(t("nav.home", lang), size="sm")
            self.new = gr.Button(t("nav.new", lang), size="sm")
        self.notice = block()
        self.landing = landing.build(lang, sample)
        with (
            gr.Column(visible=False, elem_id="studio") as self.column,
            gr.Walkthrough(selected=MODEL) as self.steps,
        ):
            with gr.Step(t("step.model", lang), id=MODEL):
                self.model = model.build(lang)
            with gr.Step(t("step.data", lang), id=DATA):
                self.data = data.build(lang)
            with gr.Step(t("step.convert", lang), id=CONVERT):
                self.convert = convert.build(lang)
                self.live = live.build(lang)
            with gr.Step(t("step.compare", lang), id=COMPARE):
                self.compare = compare.build(lang)

    # Where a visitor can be

    def go_home(self) -> Updates:
        """The landing view with the list of runs as it is now."""
        return {
            self.run_id: "",
            self.timer: gr.Timer(active=False),
            self.notice: "",
            self.landing.column: gr.update(visible=True),
            self.landing.runs: history.runs_table(service.list_runs(), self.lang),
            self.column: gr.update(visible=False),
        }

    def at_step(self, step: int) -> Updates:
        """A step of a run that is not made yet."""
        return {
            self.run_id: "",
            self.timer: gr.Timer(active=False),
            self.notice: "",
            self.landing.column: gr.update(visible=False),
            self.column: gr.update(visible=True),
            self.steps: gr.Walkthrough(selected=step),
            self.convert.column: gr.update(visible=True),
            self.convert.problem: "",
            self.convert.start: gr.update(interactive=True),
            self.live.column: gr.update(visible=False),
            **self._filled(self.compare.outputs(), compare.values(self.compare, None, None, "")),
        }

    def set_up(self, step: int = MODEL) -> Updates:
        """A new run, from that step on."""
        convert.warm_up()
        return self.at_step(step)

    def at_run(self, run_id: str, step: int | None = None) -> Updates:
        """A run from the store: its comparison once it is done, else its progress.

        Raises:
            RunNotFound: no run has the id.
        """
        run = service.get(run_id)
        result = self._comparison(run)
        events = service.events(run.id)
        chosen = step or (COMPARE if result is not None else CONVERT)
        return {
            **self.at_step(chosen),
            self.run_id: run.id,
            self.timer: gr.Timer(active=run.working),
            self.seen: events[-1].seq if events else 0,
            self.convert.column: gr.update(visible=False),
            self.live.column: gr.update(visible=True),
            self.live.title: live.heading(run, self.lang),
            self.live.problem: "",
            **self._filled(self.live.fast(), live.fast_values(run, self.lang)),
            **self._filled(self.live.slow(), live.slow_values(self.live, events, self.lang)),
            **self._compared(run, result),
        }

    def outputs(self) -> list[Any]:
        """Everything that the three above may touch."""
        return [
            self.run_id, self.timer, self.seen, self.notice, self.landing.column,
            self.landing.runs, self.column, self.steps, self.convert.column, self.convert.summary,
            self.convert.problem, self.convert.start, self.live.column, self.live.title,
            self.live.problem, self.model.choice, self.model.facts, self.data.choice,
            self.data.preview, *self.live.fast(), *self.live.slow(), *self.compare.outputs(),
        ]  # fmt: skip

    def _comparison(self, run: Run) -> Comparison | None:
        content = service.comparison(run.id) if run.state == "done" else None
        return None if content is None else Comparison.model_validate(content)

    def _compared(self, run: Run, result: Comparison | None) -> Updates:
        return self._filled(
            self.compare.outputs(), compare.values(self.compare, run, result, self.lang)
        )

    @staticmethod
    def _filled(components: list[Any], values: list[Any]) -> Updates:
        return dict(zip(components, values, strict=True))

    # Choosing

    def with_bundled(self) -> Updates:
        """Straight to the start, with the bundled model and data chosen."""
        summary = convert.summarise(DEFAULT_MODEL, "", DEFAULT_DATA, None, self.lang)
        return {
            **self.set_up(CONVERT),
            self.model.choice: DEFAULT_MODEL,
            self.data.choice: DEFAULT_DATA,
            self.convert.summary: summary,
        }

    def model_chosen(self, choice: str) -> Updates:
        """Show what is known of the model, and the box for an id where one is needed."""
        return {
            self.model.hub_box: gr.update(visible=choice == model.HUB),
            self.model.facts: model.describe(choice, self.lang),
        }

    def model_done(self, choice: str, hub_id: str) -> Updates:
        """On to the data, unless the model's name cannot be one."""
        try:
            model.reference(choice, hub_id)
        except EngineError as error:
            return {self.model.facts: problems.box(error, self.lang)}
        return self.at_step(DATA)

    def data_chosen(self, choice: str, upload: str | None, column: str) -> Updates:
        """Read the data and show how it begins, or what is wrong with it."""
        return {
            self.data.upload_box: gr.update(visible=choice == data.UPLOAD),
            self.data.preview: data.describe(choice, upload, column, self.lang),
        }

    def data_done(
        self, choice: str, hub_id: str, data_choice: str, upload: str | None, column: str
    ) -> Updates:
        """On to the conversion, unless the data cannot be used."""
        try:
            data.require(data_choice, upload, column)
        except EngineError as error:
            return {self.data.preview: problems.box(error, self.lang)}
        summary = convert.summarise(choice, hub_id, data_choice, upload, self.lang)
        return {**self.at_step(CONVERT), self.convert.summary: summary}

    # Running

    def arrive(self, request: gr.Request) -> Updates:
        """The page was opened or refreshed: show the run that the address names."""
        run_id = str(request.query_params.get("run", ""))
        if not run_id:
            return {self.landing.runs: history.runs_table(service.list_runs(), self.lang)}
        return self.open(run_id)

    def open(self, run_id: str) -> Updates:
        """The run with that id, or the landing view with the reason why not."""
        try:
            return self.at_run(run_id)
        except EngineError as error:
            return {**self.go_home(), self.notice: problems.box(error, self.lang)}

    def starting(self) -> Updates:
        """Answer the click at once: checking the input takes seconds, and must not run twice."""
        busy = html.notice("info", t("convert.checking", self.lang))
        return {self.convert.start: gr.update(interactive=False), self.convert.problem: busy}

    def start(self, *form: Any) -> Updates:
        """Make the run and show it; or say below the form why it cannot be made."""
        try:
            return self.at_run(convert.create_and_start(*form), CONVERT)
        except EngineError as error:
            return {
                self.convert.problem: problems.box(error, self.lang),
                self.convert.start: gr.update(interactive=True),
            }

    def tick(self, run_id: str, seen: int) -> Updates:
        """What is new in the run on show."""
        try:
            run = service.get(run_id)
        except EngineError as error:
            return {**self.go_home(), self.notice: problems.box(error, self.lang)}
        updates = self._filled(self.live.fast(), live.fast_values(run, self.lang))
        if service.events(run.id, seen):
            events = service.events(run.id)
            updates[self.seen] = events[-1].seq
            updates |= self._filled(
                self.live.slow(), live.slow_values(self.live, events, self.lang)
            )
        if not run.working:
            updates[self.timer] = gr.Timer(active=False)
            updates |= self._compared(run, self._comparison(run))
        return updates

    def cancel(self, run_id: str) -> Updates:
        """Ask the worker to save and stop."""
        return self._act(service.cancel, run_id)

    def resume(self, run_id: str) -> Updates:
        """Go on from what was saved."""
        return self._act(service.resume, run_id)

    def _act(self, action: Callable[[str], Run], run_id: str) -> Updates:
        try:
            action(run_id)
            return self.at_run(run_id, CONVERT)
        except EngineError as error:
            return {self.live.problem: problems.box(error, self.lang)}
