"""A file to what it holds: the right reader for its format, and every refusal before it."""

from __future__ import annotations

from pathlib import Path

from engine.data.confined import read_confined
from engine.data.content import Content
from engine.data.decode import decode
from engine.data.tables import parse_csv, parse_jsonl
from engine.errors import BadDataset

MAX_BYTES = 50 * 2**20
MIN_CHARACTERS = 20_000

FORMATS = {
    ".txt": "text", ".md": "text", ".jsonl": "jsonl", ".csv": "csv", ".tsv": "tsv",
    ".xlsx": "xlsx", ".docx": "docx", ".pdf": "pdf",
}  # fmt: skip
"""Readable file name endings, and what is in such files."""
TABLES = ("jsonl", "csv", "tsv", "xlsx")
"""Formats with rows and columns; the others are one running text."""
NOT_PLAIN = ("xlsx", "docx", "pdf")
"""Formats that are no plain text, and so have no encoding to choose."""


def opened(path: Path, encoding: str | None) -> tuple[bytes, Content]:
    """A file's bytes, and its text or table.

    Args:
        path: the file.
        encoding: a key of `decode.ENCODINGS`; None finds it.

    Raises:
        BadDataset: the file cannot be read, and why.
    """
    name, raw = path.name, _read(path)
    kind = FORMATS[path.suffix.lower()]
    if kind in NOT_PLAIN:
        if encoding is not None:
            raise BadDataset(
                f"{name} has no encoding to choose: the format sets it.",
                "Leave the encoding empty for .xlsx, .docx and .pdf files.",
            )
        found = read_confined(path, name, kind)
        text = found.text if found.table is None else None
    else:
        text, title = decode(raw, name, encoding)
        found = Content(text, None, title)
    if text is not None and not text.strip():
        raise BadDataset(
            f"{name} is empty: 0 characters found, {MIN_CHARACTERS:,} needed.",
            "Choose a file with text in it.",
        )
    if kind not in TABLES or text is None:
        return raw, found
    if kind == "jsonl":
        table = parse_jsonl(text, name)
    else:
        table = parse_csv(text, name, "\t" if kind == "tsv" else None)
    return raw, Content(None, table, found.encoding)


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
