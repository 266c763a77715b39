"""Step 2: which text to train and judge on: bundled, or the visitor's own file."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import gradio as gr

from app import components as ui
from app import notes, problems
from app.blocks import block
from app.numbers import count, size
from app.text import t
from engine.data.ingest import DEFAULT_DATA, FORMATS, bundled_datasets, read_corpus, resolve_data
from engine.errors import BadDataset, EngineError
from engine.runs import service

UPLOAD = "upload"
"""The choice that makes the file box count."""
OF_RUN = "run:"
"""Begins the choice of an earlier run's own copy of its file."""
SHOWN_DOCUMENTS = 3
SHOWN_CHARACTERS = 600


@dataclass(frozen=True)
class DataPage:
    """Its components that events touch."""

    box: gr.Column
    frozen: gr.HTML
    choice: gr.Radio
    upload_box: gr.Column
    file: gr.File
    column: gr.Textbox
    preview: gr.HTML
    onward: gr.Button


def build(lang: str) -> DataPage:
    """Lay the step out, the default bundled data chosen."""
    names = list(bundled_datasets())
    chosen = DEFAULT_DATA if DEFAULT_DATA in names else UPLOAD
    frozen = block()
    with gr.Column() as column_box:
        block(ui.section(t("data.title", lang), t("data.text", lang), level=1))
        with gr.Column(elem_classes="ts-panel"):
            choice = gr.Radio(
                choices(lang),
                value=chosen, label=t("data.choice", lang), elem_classes="ts-choices",
            )  # fmt: skip
            with gr.Column(visible=chosen == UPLOAD) as upload_box:
                file = gr.File(label=t("data.file", lang), file_types=list(FORMATS), height=140)
                column = gr.Textbox(
                    label=t("data.column", lang), info=t("data.column_info", lang), max_lines=1,
                    max_length=200,
                )  # fmt: skip
            preview = block(describe(chosen, None, "", lang))
    with gr.Row(elem_classes="ts-actions"):
        onward = gr.Button(t("data.next", lang), variant="primary")
    return DataPage(column_box, frozen, choice, upload_box, file, column, preview, onward)


def chosen_file(choice: str, upload: str | None, lang: str) -> Path:
    """The file to read: bundled, or the one that Gradio stored for this visitor.

    Raises:
        BadDataset: nothing was uploaded yet.
    """
    if choice.startswith(OF_RUN):
        return data_of_run(choice.removeprefix(OF_RUN), lang)
    if choice != UPLOAD:
        return resolve_data(choice)
    if not upload:
        raise BadDataset(t("data.no_file", lang), t("data.no_file_hint", lang))
    return Path(upload)


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


def require(choice: str, upload: str | None, column: str, lang: str) -> None:
    """Check that the data can be used.

    Raises:
        BadDataset: it cannot.
    """
    path = chosen_file(choice, upload, lang)
    if choice not in bundled_datasets():
        read_corpus(path, text_column=column.strip() or None)


def describe(choice: str, upload: str | None, column: str, lang: str) -> str:
    """What was found in the data and how it begins, or what is wrong with it, as HTML."""
    if choice == UPLOAD and not upload:
        return ui.notice("info", t("data.waiting", lang), t("data.waiting_text", lang))
    try:
        with problems.guard():
            if choice in bundled_datasets():
                return _bundled_preview(choice, lang)
            return _preview(chosen_file(choice, upload, lang), column.strip() or None, lang)
    except EngineError as error:
        return problems.box(error, lang)


@cache
def _bundled_preview(name: str, lang: str) -> str:
    return _preview(resolve_data(name), None, lang)


def _preview(path: Path, column: str | None, lang: str) -> str:
    corpus = read_corpus(path, text_column=column)
    characters = sum(map(len, corpus.documents))
    facts = [
        (t("data.fact.documents", lang), count(len(corpus.documents))),
        (t("data.fact.characters", lang), count(characters)),
        (t("data.fact.size", lang), size(corpus.bytes)),
        (t("data.fact.format", lang), corpus.format),
        (t("data.fact.encoding", lang), notes.encoding(corpus.encoding, lang)),
        (t("data.fact.duplicates", lang), count(corpus.duplicates)),
    ]
    if corpus.text_column:
        facts.insert(5, (t("data.fact.column", lang), corpus.text_column))
    beginnings = [
        text[:SHOWN_CHARACTERS] + ("…" if len(text) > SHOWN_CHARACTERS else "")
        for text in corpus.documents[:SHOWN_DOCUMENTS]
    ]
    return (
        ui.facts(facts)
        + ui.section(t("data.preview", lang), t("data.preview_text", lang), level=3)
        + ui.documents(beginnings)
    )
