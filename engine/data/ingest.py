"""A user's file to a corpus of documents, with everything that can be wrong told plainly."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.data.opening import FORMATS, MAX_BYTES, MIN_CHARACTERS, TABLES, opened
from engine.data.personal import masked
from engine.data.segment import MIN_DOCUMENTS, cut_by_length, split_documents
from engine.data.tables import readable_columns, text_cells
from engine.data.task import TaskRows, find_task, no_columns
from engine.errors import BadDataset

if TYPE_CHECKING:  # torch comes with it, and pages import this module
    from engine.configs import RunConfig

__all__ = [
    "DATA_FOLDER", "DEFAULT_DATA", "FORMATS", "MAX_BYTES", "MAX_CHARACTERS", "MAX_DOCUMENTS",
    "MIN_CHARACTERS", "Corpus", "bundled_datasets", "columns_of", "read_corpus", "read_for",
    "resolve_data",
]  # fmt: skip

MAX_DOCUMENTS = 100_000
MAX_CHARACTERS = 20_000_000
"""More than any recipe reads; a longer file is thinned out evenly."""

DEFAULT_DATA = "business-cases"
DATA_FOLDER = Path(__file__).resolve().parents[2] / "assets" / "data"


@dataclass(frozen=True)
class Corpus:
    """A file's documents, in its order, without exact duplicates.

    Attributes:
        name: the file's name.
        sha256: of the file's bytes, lower-case hex.
        encoding: as found, for people to read, e.g. "CP932 (Shift-JIS)".
        format: one of the values of `FORMATS`.
        text_column: the column or key the text was taken from; None for running text.
        duplicates: exact duplicates dropped.
        bytes: the file's size.
        notes: sentences about what else was left out or assumed.
        task: the rows' prompts and references, where they are tasks; None where they are text.
    """

    documents: tuple[str, ...]
    name: str
    sha256: str
    encoding: str
    format: str
    text_column: str | None
    duplicates: int
    bytes: int
    notes: tuple[str, ...]
    task: TaskRows | None = None


def bundled_datasets() -> dict[str, Path]:
    """The data sets that ship with the repository, by name."""
    files = sorted(DATA_FOLDER.glob("*"))
    return {file.stem: file for file in files if file.suffix in FORMATS}


def resolve_data(ref: str) -> Path:
    """The file a bundled name or a path refers to.

    Raises:
        BadDataset: there is no such data set and no such file.
    """
    bundled = bundled_datasets()
    if ref in bundled:
        return bundled[ref]
    path = Path(ref).expanduser()
    if not ref.strip() or not path.is_file():
        raise BadDataset(
            f"There is no data file {ref!r}.",
            f"Give the path of a {', '.join(FORMATS)} file, or a bundled name "
            f"({', '.join(bundled) or 'none here'}).",
        )
    return path


def read_for(config: RunConfig, path: Path) -> Corpus:
    """Read a run's file as its settings say; see `read_corpus`."""
    return read_corpus(
        path, text_column=config.text_column, prompt_column=config.prompt_column,
        reference_column=config.reference_column, encoding=config.encoding,
        mask_personal_data=config.mask_personal_data,
    )  # fmt: skip


def read_corpus(
    path: Path,
    *,
    text_column: str | None = None,
    prompt_column: str | None = None,
    reference_column: str | None = None,
    encoding: str | None = None,
    mask_personal_data: bool = False,
) -> Corpus:
    """Read a file in one of the `FORMATS`, of at most 50 MiB.

    Args:
        path: the file.
        text_column: column or key with the text; None finds it. Running text has none.
        prompt_column, reference_column: see `find_task`.
        encoding: a key of `decode.ENCODINGS`; None finds it. Only plain text has one.
        mask_personal_data: replace what `personal.find` finds, before anything else sees the text.
            The file stays as it is, and so does its hash.

    Raises:
        BadDataset: what is wrong with the file, and what to do; raised before anything is made.
    """
    name, kind = path.name, FORMATS.get(path.suffix.lower(), "")
    raw, found = opened(path, encoding)
    notes = list(found.notes)
    column = task = None
    if found.table is None:
        no_columns(name, prompt_column, reference_column)
        if text_column is not None:
            raise BadDataset(
                f"{name} is running text and has no column {text_column!r}.",
                "Leave the text column empty for .txt, .md, .docx and .pdf files.",
            )
        documents, separated = split_documents(found.text or "")
        if not separated:
            notes.append(f"One running text, cut at paragraphs into {len(documents):,} documents.")
    else:
        task = find_task(
            found.table, name, text_column=text_column,
            prompt_column=prompt_column, reference_column=reference_column,
        )  # fmt: skip
        if task:
            notes.append(
                f"Each row is a task: {task.prompt_column!r} asks, {task.reference_column!r} is"
                " the right answer."
            )
            documents = list(task.documents)
        else:
            column, documents = text_cells(found.table, name, text_column)
        if blank := len(found.table.rows) - len(documents):
            notes.append(f"{blank:,} rows without text were left out.")
    if mask_personal_data:
        documents = _mask(documents, notes)
        if task:
            task = task.changed(masked)
            documents = list(task.documents)
    unique = list(dict.fromkeys(documents))
    copies = len(documents) - len(unique)
    if found.table is not None and len(unique) < MIN_DOCUMENTS:
        pieces = [piece for document in unique for piece in cut_by_length(document)]
        if len(pieces) >= MIN_DOCUMENTS and sum(map(len, pieces)) >= MIN_CHARACTERS:
            notes.append(
                f"Only {len(unique)} different texts, cut at paragraphs into {len(pieces):,}"
                " documents."
            )
            unique = list(dict.fromkeys(pieces))
            copies += len(pieces) - len(unique)
    _require_enough(unique, copies, name)
    return Corpus(
        documents=tuple(_thin_out(unique, notes)),
        name=name,
        sha256=hashlib.sha256(raw).hexdigest(),
        encoding=found.encoding,
        format=kind,
        text_column=column,
        duplicates=copies,
        bytes=len(raw),
        notes=tuple(notes),
        task=task,
    )


def columns_of(path: Path, *, encoding: str | None = None) -> tuple[str, ...]:
    """The columns of a table that text can be taken from, nested ones with dots; none for running
    text.

    Raises:
        BadDataset: the file cannot be read at all.
    """
    if FORMATS.get(path.suffix.lower()) not in (*TABLES, None):
        return ()
    table = opened(path, encoding)[1].table
    return () if table is None else readable_columns(table)


def _mask(documents: list[str], notes: list[str]) -> list[str]:
    changed = [masked(document) for document in documents]
    touched = sum(1 for before, after in zip(documents, changed) if before != after)
    notes.append(f"Personal data was replaced in {touched:,} of {len(documents):,} documents.")
    return changed


def _require_enough(documents: list[str], copies: int, name: str) -> None:
    characters = sum(map(len, documents))
    if characters < MIN_CHARACTERS or len(documents) < MIN_DOCUMENTS:
        different = "document" if len(documents) == 1 else "documents"
        dropped = f" ({copies:,} exact copies do not count)" if copies else ""
        raise BadDataset(
            f"{name} holds too little text: found {characters:,} characters in "
            f"{len(documents):,} different {different}{dropped}, needed {MIN_CHARACTERS:,} "
            f"characters in {MIN_DOCUMENTS} documents.",
            "Add more text of the kind the model will see.",
        )


def _thin_out(documents: list[str], notes: list[str]) -> list[str]:
    """Every n-th document, so that what is kept spans the whole file, if there are too many."""
    characters = sum(map(len, documents))
    share = max(len(documents) / MAX_DOCUMENTS, characters / MAX_CHARACTERS)
    if share <= 1:
        return documents
    kept = [documents[int(i * share)] for i in range(max(int(len(documents) / share), 1))]
    if len(kept) < MIN_DOCUMENTS:
        return documents
    notes.append(
        f"{len(kept):,} of {len(documents):,} documents are used, evenly spread: at most "
        f"{MAX_DOCUMENTS:,} documents or about {MAX_CHARACTERS:,} characters are read."
    )
    return kept
