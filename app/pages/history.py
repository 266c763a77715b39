"""All runs: found by word and state, compared, renamed, deleted, made again with changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import gradio as gr

from app import components as ui
from app import notes
from app.blocks import block
from app.numbers import moment
from app.text import PATHS, t
from engine.report.source import place_less
from engine.runs.records import WORKING, Run

ANY, AT_WORK, DONE, STOPPED = "any", "at_work", "done", "stopped"
_STATES: dict[str, tuple[str, ...]] = {
    AT_WORK: WORKING, DONE: ("done",), STOPPED: ("failed", "cancelled", "interrupted"),
}  # fmt: skip


@dataclass(frozen=True)
class HistoryPanel:
    """Its components that events touch."""

    search: gr.Textbox
    state: gr.Dropdown
    table: gr.HTML
    picked: gr.Dropdown
    contrast: gr.Button
    rerun: gr.Button
    name: gr.Textbox
    rename: gr.Button
    delete: gr.Button
    sure: gr.Row
    confirm: gr.Button
    keep: gr.Button
    told: gr.HTML

    def outputs(self) -> list[Any]:
        """What any of its events may touch."""
        return [self.table, self.picked, self.sure, self.told]


def build(lang: str) -> HistoryPanel:
    """Lay the list out, empty."""
    block(ui.section(t("history.title", lang), t("history.text", lang)))
    with gr.Row(elem_classes="ts-fields ts-panel"):
        search = gr.Textbox(
            label=t("history.search", lang), max_lines=1, max_length=100,
            placeholder=t("history.search_example", lang), elem_id="history-search",
        )  # fmt: skip
        state = gr.Dropdown(
            [(t(f"history.state.{one}", lang), one) for one in (ANY, *_STATES)], value=ANY,
            label=t("history.column.state", lang), filterable=False,
        )  # fmt: skip
    table = block(runs_table([], lang), elem_id="runs")
    with gr.Accordion(t("history.work", lang), open=False, elem_classes="ts-fold"):
        picked = gr.Dropdown(
            [], value=[], multiselect=True, label=t("history.picked", lang),
            info=t("history.picked_info", lang), elem_id="picked",
        )  # fmt: skip
        with gr.Row(elem_classes="ts-actions"):
            contrast = gr.Button(t("history.contrast", lang))
            rerun = gr.Button(t("history.rerun", lang))
            delete = gr.Button(t("history.delete", lang))
        with gr.Row(elem_classes="ts-fields"):
            name = gr.Textbox(label=t("history.name", lang), max_lines=1, max_length=64)
            rename = gr.Button(t("history.rename", lang))
        told = block(elem_id="history-told")
        with gr.Row(elem_classes="ts-actions", visible=False) as sure:
            confirm = gr.Button(t("history.confirm", lang), variant="stop")
            keep = gr.Button(t("history.keep", lang))
    return HistoryPanel(
        search, state, table, picked, contrast, rerun, name, rename, delete, sure, confirm, keep,
        told,
    )  # fmt: skip


def found(runs: Sequence[Run], search: str, state: str) -> list[Run]:
    """The runs in that state whose name, id, model, data, method or recipe holds every word."""
    words = search.lower().split()
    return [
        run
        for run in runs
        if (state == ANY or run.state in _STATES[state])
        and all(word in _searched(run) for word in words)
    ]


def _searched(run: Run) -> str:
    config = run.config
    method = (config.get("method") or {}).get("name", "")
    parts = (run.name, run.id, config.get("model"), config.get("data"), method,
             config.get("recipe_name"), (config.get("goal") or {}).get("use_case"))  # fmt: skip
    return " ".join(str(part or "") for part in parts).lower()


def choices(runs: Sequence[Run], lang: str) -> list[tuple[str, str]]:
    """Runs to pick from: how each is called, and its id."""
    return [
        (f"{title(run, lang)} · {(run.config.get('method') or {}).get('name', '')} ·"
         f" {_created(run, lang)}", run.id)
        for run in runs
    ]  # fmt: skip


def runs_table(runs: Sequence[Run], lang: str) -> str:
    """Runs as a table with links, as they come; a sentence where there are none."""
    if not runs:
        return ui.notice("info", t("history.empty", lang), t("history.empty_hint", lang))
    rows = [
        (
            ui.Link(f"{PATHS[lang]}?run={run.id}", title(run, lang)),
            _created(run, lang),
            place_less(str(run.config.get("model", ""))),
            str(run.config.get("data", "")),
            str((run.config.get("method") or {}).get("name", "")),
            notes.recipe(run.config.get("recipe_name"), lang),
            t(f"state.{run.state}", lang),
        )
        for run in runs
    ]
    columns = ["run", "created", "model", "data", "method", "recipe", "state"]
    return ui.table(
        [t(f"history.column.{column}", lang) for column in columns],
        rows,
        caption=t("history.title", lang),
        words=True,
    )


def _created(run: Run, lang: str) -> str:
    return moment(datetime.fromtimestamp(run.created_at, UTC), lang)


def title(run: Run, lang: str) -> str:
    """What a run is called."""
    if run.sample:
        return t("history.sample", lang)
    return run.name or t("history.open", lang, id=run.id)
