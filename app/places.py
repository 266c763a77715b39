"""One language's page: its components, and what they show wherever a visitor can be."""

from __future__ import annotations

from typing import Any

import gradio as gr

from app import agreed, chosen, data_view, problems
from app import components as html
from app.blocks import block
from app.pages import (
    compare,
    controls,
    convert,
    data,
    goal,
    history,
    landing,
    live,
    model,
    report,
    shelf,
    trail,
)  # fmt: skip
from app.pages.sample import Sample
from app.progress import Seen
from app.text import t
from engine.errors import EngineError
from engine.evidence.results import Comparison
from engine.runs import service
from engine.runs.records import Run

POLL_S = 2.0
GOAL, DATA, MODEL, CONVERT, COMPARE = 1, 2, 3, 4, 5
"""Ids of the walkthrough's steps."""

Updates = dict[Any, Any]


class Places:
    """The components of one language's page, and the updates that lead to a place in it."""

    def __init__(self, lang: str, sample: Sample | None) -> None:
        self.lang = lang
        self.sample = sample
        self.run_id = gr.Textbox("", visible="hidden", elem_id="run-id")
        self.step = gr.Textbox("", visible="hidden", elem_id="step")
        self.draft = gr.Textbox("", visible="hidden")
        self.back = gr.Button(visible="hidden", elem_id="go-back")
        self.seen = gr.State(Seen())
        self.timer = gr.Timer(POLL_S, active=False)
        with gr.Row(elem_id="topbar"):
            block(html.brand(t("app.name", lang)))
            block(html.language_link(
                t("language.switch", lang), t("language.code", lang), t("language.address", lang)
            ))  # fmt: skip
            self.home = gr.Button(t("nav.home", lang), size="sm")
            self.new = gr.Button(t("nav.new", lang), size="sm")
        self.notice = block()
        self.landing = landing.build(lang, sample)
        with gr.Column(visible=False, elem_id="studio") as self.column:
            self.trail = trail.build(lang)
            with gr.Walkthrough(selected=GOAL) as self.steps:
                with gr.Step(t("step.goal", lang), id=GOAL):
                    self.goal = goal.build(lang)
                with gr.Step(t("step.data", lang), id=DATA):
                    self.data = data.build(lang, data_view.bundled(lang))
                with gr.Step(t("step.model", lang), id=MODEL):
                    self.model = model.build(lang)
                with gr.Step(t("step.convert", lang), id=CONVERT):
                    self.convert = convert.build(lang)
                    self.live = live.build(lang)
                with gr.Step(t("step.compare", lang), id=COMPARE):
                    to_report = report.jump(lang)
                    self.compare = compare.build(lang)
                    self.controls = controls.build(lang)
                    self.report = report.build(lang, to_report)

    def go_home(self) -> Updates:
        """The landing view with the list of runs as it is now."""
        return {
            self.run_id: "",
            self.step: "",
            self.timer: gr.Timer(active=False),
            self.notice: "",
            self.landing.column: gr.update(visible=True),
            **self.history(),
            self.column: gr.update(visible=False),
        }

    def at_step(self, step: int) -> Updates:
        """A step of a run that is not made yet."""
        return {
            **({self.model.catalogue: shelf.table(self.lang)} if step == MODEL else {}),
            self.run_id: "",
            self.timer: gr.Timer(active=False),
            self.notice: "",
            self.landing.column: gr.update(visible=False),
            self.column: gr.update(visible=True),
            **self.to(step),
            **self.agreed(None),
            self.convert.column: gr.update(visible=True),
            self.convert.problem: "",
            self.convert.start: gr.update(interactive=True),
            self.live.column: gr.update(visible=False),
            **self.compared(None, None),
        }

    def to(self, step: int) -> Updates:
        """Another step of the same walkthrough; nothing else changes."""
        return {self.steps: gr.Walkthrough(selected=step), self.step: str(step)}

    def agreed(self, run: Run | None, result: Comparison | None = None) -> Updates:
        """The first three steps: the forms, or what a run was made with."""
        forms = gr.update(visible=run is None)
        return {
            self.goal.column: forms,
            self.data.box: forms,
            self.model.box: forms,
            self.goal.frozen: agreed.whole(run.config, self.lang) if run else "",
            self.data.frozen: chosen.text(run, result, self.lang) if run else "",
            self.model.frozen: chosen.weights(run, self.lang) if run else "",
        }

    def set_up(self, step: int = GOAL) -> Updates:
        """A new run, from that step on."""
        convert.warm_up()
        new = {self.model.estimated: ""} if step == GOAL else {}
        return {**self.at_step(step), **new}

    def at_run(self, run_id: str, step: int | None = None) -> Updates:
        """A run from the store: its comparison once it is done, else its progress.

        Raises:
            RunNotFound: no run has the id.
        """
        run = service.get(run_id)
        result = self.comparison(run)
        seen = Seen(run.id).add(service.events(run.id))
        place = step or (COMPARE if result is not None else CONVERT)
        return {
            **self.at_step(place),
            **self.agreed(run, result),
            self.run_id: run.id,
            self.timer: gr.Timer(active=run.working),
            self.seen: seen,
            self.convert.column: gr.update(visible=False),
            self.live.column: gr.update(visible=True),
            self.live.title: live.heading(run, self.lang),
            self.live.problem: "",
            **self.lively(run, seen, grown=True),
            **self.compared(run, result),
        }

    def onward(self) -> list[Any]:
        """What leading on to the next step of a run that is being set up may touch. Few: a browser
        takes half a second for a hundred updates on a busy processor, even for empty ones."""
        return [
            self.steps, self.step, self.goal.problem, self.data.preview, self.model.facts,
            self.model.catalogue, self.convert.summary, self.convert.problem, self.convert.start,
        ]  # fmt: skip

    def frame(self) -> list[Any]:
        """What leading home, or to a run that is being set up, may touch."""
        return [
            *self.onward(), self.run_id, self.timer, self.notice, self.landing.column,
            *self.landing.history.outputs(), self.column, self.goal.column, self.goal.frozen,
            self.data.box, self.data.frozen, self.data.choice, self.model.box, self.model.frozen,
            self.model.choice, self.model.estimated, self.convert.column, self.live.column,
            *self.compared(None, None),
        ]  # fmt: skip

    def outputs(self) -> list[Any]:
        """Everything that leading to any place may touch."""
        frame = self.frame()
        shown = [
            self.seen, self.live.title, self.live.problem, *self.live.fast(), *self.live.slow(),
            *self.compare.outputs(), *self.controls.outputs(),
        ]  # fmt: skip
        return [*frame, *(one for one in shown if one not in frame)]

    def history(self) -> Updates:
        """The list of runs as it is now, or why it cannot be read."""
        panel = self.landing.history
        try:
            with problems.guard():
                runs = service.list_runs()
        except EngineError as error:
            return {panel.table: problems.box(error, self.lang)}
        return {
            panel.table: history.runs_table(runs, self.lang),
            panel.picked: gr.update(choices=history.choices(runs, self.lang), value=[]),
            panel.sure: gr.update(visible=False),
            panel.told: "",
        }

    def comparison(self, run: Run) -> Comparison | None:
        """The comparison of a run that is done."""
        content = service.comparison(run.id) if run.state == "done" else None
        return None if content is None else Comparison.model_validate(content)

    def compared(self, run: Run | None, result: Comparison | None) -> Updates:
        """What the last step shows of a run."""
        report_shown = self.report.shown(result is not None)
        if run is None or result is None:
            hidden = gr.update(visible=False)
            return {
                self.compare.empty: gr.update(visible=True), self.compare.column: hidden,
                self.controls.column: hidden, self.controls.timer: gr.Timer(active=False),
                **report_shown,
            }  # fmt: skip
        shown = compare.values(self.compare, run, result, self.lang)
        extra = controls.values(run, result, self.lang)
        outputs = [*self.compare.outputs(), *self.controls.outputs()]
        return {**dict(zip(outputs, [*shown, *extra], strict=True)), **report_shown}

    def lively(self, run: Run, seen: Seen, *, grown: bool) -> Updates:
        """What the live view shows of a run; its charts and its log only if `seen` has grown."""
        shown = zip(self.live.fast(), live.fast_values(run, seen, self.lang), strict=True)
        if not grown:
            return dict(shown)
        slow = live.slow_values(self.live, run, seen, self.lang)
        return {**dict(shown), **dict(zip(self.live.slow(), slow, strict=True))}
