"""What was found in the data, as the second step shows it at once: facts and first documents."""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import gradio as gr

from app import components as ui
from app import notes, problems, task, uploads
from app.numbers import count, percent, size
from app.pages import data
from app.pages.data import Chosen, DataPage
from app.text import t
from engine.data.ingest import FORMATS, Corpus, columns_of, read_corpus, resolve_data
from engine.data.opening import NOT_PLAIN, TABLES
from engine.errors import EngineError

SHOWN_DOCUMENTS = 3
SHOWN_CHARACTERS = 600


def corpus_of(path: Path, settings: dict[str, Any]) -> Corpus:
    """The corpus; kept, because every look at the page asks for it again.

    Raises:
        BadDataset: the file cannot be used.
    """
    stat = path.stat() if path.is_file() else None
    version = (stat.st_mtime_ns, stat.st_size) if stat else None
    return _read(path, version, tuple(sorted(settings.items())))


@lru_cache(maxsize=8)  # a file with each of its columns left open
def _read(path: Path, _version: object, settings: tuple[tuple[str, Any], ...]) -> Corpus:
    return read_corpus(path, **dict(settings))


def require(chosen: Chosen, lang: str) -> None:
    """Check that the data can be used.

    Raises:
        BadDataset: it cannot.
    """
    path = data.chosen_file(chosen, lang)
    if chosen.own:
        corpus_of(path, chosen.reading)


def uploaded(page: DataPage, form: tuple[Any, ...], file: str, lang: str) -> dict[Any, Any]:
    """Keep a file that was just uploaded, in place of an earlier one, and show it; what was chosen
    for the last one is forgotten."""
    uploads.forget(form[1])
    upload = uploads.keep(Path(file))
    found = data.FOUND
    anew = (form[0], upload, found, form[3], *(found for _ in page.columns))
    return {**shown(page, anew, lang), page.kept: upload}


def dropped(page: DataPage, form: tuple[Any, ...], lang: str) -> dict[Any, Any]:
    """Delete the uploaded file."""
    uploads.forget(form[1])
    return {**shown(page, (form[0], "", *form[2:]), lang), page.kept: ""}


def shown(page: DataPage, form: tuple[Any, ...], lang: str) -> dict[Any, Any]:
    """What the step shows of the chosen data.

    Args:
        page: the step's components.
        form: values of `DataPage.form()`.
        lang: of the page.
    """
    chosen = Chosen.of(form)
    hidden = gr.update(visible=False)
    file = uploads.found(chosen.upload)
    updates: dict[Any, Any] = {
        page.upload_box: gr.update(visible=chosen.choice == data.UPLOAD),
        page.file: gr.update(visible=file is None, value=None),
        page.kept_box: gr.update(visible=file is not None),
        page.kept_name: _kept(file, lang) if file else "",
        page.reading_box: hidden, page.enough_box: hidden, page.lengths.column: hidden,
    }  # fmt: skip
    if chosen.choice == data.UPLOAD and file is None:
        waiting = ui.notice("info", t("data.waiting", lang), t("data.waiting_text", lang))
        return {**updates, page.preview: waiting}
    try:
        with problems.guard():
            path = data.chosen_file(chosen, lang)
            if chosen.own:
                chosen, reading = _reading(page, path, chosen, lang)
                updates |= reading
            updates[page.preview] = preview(path, chosen, lang)
            updates |= _counting(page, lang)
    except EngineError as error:
        updates[page.preview] = problems.box(error, lang)
    return updates


def _kept(file: Path, lang: str) -> str:
    """Which file it is."""
    return ui.facts([(t("data.file", lang), f"{file.name} ({size(file.stat().st_size)})")])


def _counting(page: DataPage, lang: str) -> dict[Any, Any]:
    """What stands where the measurements will be."""
    return {
        page.enough_box: gr.update(visible=True), page.personal: "",
        page.enough: ui.notice("info", t("data.counting", lang)),
    }  # fmt: skip


def _reading(
    page: DataPage, path: Path, chosen: Chosen, lang: str
) -> tuple[Chosen, dict[Any, Any]]:
    """The choices that this file leaves, and what of the form holds for it."""
    kind = FORMATS.get(path.suffix.lower(), "")
    settings = dict(chosen.settings)
    updates: dict[Any, Any] = {page.reading_box: gr.update(visible=True)}
    if kind in NOT_PLAIN:
        settings["encoding"] = None
    updates[page.encoding] = gr.update(
        visible=kind not in NOT_PLAIN, value=settings["encoding"] or data.FOUND
    )
    columns: tuple[str, ...] = ()
    with suppress(EngineError):  # reading the text will say what is wrong
        columns = columns_of(path, encoding=settings["encoding"])
    settings |= {name: None for name in page.columns if settings[name] not in columns}
    chosen = Chosen(chosen.choice, chosen.upload, settings)
    for name, dropdown in page.columns.items():
        found = _found(path, chosen, name) if columns else None
        updates[dropdown] = gr.update(
            choices=data.column_choices(name, columns, lang, found),
            value=settings[name] or data.FOUND, visible=kind in TABLES,
        )  # fmt: skip
    return chosen, updates


def _found(path: Path, chosen: Chosen, column: str) -> str | None:
    """What would be taken for a column that is left to the engine, all other choices being as they
    are: its name, "" for none, None where the file cannot be read so."""
    free = Chosen(chosen.choice, chosen.upload, {**chosen.settings, column: None})
    try:
        corpus = corpus_of(path, free.reading)
    except EngineError:
        return None
    return getattr(corpus if column == "text_column" else corpus.task, column, None) or ""


def bundled(lang: str) -> str:
    """The preview of the bundled data that is chosen at first; empty where there is none."""
    chosen = Chosen(data.DEFAULT_DATA, None, {})
    try:
        return preview(data.chosen_file(chosen, lang), chosen, lang)
    except EngineError:
        return ""


def preview(path: Path, chosen: Chosen, lang: str) -> str:
    """What was found and how the first documents begin, as HTML.

    Raises:
        EngineError: the data cannot be used.
    """
    corpus = corpus_of(path, chosen.reading)
    documents = len(corpus.documents)
    copies = count(corpus.duplicates)
    if corpus.duplicates:
        share = corpus.duplicates / (documents + corpus.duplicates)
        copies += f" ({percent(share, 1 if share < 0.1 else 0, lang=lang)})"
    facts = [
        (t("data.fact.documents", lang), count(documents)),
        (t("data.fact.characters", lang), count(sum(map(len, corpus.documents)))),
        (t("data.fact.size", lang), size(corpus.bytes)),
        (t("data.fact.format", lang), corpus.format),
    ]
    if corpus.format not in NOT_PLAIN:
        facts.append((t("data.fact.encoding", lang), notes.encoding(corpus.encoding, lang)))
    if corpus.text_column:
        facts.append((t("data.fact.column", lang), corpus.text_column))
    facts += task.facts(corpus, lang)
    facts.append((t("data.fact.duplicates", lang), copies))
    told = ui.bullets(notes.told(note, lang) for note in corpus.notes) if corpus.notes else ""
    return ui.facts(facts) + told + _begin(corpus, t("data.preview_text", lang), lang)


def beginnings(name: str, lang: str) -> str:
    """How the first documents of a bundled data set begin, as HTML."""
    return _begin(corpus_of(resolve_data(name), {}), "", lang)


def _begin(corpus: Corpus, advice: str, lang: str) -> str:
    first = [
        text[:SHOWN_CHARACTERS] + ("…" if len(text) > SHOWN_CHARACTERS else "")
        for text in corpus.documents[:SHOWN_DOCUMENTS]
    ]
    head = ui.section(t("data.preview", lang), advice, level=3)
    return head + ui.documents(first)
