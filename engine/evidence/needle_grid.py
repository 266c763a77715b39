"""Needle tasks by length and depth: who still finds what, and may it be held against the converted
model?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.data.needles import DEPTHS, NEEDLE_TASKS, NeedleProbe, needle_lengths
from engine.evidence.behaviour_parts import NeedleCell, NeedleGrid, NeedleTaskGrid
from engine.evidence.recall import PASS_ACCURACY


def needle_grid(
    probes: Sequence[NeedleProbe],
    passed: Mapping[str, Sequence[bool]],
    *,
    context_tokens: int,
    per_cell: int,
) -> NeedleGrid:
    """Every task's grid. A task in a language is judged when the original answers at least half of
    its shortest length's questions, over all depths.

    Args:
        probes: what was asked.
        passed: for "original", "converted" and perhaps "control", what `ask` gave.
        context_tokens: of the original.
        per_cell: questions that each cell should have.
    """
    grids: list[NeedleTaskGrid] = []
    absent: list[str] = []
    for task in NEEDLE_TASKS:
        for language in ("en", "ja"):
            mine = [i for i, p in enumerate(probes) if (p.task, p.language) == (task, language)]
            if not mine:
                absent.append(f"{task} ({language})")
                continue
            shortest = min(probes[i].length_tokens for i in mine)
            first = [passed["original"][i] for i in mine if probes[i].length_tokens == shortest]
            grids.append(
                NeedleTaskGrid(
                    task=task,
                    language=language,
                    judged=sum(first) >= PASS_ACCURACY * len(first),
                    cells=_cells(probes, passed, mine),
                )
            )
    judged = [f"{grid.task} ({grid.language})" for grid in grids if grid.judged]
    note = (
        f"Judged, since the original answers at least {100 * PASS_ACCURACY:.0f} % at the shortest"
        f" length: {', '.join(judged)}."
        if judged
        else "The original passes no task, so the converted model cannot be judged on them."
    )
    if absent:
        note += f" Left out, as tokenizer or context cannot hold them: {', '.join(absent)}."
    return NeedleGrid(
        tasks=tuple(grids),
        lengths=tuple(needle_lengths(context_tokens)),
        depths=DEPTHS,
        per_cell=per_cell,
        note=note,
    )


def _cells(
    probes: Sequence[NeedleProbe], passed: Mapping[str, Sequence[bool]], mine: Sequence[int]
) -> tuple[NeedleCell, ...]:
    """The cells that have questions, shortest first, then from the beginning on."""
    places = sorted({(probes[i].length_tokens, probes[i].depth) for i in mine})
    cells = []
    for length, depth in places:
        here = [i for i in mine if (probes[i].length_tokens, probes[i].depth) == (length, depth)]
        right = {name: sum(which[i] for i in here) for name, which in passed.items()}
        cells.append(
            NeedleCell(
                length_tokens=length,
                depth=depth,
                n=len(here),
                original=right["original"],
                converted=right["converted"],
                control=right.get("control"),
            )
        )
    return tuple(cells)
