"""What happens on the list of runs: every method reads the run store, or changes one row of it."""

from __future__ import annotations

from typing import Any

import gradio as gr

from app import components as html
from app import contrast, problems
from app.pages import history
from app.places import Updates
from app.readings import listed
from app.studio import Studio
from app.text import t
from engine.errors import EngineError
from engine.runs import service


class Archive:
    """The list of runs on one language's page."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        self.panel = studio.landing.history
        self.lang = studio.lang

    def filter(self, search: str, state: str) -> Updates:
        """The runs that fit, in the table and to pick from."""
        try:
            with problems.guard():
                runs = history.found(service.list_runs(), search or "", state)
        except EngineError as error:
            return {self.panel.table: problems.box(error, self.lang)}
        return {
            self.panel.table: history.runs_table(runs, self.lang),
            self.panel.picked: gr.update(choices=history.choices(runs, self.lang), value=[]),
            self.panel.sure: gr.update(visible=False),
            self.panel.told: "",
        }

    def contrast(self, picked: list[str]) -> Updates:
        """Which settings differ between the runs picked, and what came out."""
        if len(picked or []) < 2:
            return self._say(t("history.pick_two", self.lang))
        try:
            with problems.guard():
                runs = [service.get(run_id) for run_id in picked]
                told = contrast.table(
                    [(history.title(run, self.lang), run, self.studio.comparison(run))
                     for run in runs], self.lang,
                )  # fmt: skip
        except EngineError as error:
            return {self.panel.told: problems.box(error, self.lang)}
        return {self.panel.told: told, self.panel.sure: gr.update(visible=False)}

    def rename(self, picked: list[str], name: str, search: str, state: str) -> Updates:
        """Give the one run picked another name."""
        if len(picked or []) != 1:
            return self._say(t("history.pick_one", self.lang))
        try:
            with problems.guard():
                service.rename(picked[0], name.strip())
        except EngineError as error:
            return {self.panel.told: problems.box(error, self.lang)}
        done = html.notice("good", t("history.renamed", self.lang, name=name.strip()))
        return {**self.filter(search, state), self.panel.told: done}

    def ask(self, picked: list[str]) -> Updates:
        """Name what would be deleted, and ask once more."""
        if not picked:
            return self._say(t("history.pick_any", self.lang))
        try:
            with problems.guard():
                names = [history.title(service.get(run_id), self.lang) for run_id in picked]
        except EngineError as error:
            return {self.panel.told: problems.box(error, self.lang)}
        title = t("history.sure", self.lang, names=listed(names, self.lang))
        asked = html.notice("warn", title, t("history.sure_text", self.lang))
        return {self.panel.told: asked, self.panel.sure: gr.update(visible=True)}

    def delete(self, picked: list[str], search: str, state: str) -> Updates:
        """Remove the runs picked for good; the first that cannot be is explained."""
        told = html.notice("good", t("history.deleted", self.lang))
        try:
            with problems.guard():
                for run_id in picked or []:
                    service.delete(run_id)
        except EngineError as error:
            told = problems.box(error, self.lang)
        return {**self.filter(search, state), self.panel.told: told}

    def rerun(self, picked: list[str]) -> Updates:
        """The forms filled with the settings of the one run picked, from the goal on."""
        if len(picked or []) != 1:
            return self._say(t("history.pick_one", self.lang))
        try:
            with problems.guard():
                return self.studio.from_run(service.get(picked[0]))
        except EngineError as error:
            return {self.panel.told: problems.box(error, self.lang)}

    def _say(self, text: str) -> Updates:
        return {
            self.panel.told: html.notice("info", text),
            self.panel.sure: gr.update(visible=False),
        }

    def filters(self) -> list[Any]:
        """The components that say which runs are wanted."""
        return [self.panel.search, self.panel.state]
