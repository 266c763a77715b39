"""A user's file to a corpus of documents, with everything that can be wrong told plainly."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from engine.data.decode import decode
from engine.data.segment import MIN_DOCUMENTS, cut_by_length, split_documents
from engine.data.tables import parse_csv, parse_jsonl, text_cells
from engine.data.task import TaskRows, find_task, no_columns
from engine.errors import BadDataset

MAX_BYTES = 50 * 2**20
MIN_CHARACTERS = 20_000
MAX_DOCUMENTS = 100_000
MAX_CHARACTERS = 20_000_000
"""More than any recipe reads; a longer file is thinned out evenly."""

FORMATS = {".txt": "text", ".md": "text", ".jsonl": "jsonl", ".csv": "csv", ".tsv": "tsv"}
"""Readable file name endings, and what is in such files."""

DEFAULT_DATA = "business-cases"
DATA_FOLDER = Path(__file__).resolve().parents[2] / "assets" / "data"


@dataclass(frozen=True)
class Corpus:
    """A file's documents, in its order, without exact duplicates.

    Attributes:
        name: the file's name.
        sha256: of the file's bytes, lower-case hex.
        encoding: as found, for people to read, e.g. "CP932 (Shift-JIS)".
        format: one of "text", "jsonl", "csv", "tsv".
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


def read_corpus(
    path: Path,
    *,
    text_column: str | None = None,
    prompt_column: str | None = None,
    reference_column: str | None = None,
) -> Corpus:
    """Read a .txt, .md, .jsonl, .csv or .tsv file of at most 50 MiB.

    text_column: column or key with the text; None finds it. Running text has none.
    prompt_column, reference_column: see `find_task`.

    Raises:
        BadDataset: what is wrong with the file, and what to do; raised before anything is made.
    """
    name, raw = path.name, _read(path)
    text, encoding = decode(raw, name)
    if not text.strip():
        raise BadDataset(
            f"{name} is empty: 0 characters found, {MIN_CHARACTERS:,} needed.",
            "Choose a file with text in it.",
        )
    kind = FORMATS[path.suffix.lower()]
    notes: list[str] = []
    column = task = None
    if kind == "text":
        no_columns(name, prompt_column, reference_column)
        if text_column is not None:
            raise BadDataset(
                f"{name} is running text and has no column {text_column!r}.",
                "Leave the text column empty for .txt and .md files.",
            )
        documents, separated = split_documents(text)
        if not separated:
            notes.append(f"One running text, cut at paragraphs into {len(documents):,} documents.")
    else:
        if kind == "jsonl":
            table = parse_jsonl(text, name)
        else:
            table = parse_csv(text, name, "\t" if kind == "tsv" else None)
        task = find_task(
            table, name, text_column=text_column,
            prompt_column=prompt_column, reference_column=reference_column,
        )  # fmt: skip
        if task:
            documents = list(task.documents)
            notes.append(
                f"Each row is a task: {task.prompt_column!r} asks, {task.reference_column!r} is"
                " the right answer."
            )
        else:
            column, documents = text_cells(table, name, text_column)
        if blank := len(table.rows) - len(documents):
            notes.append(f"{blank:,} rows without text were left out.")
    unique = list(dict.fromkeys(documents))
    copies = len(documents) - len(unique)
    if kind != "text" and len(unique) < MIN_DOCUMENTS:
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
        encoding=encoding,
        format=kind,
        text_column=column,
        duplicates=copies,
        bytes=len(raw),
        notes=tuple(notes),
        task=task,
    )


def _read(path: Path) -> bytes:
    """The bytes of a file whose name, kind and size are right. Looks at the size before reading."""
    if path.suffix.lower() not in FORMATS:
        raise BadDataset(
            f"{path.name} ends in {path.suffix or 'nothing'}, which is not a format read here.",
            f"Use one of {', '.join(FORMATS)}.",
        )
    if not path.is_file():
        raise BadDataset(f"There is no file {path}.", "Check the path.")
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise BadDataset(
            f"{path.name} has {size / 2**20:,.0f} MiB; at most {MAX_BYTES // 2**20} are read.",
            "Take a part of it: a few MiB are enough to convert a model.",
        )
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadDataset(
            f"{path.name} cannot be read: {error.strerror}.", "Check its permissions."
        ) from error


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
