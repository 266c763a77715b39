"""How a visitor gets to a place without a click on the page: its address, a refresh, Back."""

from __future__ import annotations

from urllib.parse import parse_qs

import gradio as gr

from app import uploads
from app.draft import restored
from app.pages import convert, data
from app.places import COMPARE, CONVERT, DATA, GOAL, MODEL, Updates
from app.studio import Studio
from engine.errors import EngineError

_STEPS = {str(step): step for step in (GOAL, DATA, MODEL, CONVERT, COMPARE)}


class Arrival:
    """Arriving on one language's page."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio

    def arrive(self, draft: str, request: gr.Request) -> Updates:
        """The page was opened or refreshed: show the place that the address names, with the forms
        as they were left."""
        query = request.query_params
        run_id, step = str(query.get("run", "")), _STEPS.get(str(query.get("step", "")))
        known = restored(draft, self.studio.remembered())
        if not run_id and self._lost(known) and step in (MODEL, CONVERT):
            return {**known, **self.studio.set_up(DATA)}
        if not run_id and step == CONVERT:
            return {**known, **self._before_start(known)}
        return {**known, **self._placed(run_id, step)}

    def _lost(self, known: Updates) -> bool:
        """Whether the file that was chosen is not to be had any more, which must never become
        another in silence: an earlier run's, which only that run's rerun offers, or an upload
        that is gone."""
        choice, kept = self.studio.data.choice, self.studio.data.kept
        if known.get(choice) == data.UPLOAD:
            return uploads.found(known.get(kept)) is None
        return bool(known) and choice not in known

    def go_back(self, search: str) -> Updates:
        """Back or forward in the browser: show the place that the address now names. The forms
        still hold what they held."""
        query = parse_qs(search[:500].lstrip("?"))
        run_id, step = (query.get(name, [""])[0] for name in ("run", "step"))
        if not run_id and step not in _STEPS:
            return self.studio.go_home()
        return self._placed(run_id, _STEPS.get(step))

    def _placed(self, run_id: str, step: int | None) -> Updates:
        if run_id:
            return self.studio.open(run_id, step)
        if step in (GOAL, DATA, MODEL, CONVERT):
            return self.studio.set_up(step)
        return self.studio.history()

    def _before_start(self, known: Updates) -> Updates:
        """The last step before a run, with what was chosen."""
        studio = self.studio
        chosen = [known.get(field, field.value) for field in studio.remembered()]
        model_choice, hub_id, data_choice, upload = chosen[:4]
        goal_form = chosen[-len(studio.goal.form()):]  # fmt: skip
        try:
            summary = convert.summarise(
                model_choice, hub_id, data_choice, upload, *goal_form, lang=studio.lang
            )
        except EngineError:
            return studio.set_up(GOAL)
        return {**studio.set_up(CONVERT), studio.convert.summary: summary}
