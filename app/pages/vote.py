"""The blind vote: two answers side by side, four buttons, the count so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from app import answers, problems, text_language
from app import components as ui
from app.blocks import block
from app.numbers import count, percent
from app.text import sentences, t, tn
from engine.errors import BadRunConfig, EngineError
from engine.evidence.votes import Choice, VoteCount
from engine.runs import ballot, paths

CHOICES = ("left", "right", "tie", "both_bad")


@dataclass(frozen=True)
class VotePanel:
    """Its components that events touch."""

    pair: gr.HTML
    number: gr.Textbox
    buttons: gr.Row
    choices: tuple[gr.Button, ...]
    count: gr.HTML
    tried: gr.State
    """Votes on a sample, which nobody can change: they last as long as the page is open."""

    def outputs(self) -> list[Any]:
        """What `values` fills, in order."""
        return [self.pair, self.number, self.buttons, self.count, self.tried]


def build(lang: str) -> VotePanel:
    """Lay the section out, empty."""
    block(ui.section(t("vote.title", lang), t("vote.text", lang), more=t("glossary.vote", lang)))
    with gr.Column(elem_classes="ts-panel"):
        pair = block(elem_id="vote-pair")
        number = gr.Textbox("", visible="hidden", elem_id="vote-number")
        with gr.Row(elem_classes="ts-actions", visible=False) as buttons:
            choices = tuple(gr.Button(t(f"vote.{choice}", lang)) for choice in CHOICES)
        counted = block(elem_id="vote-count")
    return VotePanel(pair, number, buttons, choices, counted, gr.State({}))


def values(
    run_id: str, lang: str, tried: Mapping[int, Choice] | None = None
) -> list[object]:
    """Values for `VotePanel.outputs()`: the next pair, or that there is none, and the count.

    Args:
        run_id: of the run on show.
        lang: of the page.
        tried: this visitor's votes, where the run is a sample.
    """
    sample = paths.is_sample_id(run_id)
    cast: Mapping[int, Choice] | None = (tried or {}) if sample else None
    kept: list[object] = [cast or {}]
    hidden = gr.update(visible=False)
    try:
        with problems.guard():
            pair, counted = ballot.next_pair(run_id, cast), ballot.counted(run_id, cast)
    except BadRunConfig:  # made before there were votes, or without
        nothing = ui.notice("info", t("vote.none", lang), t("vote.none_text", lang))
        return [nothing, "", hidden, "", *kept]
    except EngineError as error:
        return [problems.box(error, lang), "", hidden, "", *kept]
    said = told(counted, lang) + (ui.inline([t("vote.sample", lang)]) if sample else "")
    if pair is None:
        return [ui.notice("info", t("vote.done", lang)), "", hidden, said, *kept]
    title = t("vote.pair", lang, number=count(pair.number), pairs=count(counted.pairs))
    shown = answers.blind_pair(
        title, pair.prompt_tail,
        [(t("vote.left", lang), pair.left), (t("vote.right", lang), pair.right)],
        text_language.foreign(pair.prompt_tail + pair.left + pair.right, lang),
    )  # fmt: skip
    return [shown, str(pair.number), gr.update(visible=True), said, *kept]


def cast(
    run_id: str, number: str, tried: Mapping[int, Choice] | None, *, choice: str, lang: str
) -> list[object]:
    """Count a vote and show the next pair; a vote that cannot be counted is explained."""
    try:
        with problems.guard():
            if paths.is_sample_id(run_id):
                which = int(number or 0)
                tried = {**(tried or {}), which: ballot.checked(run_id, which, choice)}
            else:
                ballot.vote(run_id, int(number or 0), choice)
    except EngineError as error:
        return [*[gr.skip()] * 3, problems.box(error, lang), gr.skip()]
    return values(run_id, lang, tried)


def told(counted: VoteCount, lang: str) -> str:
    """The count: votes by kind, win rate with its interval, and who is preferred, if anyone."""
    kinds = ("converted", "original", "tie", "both_bad")
    facts: list[tuple[str, str | ui.Short]] = [
        (t(f"vote.for.{kind}", lang), count(getattr(counted, kind))) for kind in kinds
    ]
    reading = t(f"vote.reading.{counted.reading}", lang)
    if counted.win_rate is not None:
        rate = counted.win_rate
        reading = sentences(lang, [reading, tn(
            "vote.rate", lang, rate.n, rate=percent(rate.estimate, lang=lang),
            low=percent(rate.low, lang=lang), high=percent(rate.high, lang=lang),
            level=percent(rate.level, lang=lang),
        )])  # fmt: skip
    if counted.same_answers:
        reading = sentences(lang, [reading, tn("vote.same", lang, counted.same_answers)])
    return ui.facts(facts) + ui.reading(reading)
