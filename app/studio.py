"""One language's page: what happens on which click.

Nothing here trains or waits: every method reads the run store or writes one row of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from app import components as html
from app import data_measured, data_view, problems, refill
from app.pages import convert, data, goal, model, shelf
from app.places import CONVERT, DATA, MODEL, Places, Updates
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

    def with_bundled(self, *goal_form: Any) -> Updates:
        """Straight to the start, with the bundled model and data chosen."""
        try:
            chosen = (DEFAULT_MODEL, "", DEFAULT_DATA, None)
            summary = convert.summarise(*chosen, *goal_form, lang=self.lang)
        except EngineError as error:
            return {**self.set_up(), self.goal.problem: problems.box(error, self.lang)}
        return {
            **self.set_up(CONVERT),
            self.model.choice: DEFAULT_MODEL,
            self.data.choice: DEFAULT_DATA,
            self.convert.summary: summary,
        }

    def goal_done(self, run_id: str, *form: Any) -> Updates:
        """On to the data, unless a gate or a price cannot be one."""
        try:
            goal.read(form, self.lang)
        except EngineError as error:
            return {self.goal.problem: problems.box(error, self.lang)}
        return {self.goal.problem: "", **self._onward(run_id, DATA)}

    def data_chosen(self, *form: Any) -> Updates:
        """Read the data and show how it begins, or what is wrong with it."""
        return data_view.shown(self.data, form, self.lang)

    def data_uploaded(self, file: str | None, *form: Any) -> Updates:
        """Take a new file."""
        if not file:
            return {self.data.kept: gr.skip()}
        return data_view.uploaded(self.data, form, file, self.lang)

    def data_dropped(self, *form: Any) -> Updates:
        """Delete the file that was uploaded."""
        return data_view.dropped(self.data, form, self.lang)

    def data_measured(self, run_id: str, step: str, model_choice: str, *form: Any) -> Updates:
        """Lengths and personal data, once the step is on show."""
        if run_id or step != str(DATA):
            return {self.data.personal: gr.skip()}
        return data_measured.measured(self.data, form, model_choice, self.lang)

    def data_judged(self, run_id: str, step: str, model_choice: str, *form: Any) -> Updates:
        """Whether the data is enough: last, because it waits for the settings."""
        if run_id or step != str(DATA):
            return {self.data.enough: gr.skip()}
        return {self.data.enough: data_measured.judged(form, model_choice, self.lang)}

    def data_done(self, run_id: str, *form: Any) -> Updates:
        """On to the model, unless the data cannot be used."""
        if not run_id:
            try:
                with problems.guard():
                    data_view.require(data.Chosen.of(form), self.lang)
            except EngineError as error:
                return {self.data.preview: problems.box(error, self.lang)}
        return self._onward(run_id, MODEL)

    def model_chosen(self, choice: str) -> Updates:
        """Show what is known of the model, and the box for an id where one is needed."""
        return {
            self.model.hub_box: gr.update(visible=choice == model.HUB),
            self.model.facts: model.describe(choice, self.lang),
        }

    def model_done(
        self, run_id: str, choice: str, hub_id: str, data_choice: str, upload: str | None,
        *goal_form: Any,
    ) -> Updates:  # fmt: skip
        """On to the conversion, unless the model's name cannot be one."""
        if run_id:
            return self.to(CONVERT)
        try:
            model.reference(choice, hub_id, self.lang)
            chosen = (choice, hub_id, data_choice, upload)
            summary = convert.summarise(*chosen, *goal_form, lang=self.lang)
        except EngineError as error:
            return {self.model.facts: problems.box(error, self.lang)}
        return {
            **self.to(CONVERT),
            self.convert.summary: summary,
            self.convert.problem: "",
            self.convert.start: gr.update(interactive=True),
        }

    def _onward(self, run_id: str, step: int) -> Updates:
        """The next step, of the run on show or of one that is being set up."""
        if run_id or step != MODEL:
            return self.to(step)
        return {**self.to(step), self.model.catalogue: shelf.table(self.lang)}

    def with_own(self) -> Updates:
        """A new run on the visitor's own file, from the goal on."""
        return {**self.set_up(), self.data.choice: data.UPLOAD}

    def from_run(self, run: Run) -> Updates:
        """A new run, from the goal on, with the settings of an earlier one in the forms."""
        again = refill.forms(run, self.lang)
        fields = self.goal.fields
        return {
            **self.set_up(),
            **{fields[name]: value for name, value in again.goal.items()},
            self.model.choice: again.model,
            self.model.hub_id: again.hub_id,
            self.data.choice: gr.update(choices=again.data_choices, value=again.data),
            self.data.encoding: again.encoding,
            self.data.mask: again.mask,
            **{self.data.columns[name]: value for name, value in again.columns.items()},
            self.convert.method: again.method,
            self.convert.keep_every: again.keep_every,
            self.convert.recipe: again.recipe,
            self.convert.seed: again.seed,
        }

    def form(self) -> list[Any]:
        """Everything that decides a run, in the order of `convert.settings`."""
        return [
            self.model.choice, self.model.hub_id, *self.data.form(), self.convert.method,
            self.convert.keep_every, self.convert.recipe, self.convert.seed, *self.goal.form(),
        ]  # fmt: skip

    def estimated_on(self) -> list[Any]:
        """The fields that an estimate depends on."""
        prices = [self.goal.fields[name] for name in goal.PRICES]
        return [*self.form()[: -len(self.goal.form()) - 2], *prices]  # no recipe: it tells of all

    def not_estimated(self) -> Updates:
        """What was estimated, or is about to be, no longer holds."""
        return {self.model.estimated: "", self.model.estimate: gr.update(interactive=True)}

    def remembered(self) -> list[Any]:
        """The fields whose values the browser's tab keeps."""
        return self.form()

    def forms(self) -> list[Any]:
        """What `from_run` touches besides `outputs()`."""
        return [
            *self.goal.form(), self.model.hub_id, *self.data.form()[1:], self.convert.method,
            self.convert.keep_every, self.convert.recipe, self.convert.seed,
        ]  # fmt: skip

    # Running

    def open(self, run_id: str, step: int | None = None) -> Updates:
        """The run with that id, or the landing view with the reason why not."""
        try:
            with problems.guard():
                return self.at_run(run_id, step)
        except EngineError as error:
            return {**self.go_home(), self.notice: problems.box(error, self.lang)}

    def starting(self) -> Updates:
        """Answer the click at once: checking the input takes seconds, and must not run twice."""
        busy = html.notice("info", t("convert.checking", self.lang))
        return {self.convert.start: gr.update(interactive=False), self.convert.problem: busy}

    def start(self, *form: Any) -> Updates:
        """Make the run and show it; or say below the form why it cannot be made."""
        try:
            with problems.guard():
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
            with problems.guard():
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
            with problems.guard():
                action(run_id)
                return self.at_run(run_id, CONVERT)
        except EngineError as error:
            return {self.live.problem: problems.box(error, self.lang)}
