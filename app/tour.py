"""The two-minute tour: six stops through the sample run, in a panel that leads on, back and out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from app import components as ui
from app.blocks import block
from app.places import COMPARE, GOAL, Updates
from app.studio import Studio
from app.text import t


@dataclass(frozen=True)
class Stop:
    """A place of the tour.

    Attributes:
        name: of its texts.
        step: of the walkthrough.
        target: CSS selector of what is spoken of; the first of it that is to be seen is meant.
    """

    name: str
    step: int
    target: str


STOPS = (
    Stop("verdict", COMPARE, "#verdict"),
    Stop("figures", COMPARE, "#kpis, #tiles"),
    Stop("gates", GOAL, "#agreed"),
    Stop("memory", COMPARE, "#memory-chart"),
    Stop("live", COMPARE, "#live-answers"),
    Stop("report", COMPARE, "#report"),
)


class Tour:
    """The panel on one language's page, and what its buttons do."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        self.lang = studio.lang
        self.number = gr.Textbox("", visible="hidden")
        self.target = gr.Textbox("", visible="hidden")
        with gr.Column(visible=False, elem_id="tour") as self.column:
            self.text = block(elem_id="tour-text")
            with gr.Row(elem_classes="ts-actions"):
                self.onward = gr.Button(variant="primary", elem_id="tour-next", size="sm")
                self.back = gr.Button(t("tour.back", self.lang), size="sm")
                self.end = gr.Button(t("tour.end", self.lang), elem_id="tour-end", size="sm")

    def start(self, run_id: str, step: str) -> Updates:
        """The first stop, wherever the visitor is."""
        return self._at(0, run_id, step)

    def lead_on(self, number: str, run_id: str, step: str) -> Updates:
        """The next stop; after the last one the visitor's own data."""
        following = _known(number) + 1
        if following == len(STOPS):
            return {**self.close(), **self.studio.with_own()}
        return self._at(following, run_id, step)

    def lead_back(self, number: str, run_id: str, step: str) -> Updates:
        """The stop before."""
        return self._at(max(0, _known(number) - 1), run_id, step)

    def close(self) -> Updates:
        """Out of the tour; the page stays where it is."""
        return {self.column: gr.update(visible=False), self.number: "", self.target: ""}

    def _at(self, number: int, run_id: str, step: str) -> Updates:
        stop, sample = STOPS[number], self.studio.sample
        if sample is None:
            return self.close()
        moved: Updates = {}
        if run_id != sample.run.id:
            moved = self.studio.open(sample.run.id, stop.step)
        elif step != str(stop.step):
            moved = self.studio.to(stop.step)
        title = t("tour.place", self.lang, number=number + 1, of=len(STOPS),
                  title=t(f"tour.title.{stop.name}", self.lang))  # fmt: skip
        last = number == len(STOPS) - 1
        return {
            **moved,
            self.column: gr.update(visible=True),
            self.text: ui.section(title, t(f"tour.text.{stop.name}", self.lang)),
            self.onward: t("tour.own" if last else "tour.next", self.lang),
            self.back: gr.update(interactive=number > 0),
            self.number: str(number),
            self.target: stop.target,
        }

    def place(self) -> list[Any]:
        """Where the visitor is, as the handlers take it."""
        return [self.studio.run_id, self.studio.step]

    def outputs(self) -> list[Any]:
        """Everything that the handlers may touch."""
        return [
            self.column, self.text, self.onward, self.back, self.number, self.target,
            *self.studio.outputs(),
        ]  # fmt: skip


def _known(number: str) -> int:
    return int(number) if number.isdecimal() and int(number) < len(STOPS) else 0
