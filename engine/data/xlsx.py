"""Excel workbooks: the rows of the first visible sheet that holds any, as of a .csv file.

A formula counts by the value that Excel stored with it. Macros and links are never followed.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.data.archive import opened, part, refuse_declarations
from engine.data.tables import Table
from engine.errors import BadDataset

if TYPE_CHECKING:
    from zipfile import ZipFile

    from openpyxl import Workbook

MAX_ROWS = 1_048_576
"""As many as a sheet can have."""
MAX_CELLS = 5_000_000

_WHAT = "an Excel workbook"
_SAVE_ANEW = "Open it in Excel, save it anew, or save the sheet as .csv."


def read_xlsx(path: Path, name: str) -> tuple[Table, tuple[str, ...]]:
    """The table in a .xlsx file, and notes about it. The first row that is not empty names the
    columns; a column without a name gets its letter.

    Raises:
        BadDataset: it is no workbook, is damaged or protected, or holds too much or nothing.
    """
    from zipfile import BadZipFile

    from openpyxl.utils.exceptions import InvalidFileException

    with opened(path, name, _WHAT) as archive:
        part(archive, "[Content_Types].xml", name, _WHAT).close()
        refuse_declarations(archive, name)
        formulas = _any_formula(archive)
    # What openpyxl raises on parts that are missing or make no sense.
    broken = (
        InvalidFileException, BadZipFile, KeyError, ValueError, TypeError, SyntaxError, OSError,
    )  # fmt: skip
    try:
        return _table(path, name, formulas=formulas)
    except broken as error:
        raise BadDataset(f"{name} is damaged, or is not {_WHAT}.", _SAVE_ANEW) from error


def _table(path: Path, name: str, *, formulas: bool) -> tuple[Table, tuple[str, ...]]:
    book = _load(path, values=True)
    sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
    rows: list[tuple[int, list[str | None]]] = []
    for title in [sheet.title for sheet in sheets]:
        rows = list(_rows(book, title, name))
        if len(rows) > 1:
            break
    else:
        raise BadDataset(
            f"{name} has no sheet with a row of column names and rows below it.",
            "Put the column names into the first row and one document into each row below.",
        )
    notes = [f"The sheet {title!r} is read."]
    if others := [sheet.title for sheet in book.worksheets if sheet.title != title]:
        notes[0] = f"The sheet {title!r} is read; {_named(others)} is not."
    width = max(len(cells) for _, cells in rows)
    if formulas and any(len(cells) < width or None in cells for _, cells in rows):
        if lost := _formulas_without_value(path, title, rows, name):
            notes.append(
                f"{lost:,} cells hold a formula whose result the file does not store; they count "
                "as empty. Open and save the file in Excel to store the results."
            )
    (_, head), *body = rows
    names = _columns(head, width)
    used = sorted({place for _, cells in rows for place, cell in enumerate(cells) if cell})
    table = Table(
        tuple(names[place] for place in used),
        tuple(
            {names[place]: cells[place] if place < len(cells) else None for place in used}
            for _, cells in body
        ),
        tuple(number for number, _ in body),
    )
    return table, tuple(notes)


def _any_formula(archive: ZipFile) -> bool:
    """Whether a sheet has any: looking for results that are missing means reading it twice."""
    for part_name in archive.namelist():
        if part_name.startswith("xl/worksheets/"):
            with archive.open(part_name) as sheet:
                before = b""
                while piece := sheet.read(2**20):
                    if b"<f>" in before + piece or b"<f " in before + piece:
                        return True
                    before = piece[-2:]
    return False


def _load(path: Path, *, values: bool) -> Workbook:
    from openpyxl import load_workbook

    return load_workbook(path, read_only=True, data_only=values, keep_links=False)


def _rows(book: Workbook, title: str, name: str) -> Iterator[tuple[int, list[str | None]]]:
    """Number (from 1) and cells of each row that is not empty, without empty cells at its end."""
    sheet: Any = book[title]
    sheet.reset_dimensions()  # what the file says of its size may be wrong, or a lie
    cells_read = 0
    for number, row in enumerate(sheet.iter_rows(values_only=True), start=1):
        cells_read += max(1, len(row))
        if number > MAX_ROWS or cells_read > MAX_CELLS:
            raise BadDataset(
                f"{name}: the sheet {title!r} has more than {MAX_ROWS:,} rows or {MAX_CELLS:,} "
                "cells.",
                "Take a part of it, or save the columns you need as .csv.",
            )
        cells = [_text(value) for value in row]
        while cells and cells[-1] is None:
            cells.pop()
        if cells:
            yield number, cells


def _text(value: object) -> str | None:
    """A cell as text; None where it is empty or holds an error such as #N/A."""
    from openpyxl.cell.cell import ERROR_CODES

    if value is None or value in ERROR_CODES:
        return None
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime) and value.time() == time():
        return value.date().isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    text = str(value)
    return text if text.strip() else None


def _columns(head: list[str | None], width: int) -> tuple[str, ...]:
    """Names of the columns, all different."""
    from openpyxl.utils import get_column_letter

    names: list[str] = []
    for place in range(width):
        letter = get_column_letter(place + 1)
        wanted = ((head[place] if place < len(head) else None) or letter).strip()
        while wanted in names:
            wanted += f" ({letter})"
        names.append(wanted)
    return tuple(names)


def _formulas_without_value(
    path: Path, title: str, rows: list[tuple[int, list[str | None]]], name: str
) -> int:
    """How many cells have a formula and no stored result."""
    lost = 0
    values = dict(rows)
    for number, cells in _rows(_load(path, values=False), title, name):
        stored = values.get(number, [])
        for place, cell in enumerate(cells):
            if cell and cell.startswith("=") and (place >= len(stored) or stored[place] is None):
                lost += 1
    return lost


def _named(titles: list[str]) -> str:
    shown = ", ".join(map(repr, titles[:3]))
    return shown if len(titles) <= 3 else f"{shown} and {len(titles) - 3} more"
