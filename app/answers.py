"""Answers of the models side by side as HTML; every value from outside is escaped here, once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app import components as ui


@dataclass(frozen=True)
class AnswerView:
    """One model's answer, ready to show."""

    party: ui.Party
    name: str
    text: str
    facts: tuple[tuple[str, str | ui.Short], ...]


def answers(prompt_title: str, prompt: str, views: Sequence[AnswerView]) -> str:
    """One prompt and the answers to it, side by side."""
    cells = "".join(
        f'<article class="ts-answer {view.party}">'
        f'<h3><i class="ts-mark {view.party}"></i>{ui.esc(view.name)}</h3>'
        f'<div class="ts-text" tabindex="0">{ui.esc(view.text)}</div>'
        f"{ui.facts(view.facts)}</article>"
        for view in views
    )
    return ui.wrap(
        f'<p class="ts-small ts-muted">{ui.esc(prompt_title)}</p>'
        f"{_end(prompt)}"
        f'<div class="ts-answers">{cells}</div>',
        extra="ts-stack",
    )


def _end(prompt: str) -> str:
    """A long text in a box that shows its end first; its beginning is reached by scrolling up."""
    return (
        f'<div class="ts-text ts-small ts-end" tabindex="0"><div>{ui.esc(prompt)}</div></div>'
    )


def blind_pair(title: str, prompt: str, sides: Sequence[tuple[str, str]]) -> str:
    """One prompt and two answers whose writers are not named: (name of the side, answer)."""
    cells = "".join(
        f'<article class="ts-answer"><h3>{ui.esc(name)}</h3>'
        f'<div class="ts-text" tabindex="0">{ui.esc(text)}</div></article>'
        for name, text in sides
    )
    return ui.wrap(
        f"<h3>{ui.esc(title)}</h3>{_end(prompt)}"
        f'<div class="ts-answers">{cells}</div>',
        extra="ts-stack",
    )


@dataclass(frozen=True)
class LiveView:
    """One model while it answers."""

    party: ui.Party
    name: str
    status: str
    spans: tuple[tuple[str, bool], ...]
    """Pieces of the answer, and whether the other model wrote something else there."""
    facts: tuple[tuple[str, str | ui.Short], ...]


def live_panes(views: Sequence[LiveView], legend: str) -> str:
    """Both models side by side; where they differ is marked and underlined."""
    cells = []
    for view in views:
        text = "".join(
            f"<mark>{ui.esc(piece)}</mark>" if differs else ui.esc(piece)
            for piece, differs in view.spans
        )
        cells.append(
            f'<article class="ts-answer {view.party}">'
            f'<h3><i class="ts-mark {view.party}"></i>{ui.esc(view.name)}'
            f"<small>{ui.esc(view.status)}</small></h3>"
            f'<div class="ts-text ts-live" tabindex="0">{text}</div>'
            f"{ui.facts(view.facts)}</article>"
        )
    return ui.wrap(
        f'<div class="ts-answers">{"".join(cells)}</div>'
        f'<p class="ts-small ts-muted"><mark>{ui.esc(legend)}</mark></p>',
        extra="ts-stack",
    )
