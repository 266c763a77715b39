"""The list of runs; each row links to the page of its run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from app import components as ui
from app.numbers import moment
from app.text import PATHS, t
from engine.runs.records import Run


def runs_table(runs: Sequence[Run], lang: str) -> str:
    """All runs as a table with links, newest first; a sentence while there are none."""
    if not runs:
        return ui.notice("info", t("history.empty", lang), t("history.empty_hint", lang))
    rows = [
        (
            ui.Link(f"{PATHS[lang]}?run={run.id}", _name(run, lang)),
            moment(datetime.fromtimestamp(run.created_at, UTC), lang),
            str(run.config.get("model", "")),
            str(run.config.get("data", "")),
            str((run.config.get("method") or {}).get("name", "")),
            str(run.config.get("recipe_name", "")),
            t(f"state.{run.state}", lang),
        )
        for run in runs
    ]  # fmt: skip
    columns = ["run", "created", "model", "data", "method", "recipe", "state"]
    return ui.table(
        [t(f"history.column.{column}", lang) for column in columns],
        rows,
        caption=t("history.title", lang),
        words=True,
    )


def _name(run: Run, lang: str) -> str:
    if run.sample:
        return t("history.sample", lang)
    return run.name or t("history.open", lang, id=run.id)
