"""The last step's charts: drawn after its figures, a group at a time.

A browser is busy for a moment with every chart. In between it answers a click, and of a run that
the visitor has left no further group is drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from app import by_context, charts, problems, readings, room_reading, tables
from app.pages import grid, inner, money, pace, standing
from app.pages.compare import ComparePage
from app.text import sentences
from engine.errors import EngineError
from engine.evidence.results import Comparison
from engine.runs import service
from engine.runs.records import Run


@dataclass(frozen=True)
class Group:
    """Charts that are drawn at one go.

    Attributes:
        outputs: what they fill.
        values: for `outputs`, of a run and its comparison.
    """

    outputs: list[Any]
    values: Callable[[Run, Comparison], list[object]]


def groups(page: ComparePage, lang: str) -> list[Group]:
    """All charts of the step, in the order in which they stand."""
    return [
        Group(
            [*page.money.months.outputs(), *page.position.outputs(), *page.recall.outputs()],
            lambda run, result: [
                *money.months(page.money, money.of_run(run, result), lang),
                *_quality(page, result, lang),
            ],
        ),
        Group(page.grid.outputs(), lambda _, result: grid.values(page.grid, result, lang)),
        Group(page.inner.outputs(), lambda _, result: inner.values(page.inner, result, lang)),
        Group(
            [*page.memory.outputs(), *page.room.outputs()],
            lambda _, result: _memory(page, result, lang),
        ),
        Group(page.pace.outputs(), lambda _, result: pace.values(page.pace, result, lang)),
        Group(
            page.standing.outputs(),
            lambda run, result: standing.values(page.standing, run, result, lang),
        ),
    ]


def draw(group: Group, run_id: str, lang: str) -> list[object]:
    """Values for `group.outputs` and for the page's notice; nothing new where the visitor has left
    the run, or the run has no comparison."""
    untouched: list[object] = [gr.skip()] * len(group.outputs)
    if not run_id:
        return [*untouched, gr.skip()]
    try:
        with problems.guard():
            run, content = service.get(run_id), service.comparison(run_id)
            if content is None:
                return [*untouched, gr.skip()]
            return [*group.values(run, Comparison.model_validate(content)), gr.skip()]
    except EngineError as error:
        return [*untouched, problems.box(error, lang)]


def _quality(page: ComparePage, result: Comparison, lang: str) -> list[object]:
    told = [readings.perplexity(result, lang), readings.by_position(result, lang)]
    has_recall = result.recall.original is not None
    return [
        *page.position.update(
            charts.perplexity_by_position(result, lang), sentences(lang, told),
            tables.position(result, lang),
        ),
        *page.recall.update(
            charts.recall_by_distance(result, lang) if has_recall else None,
            readings.recall(result, lang), tables.recall(result, lang),
        ),
    ]  # fmt: skip


def _memory(page: ComparePage, result: Comparison, lang: str) -> list[object]:
    told = [
        readings.memory(result, lang), room_reading.ran_out(result, lang),
        readings.crossover(result, "cache", lang),
    ]  # fmt: skip
    return [
        *page.memory.update(
            by_context.memory(result, lang), sentences(lang, told), tables.memory(result, lang)
        ),
        *page.room.update(
            by_context.room(result, lang),
            sentences(lang, [readings.peak(result, lang), room_reading.room(result, lang)]),
            tables.room(result, lang),
        ),
    ]
