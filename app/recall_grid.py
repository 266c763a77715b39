"""Who still finds what: recall by distance and language, or by length and depth, both models."""

from __future__ import annotations

from dataclasses import dataclass

from app import heat, notes, readings, tables
from app.charts import Figure
from app.components import Party
from app.lengths import short
from app.numbers import count, percent
from app.text import sentences, t
from engine.evidence.behaviour_parts import NeedleTaskGrid
from engine.evidence.results import Comparison

BY_DISTANCE = "distance"
"""The choice that every comparison has; the others are needle tasks, on request."""


@dataclass(frozen=True)
class Cell:
    """Questions of one place, and who answered how many."""

    row: str
    column: str
    n: int
    original: int
    converted: int
    control: int | None = None
    """None where the control was not asked."""


def choices(comparison: Comparison, lang: str) -> list[tuple[str, str]]:
    """What can be shown: its name and its key."""
    made = [(t("grid.distance", lang), BY_DISTANCE)] if _by_distance(comparison, lang) else []
    grid = comparison.needles
    return made + [(_task_name(task, lang), _key(task)) for task in (grid.tasks if grid else ())]


def _key(task: NeedleTaskGrid) -> str:
    return f"{task.task}/{task.language}"


def _task_name(task: NeedleTaskGrid, lang: str) -> str:
    name = t(f"alike.task.{task.task}", lang, language=task.language)
    return name if task.judged else f"{name} {t('alike.not_judged', lang)}"


def _task(comparison: Comparison, choice: str) -> NeedleTaskGrid | None:
    grid = comparison.needles
    return next((x for x in (grid.tasks if grid else ()) if _key(x) == choice), None)


def cells(comparison: Comparison, choice: str, lang: str) -> list[Cell]:
    """The cells of one choice; none where nothing was asked."""
    task = _task(comparison, choice)
    if task is None:
        return _by_distance(comparison, lang) if choice == BY_DISTANCE else []
    return [
        Cell(percent(c.depth, lang=lang), count(c.length_tokens), c.n, c.original, c.converted,
             c.control)
        for c in sorted(task.cells, key=lambda c: (c.depth, c.length_tokens))
    ]


def _by_distance(comparison: Comparison, lang: str) -> list[Cell]:
    found = comparison.recall
    if found.original is None or found.converted is None:
        return []
    three = (found.original, found.converted, found.control or found.original)
    # Files of schema version 1 tell no languages apart.
    told_apart = all(one.by_language for one in three)
    theirs, mine, fine_tuned = (
        one.by_language if told_apart else one.by_distance for one in three
    )
    made = [
        (getattr(a, "language", ""), a.distance_tokens, a.n, a.correct, b.correct, c.correct)
        for a, b, c in zip(theirs, mine, fine_tuned, strict=True)
    ]
    return [
        Cell(_language(code, lang), count(distance), n, original, converted,
             right if found.control else None)
        for code, distance, n, original, converted, right in sorted(made)
    ]  # fmt: skip


def _language(code: str, lang: str) -> str:
    return t(f"grid.language.{code or 'all'}", lang)


def charts(comparison: Comparison, choice: str, lang: str) -> tuple[Figure, Figure] | None:
    """The grids of the original and of the converted model, in one scale: 0 to 100 %."""
    found = cells(comparison, choice, lang)
    if not found:
        return None
    return _grid(found, "original", choice, lang), _grid(found, "converted", choice, lang)


def _grid(found: list[Cell], party: Party, choice: str, lang: str) -> Figure:
    by_place = {(c.row, c.column): c for c in found}
    rows = list(dict.fromkeys(c.row for c in found))
    columns = sorted({c.column for c in found}, key=lambda name: int(name.replace(",", "")))
    values: list[list[float | None]] = []
    said: list[list[str]] = []
    for row in rows:
        line = [by_place.get((row, column)) for column in columns]
        values.append([None if c is None else 100 * getattr(c, party) / c.n for c in line])
        said.append(["" if c is None else f"{getattr(c, party)}/{c.n}" for c in line])
    distance = choice == BY_DISTANCE
    made = heat.heat(
        values, said, columns=columns, rows=rows, top=100, unit="%",
        ticks=[short(int(name.replace(",", ""))) for name in columns],
        x_title=t("axis.distance" if distance else "alike.length", lang),
        y_title=t("grid.language_axis" if distance else "alike.depth", lang),
    )  # fmt: skip
    return heat.of_party(made, party, lang)


def reading(comparison: Comparison, choice: str, lang: str) -> str:
    """Where the converted model finds least of what the original finds."""
    task = _task(comparison, choice)
    if task is None:
        return readings.recall(comparison, lang)
    grid = comparison.needles
    note = notes.told(grid.note, lang) if grid else ""
    found = cells(comparison, choice, lang)
    if not found:
        return note
    worst = max(found, key=lambda c: (c.original - c.converted) / c.n)
    look = "lost" if worst.original > worst.converted else "kept"
    said = t(
        f"grid.{look}", lang, length=worst.column, depth=worst.row,
        original=f"{worst.original}/{worst.n}", converted=f"{worst.converted}/{worst.n}",
    )  # fmt: skip
    return sentences(lang, [said, note])


def table(comparison: Comparison, choice: str, lang: str) -> str:
    """The same cells as numbers, the control's besides."""
    distance = choice == BY_DISTANCE
    found = cells(comparison, choice, lang)
    controlled = any(c.control is not None for c in found)
    parties = ("original", *(("control",) if controlled else ()), "converted")
    columns = [
        t("grid.language_axis" if distance else "alike.depth", lang),
        t("axis.distance" if distance else "alike.length", lang),
        *(t(f"party.{party}", lang) for party in parties),
    ]  # fmt: skip
    rows = [
        [c.row, c.column, *("–" if (right := getattr(c, party)) is None else f"{right}/{c.n}"
                            for party in parties)]
        for c in found
    ]  # fmt: skip
    return tables.numbers(columns, rows, t("grid.title", lang), lang)
