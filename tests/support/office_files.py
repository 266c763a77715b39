"""Excel, Word and PDF files as other programs write them, and as attackers would."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def xlsx(
    path: Path, sheets: dict[str, Sequence[Sequence[Any]]], hidden: Sequence[str] = ()
) -> Path:
    """A workbook with these rows in these sheets."""
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.worksheets[0])
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(list(row))
        if title in hidden:
            sheet.sheet_state = "hidden"
    book.save(path)
    return path


def docx(path: Path, blocks: Sequence[str | Sequence[Sequence[str]]]) -> Path:
    """A document of paragraphs (strings) and tables (rows of cells)."""
    from docx import Document

    document = Document()
    for block in blocks:
        if isinstance(block, str):
            document.add_paragraph(block)
        else:
            table = document.add_table(rows=0, cols=len(block[0]))
            for row in block:
                for cell, text in zip(table.add_row().cells, row, strict=True):
                    cell.text = text
    document.save(str(path))
    return path


def docx_of_xml(path: Path, body: str, *, before: str = "") -> Path:
    """A document whose body is this XML; `before` stands before its root."""
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    relations = "http://schemas.openxmlformats.org/package/2006/relationships"
    main = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"
    parts = {
        "_rels/.rels": (
            f'<Relationships xmlns="{relations}">'
            f'<Relationship Id="a" Type="{main}" Target="/word/document2.xml"/></Relationships>'
        ),
        "word/document2.xml": (
            f'{before}<w:document xmlns:w="{space}" xmlns:mc="urn:mc"><w:body>{body}</w:body>'
            "</w:document>"
        ),
    }
    return archive(path, parts)


def archive(path: Path, parts: dict[str, str | bytes]) -> Path:
    """A zip file with these parts."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in parts.items():
            made.writestr(name, content)
    return path


def repacked(path: Path, change: dict[str, bytes]) -> Path:
    """The same zip file with some parts replaced or added."""
    with zipfile.ZipFile(path) as before:
        parts: dict[str, str | bytes] = {n: before.read(n) for n in before.namelist()}
    return archive(path, {**parts, **change})


def pdf(path: Path, pages: Sequence[str]) -> Path:
    """A PDF with a line of text per line; a page without any is as a scanner leaves it."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b""]
    objects.append(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
    kids: list[str] = []
    for text in pages:
        lines = (line.replace("(", "[").replace(")", "]") for line in text.split("\n"))
        shown = "".join(f"({line}) Tj 0 -14 Td\n" for line in lines if line)
        stream = f"BT /F1 11 Tf 40 800 Td\n{shown}ET".encode("latin-1")
        content = len(objects) + 1
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream))
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R "
            b"/Resources << /Font << /F1 3 0 R >> >> >>" % content
        )
        kids.append(f"{len(objects)} 0 R")
    objects[1] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids)} >>".encode()
    made = bytearray(b"%PDF-1.4\n")
    places = []
    for number, content in enumerate(objects, start=1):
        places.append(len(made))
        made += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start = len(made)
    made += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    made += b"".join(b"%010d 00000 n \n" % place for place in places)
    made += b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (
        len(objects) + 1,
        start,
    )
    path.write_bytes(made)
    return path
