"""Answers of the models side by side as HTML; every value from outside is escaped here, once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from app import components as ui

Look = Literal["same", "differs", "first"]
"""Of a piece of an answer, held against the other answer."""
Span = tuple[str, Look]


@dataclass(frozen=True)
class Legend:
    """What the marks mean; read aloud and shown below the answers."""

    here: str
    """Said before the first piece at which the answers part, to those who cannot see its mark."""
    first: str
    differs: str
    note: str = ""


def _marked(spans: Sequence[Span], here: str) -> str:
    """An answer: what the other one lacks is underlined, where they part is bold behind a bar."""
    made = []
    for piece, look in spans:
        if look == "first":
            said = f'<span class="ts-unseen">{ui.esc(here)}</span>'
            blank = "" if piece.strip() else " ts-blank"
            made.append(f'{said}<mark class="ts-first{blank}">{ui.esc(piece)}</mark>')
        elif look == "differs":
            made.append(f"<mark>{ui.esc(piece)}</mark>")
        else:
            made.append(ui.esc(piece))
    return "".join(made)


def _explained(legend: Legend | None) -> str:
    if legend is None:
        return ""
    note = f" {ui.esc(legend.note)}" if legend.note else ""
    return (
        f'<p class="ts-small ts-muted"><mark class="ts-first">{ui.esc(legend.first)}</mark> '
        f"<mark>{ui.esc(legend.differs)}</mark>{note}</p>"
    )


@dataclass(frozen=True)
class AnswerView:
    """One model's answer, ready to show."""

    party: ui.Party
    name: str
    spans: tuple[Span, ...]
    facts: tuple[tuple[str, str | ui.Short], ...]


def answers(
    prompt_title: str, prompt: str, views: Sequence[AnswerView], legend: Legend | None,
    language: str = "",
) -> str:  # fmt: skip
    """One prompt and the answers to it, side by side; no legend where nothing is marked.

    language: said above, where they are in another than the page.
    """
    here = legend.here if legend else ""
    cells = "".join(
        f'<article class="ts-answer {view.party}">'
        f'<h3><i class="ts-mark {view.party}"></i>{ui.esc(view.name)}</h3>'
        f'<div class="ts-text" tabindex="0">{_marked(view.spans, here)}</div>'
        f"{ui.facts(view.facts)}</article>"
        for view in views
    )
    return ui.wrap(
        f'<p class="ts-small ts-muted">{ui.esc(prompt_title)}</p>'
        f"{_language(language)}{_end(prompt)}"
        f'<div class="ts-answers">{cells}</div>{_explained(legend)}',
        extra="ts-stack",
    )


def _end(prompt: str) -> str:
    """A long text in a box that shows its end first; its beginning is reached by scrolling up."""
    return (
        f'<div class="ts-text ts-small ts-end" tabindex="0"><div>{ui.esc(prompt)}</div></div>'
    )


def _language(said: str) -> str:
    return f'<p class="ts-small"><span class="ts-label">{ui.esc(said)}</span></p>' if said else ""


def blind_pair(
    title: str, prompt: str, sides: Sequence[tuple[str, str]], language: str = ""
) -> str:  # fmt: skip
    """One prompt and two answers whose writers are not named: (name of the side, answer).

    language: said above, where they are in another than the page.
    """
    cells = "".join(
        f'<article class="ts-answer"><h3>{ui.esc(name)}</h3>'
        f'<div class="ts-text" tabindex="0">{ui.esc(text)}</div></article>'
        for name, text in sides
    )
    return ui.wrap(
        f"<h3>{ui.esc(title)}</h3>{_language(language)}{_end(prompt)}"
        f'<div class="ts-answers">{cells}</div>',
        extra="ts-stack",
    )


@dataclass(frozen=True)
class LiveView:
    """One model while it answers."""

    party: ui.Party
    name: str
    status: str
    spans: tuple[Span, ...]
    facts: tuple[tuple[str, str | ui.Short], ...]


def live_panes(views: Sequence[LiveView], legend: Legend) -> str:
    """Both models side by side; where they part, and where they differ, is marked."""
    cells = "".join(
        f'<article class="ts-answer {view.party}">'
        f'<h3><i class="ts-mark {view.party}"></i>{ui.esc(view.name)}'
        f"<small>{ui.esc(view.status)}</small></h3>"
        f'<div class="ts-text ts-live" tabindex="0">{_marked(view.spans, legend.here)}</div>'
        f"{ui.facts(view.facts)}</article>"
        for view in views
    )
    return ui.wrap(f'<div class="ts-answers">{cells}</div>{_explained(legend)}', extra="ts-stack")
