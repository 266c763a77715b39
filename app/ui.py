"""The pages, one per language, and what happens on which click.

The run's id lives in the browser (a hidden box and the address), so a refresh, a closed tab or a
restarted server loses nothing.
"""

from __future__ import annotations

from functools import partial

import gradio as gr

from app import last_step, uploads
from app.archive import Archive
from app.arrival import Arrival
from app.blocks import SILENT
from app.pages import estimate, model
from app.pages.sample import Sample
from app.scripts import leading, script
from app.studio import Studio
from app.text import DEFAULT_LANG, PATHS, t
from app.tour import Tour


def build(sample: Sample | None) -> gr.Blocks:
    """The app: one page per language from the same builder, all connected to their events."""
    with gr.Blocks(
        title=t("app.name", DEFAULT_LANG),
        analytics_enabled=False,
        delete_cache=(3600, uploads.LIVE_S),
    ) as demo:
        _page(demo, DEFAULT_LANG, sample)
    for lang, path in PATHS.items():
        if lang != DEFAULT_LANG:
            # Events cannot cross pages, so each language has components and events of its own.
            with demo.route(t("language.name", lang), path, show_in_navbar=False):
                _page(demo, lang, sample)
    return demo


def _page(demo: gr.Blocks, lang: str, sample: Sample | None) -> None:
    studio = Studio(lang, sample)
    others = set(demo.fns)
    _navigation(demo, studio)
    _choosing(studio)
    _running(studio)
    last_step.connect(studio)
    _listing(Archive(studio))
    _touring(studio, Tour(studio))
    for number, event in demo.fns.items():
        if number not in others and event.show_progress == "hidden":
            # Before and after every event Gradio's page looks up each component that ever stood
            # for progress, in the tree of all of them: unless told otherwise, every output of
            # every event. Where no progress is shown, one is enough.
            event.show_progress_on = [studio.run_id]


def _navigation(demo: gr.Blocks, studio: Studio) -> None:
    outputs = studio.outputs()
    everything = [*outputs, *studio.forms()]
    arrival = Arrival(studio)
    demo.load(arrival.arrive, studio.draft, everything, js=script("arrive"), **SILENT)
    studio.back.click(
        arrival.go_back, studio.draft, outputs, js=script("search"),
        trigger_mode="always_last", **SILENT,  # a second Back may come before the answer
    )  # fmt: skip
    place = [studio.run_id, studio.step]
    for part in place:
        part.change(None, place, None, js=script("address"))
        part.change(None, place, None, js=script("trail"))
    kept = studio.remembered()
    gr.on([field.change for field in kept], None, kept, None, js=script("keep"))
    for number, button in enumerate(studio.trail, start=1):
        to = f"() => [{{selected: {number}, __type__: 'update'}}, '{number}']"
        button.click(None, None, [studio.steps, studio.step], js=to)
    frame = studio.frame()
    top = script("top")
    studio.home.click(studio.go_home, None, frame, **SILENT).then(None, None, None, js=top)
    for button in (studio.new, studio.live.another):
        button.click(studio.set_up, None, frame, **SILENT).then(None, None, None, js=top)
    studio.landing.own.click(studio.with_own, None, frame, **SILENT).then(None, None, None, js=top)
    studio.landing.start.click(
        studio.with_bundled, studio.goal.form(), frame, **SILENT
    ).then(None, None, None, js=top)  # fmt: skip
    if studio.sample is not None:
        shown = partial(studio.open, studio.sample.run.id)
        studio.landing.see_sample.click(shown, None, outputs, **SILENT).then(
            None, None, None, js=leading("#live-answers", "#duel-text")
        )


def _choosing(studio: Studio) -> None:
    lang, onward = studio.lang, studio.onward()
    chosen_model = [studio.model.choice, studio.model.hub_id]
    studio.model.choice.change(
        studio.model_chosen, studio.model.choice, [studio.model.hub_box, studio.model.facts],
        **SILENT,
    )  # fmt: skip
    studio.model.check.click(
        partial(model.check, lang=lang), chosen_model, studio.model.facts, queue=False,
        api_visibility="private",
    )  # fmt: skip
    form = studio.data.form()
    seen = {"queue": False, "api_visibility": "private", "show_progress": "minimal"}
    read = [
        trigger(studio.data_chosen, form, studio.data.shown(), **seen)
        for trigger in (studio.data.choice.change, *(one.input for one in form[2:]))
    ]
    own = studio.data
    read += [
        own.file.upload(studio.data_uploaded, [own.file, *form], own.shown(), **seen),
        own.drop.click(studio.data_dropped, form, own.shown(), **seen),
    ]
    known = [studio.run_id, studio.step, studio.model.choice, *form]
    for measure in (studio.step.change, *(one.then for one in read)):
        measure(studio.data_measured, known, studio.data.measured(), **SILENT).then(
            studio.data_judged, known, studio.data.enough, **SILENT
        )
    # Queued: a dry run takes as long as a few steps of training do.
    estimating = studio.model.estimate.click(
        partial(estimate.estimated, lang=lang), studio.form(),
        [studio.model.estimate, studio.model.estimated], api_visibility="private",
        show_progress="hidden", concurrency_id="estimate", concurrency_limit=1,
    )  # fmt: skip
    gr.on(
        [*(field.change for field in studio.estimated_on()), studio.new.click],
        studio.not_estimated, None, [studio.model.estimate, studio.model.estimated],
        cancels=[estimating], trigger_mode="always_last", **SILENT,
    )  # fmt: skip
    goal = studio.goal.form()
    studio.goal.onward.click(studio.goal_done, [studio.run_id, *goal], onward, **SILENT)
    studio.data.onward.click(studio.data_done, [studio.run_id, *form], onward, **SILENT)
    chosen = [studio.run_id, *chosen_model, *form[:2], *goal]
    studio.model.onward.click(studio.model_done, chosen, onward, **SILENT)


def _running(studio: Studio) -> None:
    outputs = studio.outputs()
    studio.convert.start.click(studio.starting, None, studio.onward(), **SILENT).then(
        studio.start, studio.form(), outputs, **SILENT
    )
    studio.timer.tick(studio.tick, [studio.run_id, studio.seen], outputs, **SILENT)
    studio.live.cancel.click(studio.cancel, studio.run_id, outputs, **SILENT)
    studio.live.resume.click(studio.resume, studio.run_id, outputs, **SILENT)
    studio.live.compare.click(studio.open, studio.run_id, outputs, **SILENT)


def _listing(archive: Archive) -> None:
    panel, filters = archive.panel, archive.filters()
    outputs = panel.outputs()
    for trigger in (panel.search.change, panel.state.change):
        trigger(archive.filter, filters, outputs, **SILENT)
    panel.contrast.click(archive.contrast, panel.picked, outputs, **SILENT)
    panel.rename.click(archive.rename, [panel.picked, panel.name, *filters], outputs, **SILENT)
    panel.delete.click(archive.ask, panel.picked, outputs, **SILENT)
    panel.confirm.click(archive.delete, [panel.picked, *filters], outputs, **SILENT)
    panel.keep.click(archive.filter, filters, outputs, **SILENT)
    studio = archive.studio
    forms = [*studio.outputs(), *studio.forms()]
    panel.rerun.click(archive.rerun, panel.picked, forms, **SILENT)


def _touring(studio: Studio, tour: Tour) -> None:
    place, outputs = tour.place(), tour.outputs()
    studio.landing.tour.click(tour.start, place, outputs, **SILENT)
    past_the_last = f"(target) => target || ({script('top')})()"
    tour.onward.click(tour.lead_on, [tour.number, *place], outputs, **SILENT).then(
        None, tour.target, None, js=past_the_last
    )
    tour.back.click(tour.lead_back, [tour.number, *place], outputs, **SILENT)
    for button in (tour.end, studio.home, studio.new):
        button.click(tour.close, None, [tour.column, tour.number, tour.target], **SILENT)
    tour.target.change(None, tour.target, None, js=script("tour"))
    lead = f"(target) => target && ({script('lead')})(target)"
    tour.target.change(None, tour.target, None, js=lead)
