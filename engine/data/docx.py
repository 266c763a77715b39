"""Word documents: paragraphs and tables in their order, as one text.

The XML is read as a stream, so a document of any size takes little memory. What is not the text of
the document stays out: deleted and moved-away text, field codes, readings above characters (ruby),
headers, footers, notes and comments. Macros are other parts of the file and are never looked at.
"""

from __future__ import annotations

import posixpath
import zipfile
from pathlib import Path
from xml.parsers import expat

from engine.data.archive import opened, part, refuse_document_type
from engine.errors import BadDataset

MAX_CHARACTERS = 50_000_000

_WHAT = "a Word document"
_TEXT_SPACES = {  # the usual one, and that of the strict variant
    "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
    "http://purl.oclc.org/ooxml/wordprocessingml/main",
}
_IN_A_RUN = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
# Fallback repeats for old programs what stands beside it.
_LEFT_OUT = {"moveFrom", "rt", "Fallback"}


def read_docx(path: Path, name: str) -> str:
    """The text of a .docx file: paragraphs with an empty line between them, tables with a line for
    each row and tabs between its cells.

    Raises:
        BadDataset: it is no Word document, is damaged or protected, or holds too much.
    """
    with opened(path, name, _WHAT) as archive:
        body = _Body(name)
        _parse(archive, _main_part(archive, name), name, body)
    return "\n\n".join(body.blocks)


class _Body:
    """Collects the text while the parser walks through the document."""

    def __init__(self, name: str) -> None:
        self.blocks: list[str] = []
        self._name = name
        self._size = 0
        self._left_out = 0
        self._runs = 0
        self._in_text = False
        self._paragraphs: list[list[str]] = []
        self._tables: list[list[str]] = []
        self._rows: list[list[str]] = []
        self._cells: list[list[str]] = []

    def start(self, tag: str, _attributes: object) -> None:
        space, _, local = tag.rpartition(" ")
        if self._left_out or local in _LEFT_OUT:
            self._left_out += 1
        elif space not in _TEXT_SPACES:
            return
        elif local == "p":
            self._paragraphs.append([])
        elif local in ("tbl", "tr", "tc"):
            self._opened(local).append([])
        elif local == "r":
            self._runs += 1
        elif local == "t":
            self._in_text = True
        elif local in _IN_A_RUN and self._runs:  # among a paragraph's properties they are settings
            self.characters(_IN_A_RUN[local], always=True)

    def end(self, tag: str) -> None:
        space, _, local = tag.rpartition(" ")
        if self._left_out:
            self._left_out -= 1
        elif space not in _TEXT_SPACES:
            return
        elif local == "p" and self._paragraphs:
            self._put("".join(self._paragraphs.pop()).strip("\n"))
        elif local in ("tbl", "tr", "tc") and self._opened(local):
            self._close(local, self._opened(local).pop())
        elif local == "r":
            self._runs -= 1
        elif local == "t":
            self._in_text = False

    def characters(self, text: str, *, always: bool = False) -> None:
        if self._paragraphs and not self._left_out and (always or self._in_text):
            self._paragraphs[-1].append(text)
            self._size += len(text)
            if self._size > MAX_CHARACTERS:
                raise BadDataset(
                    f"{self._name} holds more than {MAX_CHARACTERS:,} characters.",
                    "Take a part of it: a few MiB are enough to convert a model.",
                )

    def _opened(self, local: str) -> list[list[str]]:
        return {"tbl": self._tables, "tr": self._rows, "tc": self._cells}[local]

    def _close(self, local: str, parts: list[str]) -> None:
        if local == "tc" and self._rows:
            self._rows[-1].append(" ".join(parts).replace("\n", " "))
        elif local == "tr" and self._tables:
            self._tables[-1].append("\t".join(parts))
        elif local == "tbl":
            self._put("\n".join(row for row in parts if row.strip()))

    def _put(self, text: str) -> None:
        """A finished paragraph or table, into the cell it stands in or after the last block."""
        if text.strip():
            (self._cells[-1] if self._cells else self.blocks).append(text)


def _main_part(archive: zipfile.ZipFile, name: str) -> str:
    """The part with the document itself: usually word/document.xml, but the file says."""
    found: list[str] = []

    class Links:
        def start(self, _tag: str, attributes: dict[str, str]) -> None:
            if attributes.get("Type", "").endswith("/officeDocument"):
                found.append(posixpath.normpath(attributes.get("Target", "").lstrip("/")))

        def end(self, _tag: str) -> None: ...

        def characters(self, _text: str) -> None: ...

    _parse(archive, "_rels/.rels", name, Links())
    return found[0] if found else "word/document.xml"


def _parse(archive: zipfile.ZipFile, wanted: str, name: str, handler: object) -> None:
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = handler.start  # pyright: ignore[reportAttributeAccessIssue]
    parser.EndElementHandler = handler.end  # pyright: ignore[reportAttributeAccessIssue]
    parser.CharacterDataHandler = handler.characters  # pyright: ignore[reportAttributeAccessIssue]
    parser.StartDoctypeDeclHandler = lambda *_: refuse_document_type(name)
    with part(archive, wanted, name, _WHAT) as file:
        try:
            while piece := file.read(2**20):
                parser.Parse(piece, False)
            parser.Parse(b"", True)
        except expat.ExpatError as error:
            raise BadDataset(
                f"{name} is damaged: {wanted}, line {error.lineno},"
                f" {expat.ErrorString(error.code)}.",
                "Open it in Word, save it anew, or export its text.",
            ) from error
