"""How a visitor gets to a place without a click on the page: its address, a refresh, Back."""

from __future__ import annotations

from urllib.parse import parse_qs

import gradio as gr

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
        lost = bool(known) and self.studio.data.choice not in known
        if not run_id and lost and step in (MODEL, CONVERT):
            # An earlier run's file, which only that run's rerun offers: never another in silence.
            return {**known, **self.studio.set_up(DATA)}
        if not run_id and step == CONVERT:
            return {**known, **self._before_start(known)}
        return {**known, **self._placed(run_id, step)}

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
        """The last step before a run, with what was chosen; a file has to be chosen again."""
        studio = self.studio
        if known.get(studio.data.choice) == data.UPLOAD:
            return studio.set_up(DATA)
        chosen = [known.get(field, field.value) for field in studio.remembered()]
        model_choice, hub_id, data_choice = chosen[:3]
        goal_form = chosen[-len(studio.goal.form()):]  # fmt: skip
        try:
            summary = convert.summarise(
                model_choice, hub_id, data_choice, None, *goal_form, lang=studio.lang
            )
        except EngineError:
            return studio.set_up(GOAL)
        return {**studio.set_up(CONVERT), studio.convert.summary: summary}
