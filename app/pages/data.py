"""Step 2: which text to train and judge on: bundled, or the visitor's own file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from app import components as ui
from app import uploads
from app.blocks import ChartBlock, block, chart_block
from app.text import t
from engine.data.decode import ENCODINGS
from engine.data.ingest import DEFAULT_DATA, bundled_datasets, resolve_data
from engine.errors import BadDataset
from engine.runs import service

UPLOAD = "upload"
"""The choice that makes the file box count."""
OF_RUN = "run:"
"""Begins the choice of an earlier run's own copy of its file."""
FOUND = ""
"""The choice of an encoding or a column that leaves it to the engine."""
COLUMNS = ("text_column", "prompt_column", "reference_column")
"""Settings of `RunConfig` that name a column: one dropdown each."""
READING = (*COLUMNS, "encoding", "mask_personal_data")
"""Settings of `RunConfig` that decide what is read of a file."""


@dataclass(frozen=True)
class Chosen:
    """What the form says.

    Attributes:
        choice: a bundled name, `UPLOAD`, or `OF_RUN` and a run's id.
        upload: id of this visitor's upload, as `app.uploads` keeps it.
        settings: of `RunConfig`, besides the data's name.
    """

    choice: str
    upload: str | None
    settings: dict[str, Any]

    @classmethod
    def of(cls, form: Sequence[Any]) -> Chosen:
        """From the values of `DataPage.form()`."""
        choice, upload, encoding, mask, *columns = form
        settings = {"encoding": encoding or None, "mask_personal_data": bool(mask)}
        named = dict(zip(COLUMNS, (str(one or "").strip() or None for one in columns), strict=True))
        own = choice == UPLOAD or choice.startswith(OF_RUN)
        return cls(choice, upload, {**settings, **named} if own else {})

    @property
    def reading(self) -> dict[str, Any]:
        """Those of the settings that are arguments of `read_corpus`."""
        return {name: value for name, value in self.settings.items() if name in READING}

    @property
    def own(self) -> bool:
        """Whether it is the visitor's own file."""
        return self.choice == UPLOAD or self.choice.startswith(OF_RUN)


@dataclass(frozen=True)
class DataPage:
    """Its components that events touch."""

    box: gr.Column
    frozen: gr.HTML
    choice: gr.Radio
    upload_box: gr.Column
    file: gr.File
    kept: gr.Textbox
    """Id of the file that was uploaded; empty without one."""
    kept_box: gr.Row
    kept_name: gr.HTML
    drop: gr.Button
    reading_box: gr.Column
    encoding: gr.Dropdown
    mask: gr.Checkbox
    columns: dict[str, gr.Dropdown]
    preview: gr.HTML
    enough_box: gr.Column
    enough: gr.HTML
    personal: gr.HTML
    lengths: ChartBlock
    onward: gr.Button

    def form(self) -> list[Any]:
        """The components whose values `Chosen.of` takes, in order."""
        return [self.choice, self.kept, self.encoding, self.mask, *self.columns.values()]

    def shown(self) -> list[Any]:
        """What reading the data may change."""
        return [
            self.upload_box, self.file, self.kept, self.kept_box, self.kept_name,
            self.reading_box, self.encoding, *self.columns.values(), self.preview,
            self.enough_box, self.enough, self.personal, self.lengths.column,
        ]  # fmt: skip

    def measured(self) -> list[Any]:
        """What measuring the data may change."""
        return [self.enough_box, self.enough, self.personal, *self.lengths.outputs()]


FIELDS = 4 + len(COLUMNS)
"""Values in `DataPage.form()`."""


def build(lang: str, beginning: str) -> DataPage:
    """Lay the step out, the default bundled data chosen.

    Args:
        lang: of the page.
        beginning: what is shown of that data, as HTML.
    """
    names = list(bundled_datasets())
    chosen = DEFAULT_DATA if DEFAULT_DATA in names else UPLOAD
    frozen = block()
    # Outside of all that comes and goes: what is shown again would show this box as well.
    kept = gr.Textbox("", visible="hidden", elem_id="kept-file")
    with gr.Column() as box:
        block(ui.section(t("data.title", lang), t("data.text", lang), level=1))
        with gr.Column(elem_classes="ts-panel"):
            choice = gr.Radio(
                choices(lang),
                value=chosen, label=t("data.choice", lang), elem_classes="ts-choices",
            )  # fmt: skip
            with gr.Column(visible=chosen == UPLOAD) as upload_box:
                # Any file may be tried: Gradio would refuse one in passing, in its own English.
                file = gr.File(label=t("data.file", lang), height=140, elem_classes="ts-file")
                with gr.Row(visible=False, elem_classes="ts-kept") as kept_box:
                    kept_name = block()
                    drop = gr.Button(t("data.drop", lang), size="sm")
            with gr.Column(visible=False) as reading_box:
                with gr.Row(elem_classes="ts-fields"):
                    encoding = gr.Dropdown(
                        [(t("data.encoding_found", lang), FOUND),
                         *((title, name) for name, (_, title) in ENCODINGS.items())],
                        value=FOUND, label=t("data.encoding", lang),
                        info=t("data.encoding_info", lang), filterable=False,
                    )  # fmt: skip
                    columns = {name: _column(name, lang) for name in COLUMNS}
                mask = gr.Checkbox(
                    False, label=t("data.mask", lang), info=t("data.mask_info", lang)
                )
            preview = block(beginning)
        with gr.Column(elem_classes="ts-panel", visible=False) as enough_box:
            enough = block()
            personal = block()
        lengths = chart_block(
            t("data.lengths", lang), t("data.lengths_text", lang), visible=False
        )
    with gr.Row(elem_classes="ts-actions"):
        onward = gr.Button(t("data.next", lang), variant="primary")
    return DataPage(
        box, frozen, choice, upload_box, file, kept, kept_box, kept_name, drop, reading_box,
        encoding, mask, columns, preview, enough_box, enough, personal, lengths, onward,
    )  # fmt: skip


def _column(name: str, lang: str) -> gr.Dropdown:
    """A choice among the file's columns. Any value passes: the server that knew the file's own
    columns may have been restarted since."""
    return gr.Dropdown(
        column_choices(name, (), lang), value=FOUND, label=t(f"data.column.{name}", lang),
        info=t(f"data.column_info.{name}", lang), allow_custom_value=True, visible=False,
    )  # fmt: skip


def column_choices(
    setting: str, columns: Sequence[str], lang: str, found: str | None = None
) -> list[tuple[str, str]]:
    """What the dropdown of a setting offers, words and value; `found` is the column taken unless
    another is chosen, "" where none is, None where it is not known."""
    words = t(f"data.column_empty.{setting}", lang)
    if found:
        words = t("data.column_found", lang, name=found)
    elif found is not None:
        words = t(f"data.column_none.{setting}", lang)
    return [(words, FOUND), *((name, name) for name in columns)]


def chosen_file(chosen: Chosen, lang: str) -> Path:
    """The file to read: bundled, an earlier run's, or the one that this visitor uploaded.

    Raises:
        BadDataset: nothing was uploaded yet, or it is gone.
    """
    if chosen.choice.startswith(OF_RUN):
        return data_of_run(chosen.choice.removeprefix(OF_RUN), lang)
    if chosen.choice != UPLOAD:
        return resolve_data(chosen.choice)
    file = uploads.found(chosen.upload)
    if file is None:
        raise BadDataset(t("data.no_file", lang), t("data.no_file_hint", lang))
    return file


def choices(lang: str) -> list[tuple[str, str]]:
    """What is offered: words and value of each choice."""
    return [
        *((t("data.bundled", lang, name=name), name) for name in bundled_datasets()),
        (t("data.upload", lang), UPLOAD),
    ]


def data_of_run(run_id: str, lang: str) -> Path:
    """The copy of the file that a run was made with.

    Raises:
        RunNotFound: there is no such run.
        BadDataset: its copy is gone.
    """
    files = [path for path in (service.get(run_id).folder / "data").glob("*") if path.is_file()]
    if len(files) != 1:
        raise BadDataset(t("data.gone", lang), t("data.gone_hint", lang))
    return files[0]


def agreed(config: Mapping[str, Any], lang: str) -> list[tuple[str, str]]:
    """How a run read its data, where that was set."""
    said = [(t(f"data.column.{name}", lang), str(config.get(name) or "")) for name in COLUMNS]
    title = ENCODINGS.get(config.get("encoding") or "", ("", ""))[1]
    said.append((t("data.encoding", lang), title))
    if config.get("mask_personal_data"):
        said.append((t("data.personal.title", lang), t("data.personal.replaced", lang)))
    return [(name, value) for name, value in said if value]
