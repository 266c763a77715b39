"""The pages, one per language, and what happens on which click.

The run's id lives in the browser (a hidden box and the address), so a refresh, a closed tab or a
restarted server loses nothing.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import gradio as gr

from app.pages import model
from app.pages.sample import Sample
from app.studio import Studio
from app.text import DEFAULT_LANG, PATHS, t

UPLOADS_LIVE_S = 86400
_ADDRESS = """(id) => {
  const url = new URL(window.location);
  if (id) { url.searchParams.set("run", id); } else { url.searchParams.delete("run"); }
  window.history.replaceState(null, "", url);
}"""
_SILENT: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}


def build(sample: Sample | None) -> gr.Blocks:
    """The app: one page per language from the same builder, all connected to their events."""
    with gr.Blocks(
        title=t("app.name", DEFAULT_LANG),
        analytics_enabled=False,
        delete_cache=(3600, UPLOADS_LIVE_S),
    ) as demo:
        _page(demo, DEFAULT_LANG, sample)
    for lang, path in PATHS.items():
        if lang != DEFAULT_LANG:
            # Events cannot cross pages, so each language has components and events of its own.
            with demo.route(t("language.name", lang), path, show_in_navbar=False):
                _page(demo, lang, sample)
    return demo


def _page(demo: gr.Blocks, lang: str, sample: Sample | None) -> None:
    gr.Navbar(visible=False)  # pyright: ignore[reportPrivateImportUsage]
    studio = Studio(lang, sample)
    _navigation(demo, studio)
    _choosing(studio)
    _running(studio)


def _navigation(demo: gr.Blocks, studio: Studio) -> None:
    outputs = studio.outputs()
    demo.load(studio.arrive, None, outputs, **_SILENT)
    studio.run_id.change(None, studio.run_id, None, js=_ADDRESS)
    studio.home.click(studio.go_home, None, outputs, **_SILENT)
    for button in (studio.new, studio.landing.own, studio.live.another):
        button.click(studio.set_up, None, outputs, **_SILENT)
    studio.landing.start.click(studio.with_bundled, None, outputs, **_SILENT)
    if studio.sample is not None:
        shown = partial(studio.open, studio.sample.run.id)
        studio.landing.see_sample.click(shown, None, outputs, **_SILENT)


def _choosing(studio: Studio) -> None:
    lang, outputs = studio.lang, studio.outputs()
    chosen_model = [studio.model.choice, studio.model.hub_id]
    studio.model.choice.change(
        studio.model_chosen, studio.model.choice, [studio.model.hub_box, studio.model.facts],
        **_SILENT,
    )  # fmt: skip
    studio.model.check.click(
        partial(model.check, lang=lang), chosen_model, studio.model.facts, queue=False,
        api_visibility="private",
    )  # fmt: skip
    studio.model.onward.click(studio.model_done, chosen_model, outputs, **_SILENT)

    chosen_data = [studio.data.choice, studio.data.file, studio.data.column]
    for trigger in (
        studio.data.choice.change, studio.data.file.upload, studio.data.file.clear,
        studio.data.column.submit, studio.data.column.blur,
    ):  # fmt: skip
        trigger(
            studio.data_chosen, chosen_data, [studio.data.upload_box, studio.data.preview],
            queue=False, api_visibility="private", show_progress="minimal",
        )  # fmt: skip
    studio.data.onward.click(studio.data_done, [*chosen_model, *chosen_data], outputs, **_SILENT)


def _running(studio: Studio) -> None:
    outputs = studio.outputs()
    form = [
        studio.model.choice, studio.model.hub_id, studio.data.choice, studio.data.file,
        studio.data.column, studio.convert.method, studio.convert.keep_every,
        studio.convert.recipe, studio.convert.seed,
    ]  # fmt: skip
    studio.convert.start.click(studio.starting, None, outputs, **_SILENT).then(
        studio.start, form, outputs, **_SILENT
    )
    studio.timer.tick(studio.tick, [studio.run_id, studio.seen], outputs, **_SILENT)
    studio.live.cancel.click(studio.cancel, studio.run_id, outputs, **_SILENT)
    studio.live.resume.click(studio.resume, studio.run_id, outputs, **_SILENT)
    studio.live.compare.click(studio.open, studio.run_id, outputs, **_SILENT)
