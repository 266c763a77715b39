"""One language's page: what happens on which click.

Nothing here trains or waits: every method reads the run store or writes one row of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from app import components as html
from app import problems
from app.pages import convert, data, model
from app.places import CONVERT, DATA, Places, Updates
from app.progress import Seen
from app.text import t
from engine.data.ingest import DEFAULT_DATA
from engine.errors import EngineError, RunNotFound
from engine.models.catalogue import DEFAULT_MODEL
from engine.runs import service
from engine.runs.records import Run


class Studio(Places):
    """One language's page: the updates that move a visitor through it."""

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
            model.reference(choice, hub_id, self.lang)
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
            with problems.guard(self.lang):
                data.require(data_choice, upload, column, self.lang)
        except EngineError as error:
            return {self.data.preview: problems.box(error, self.lang)}
        summary = convert.summarise(choice, hub_id, data_choice, upload, self.lang)
        return {**self.at_step(CONVERT), self.convert.summary: summary}

    # Running

    def arrive(self, request: gr.Request) -> Updates:
        """The page was opened or refreshed: show the run that the address names."""
        run_id = str(request.query_params.get("run", ""))
        if not run_id:
            return {self.landing.runs: self.history()}
        return self.open(run_id)

    def open(self, run_id: str) -> Updates:
        """The run with that id, or the landing view with the reason why not."""
        try:
            with problems.guard(self.lang):
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
            with problems.guard(self.lang):
                return self.at_run(convert.create_and_start(*form, lang=self.lang), CONVERT)
        except EngineError as error:
            return {
                self.convert.problem: problems.box(error, self.lang),
                self.convert.start: gr.update(interactive=True),
            }

    def tick(self, run_id: str, seen: Seen) -> Updates:
        """What is new in the run on show; nothing for a visitor who has just left it."""
        if not run_id:
            return {self.notice: gr.skip()}
        try:
            with problems.guard(self.lang):
                return self._news(run_id, seen)
        except RunNotFound as error:
            return {**self.go_home(), self.notice: problems.box(error, self.lang)}
        except EngineError as error:  # the next tick may fare better
            return {self.notice: problems.box(error, self.lang)}

    def _news(self, run_id: str, seen: Seen) -> Updates:
        run = service.get(run_id)
        if seen.run_id != run.id:  # of the run that the visitor looked at before
            seen = Seen(run.id)
        before = seen.seq
        seen.add(service.events(run.id, before))
        grown = seen.seq > before or not run.working  # the end turns the readings to the past tense
        updates = {self.notice: "", self.seen: seen, **self.lively(run, seen, grown=grown)}
        if not run.working:
            updates[self.timer] = gr.Timer(active=False)
            updates |= self.compared(run, self.comparison(run))
        return updates

    def cancel(self, run_id: str) -> Updates:
        """Ask the worker to save and stop."""
        return self._act(service.cancel, run_id)

    def resume(self, run_id: str) -> Updates:
        """Go on from what was saved."""
        return self._act(service.resume, run_id)

    def _act(self, action: Callable[[str], Run], run_id: str) -> Updates:
        try:
            with problems.guard(self.lang):
                action(run_id)
                return self.at_run(run_id, CONVERT)
        except EngineError as error:
            return {self.live.problem: problems.box(error, self.lang)}
