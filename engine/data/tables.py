"""Rows of .csv, .tsv and .jsonl files, and the column that holds their text."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engine.errors import BadDataset, UnclearColumn

_TEXT_NAMES = (
    *("text", "content", "body", "document", "article", "story", "message", "transcript"),
    *("本文", "テキスト", "文章", "内容", "記事", "メッセージ"),
)
MOST_NESTED = 20
"""Paths to nested texts that are offered."""
_PROSE_BYTES = 40
_PROSE_LEAD = 1.5
_NAME_COLUMN = "Name the text's column or key: --text-column NAME, with dots where it is nested."


@dataclass(frozen=True)
class Table:
    """Rows of a file, in its order.

    Attributes:
        columns: names in their order of appearance.
        rows: one mapping per row; an absent or null cell is None.
        lines: number of each row's (last) line in the file, from 1.
    """

    columns: tuple[str, ...]
    rows: tuple[dict[str, object], ...]
    lines: tuple[int, ...]


def parse_csv(text: str, name: str, delimiter: str | None = None) -> Table:
    """Parse a table whose first row names the columns.

    delimiter: None takes whichever of comma, semicolon and tab the first line holds most.

    Raises:
        BadDataset: broken quoting, or a row with another number of cells.
    """
    if delimiter is None:
        delimiter = max(",;\t", key=text.partition("\n")[0].count)
    # Python's own limit of 128 KiB a cell is below an honest document's length.
    previous_limit = csv.field_size_limit(len(text) + 1)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[dict[str, object]] = []
    lines: list[int] = []
    columns: tuple[str, ...] = ()
    try:
        for cells in reader:
            if not cells:
                continue
            if not columns:
                columns = tuple(cell.strip() for cell in cells)
            elif len(cells) != len(columns):
                raise BadDataset(
                    f"{name}, line {reader.line_num}: {len(cells)} cells, "
                    f"while the first row has {len(columns)}.",
                    f'Put cells that contain "{delimiter}" or line breaks in double quotes.',
                )
            else:
                rows.append(dict(zip(columns, cells, strict=True)))
                lines.append(reader.line_num)
    except csv.Error as error:
        raise BadDataset(
            f"{name}, line {reader.line_num}: {error}.",
            "Check the double quotes there, or export the table anew.",
        ) from error
    finally:
        csv.field_size_limit(previous_limit)
    return Table(columns, tuple(rows), tuple(lines))


def parse_jsonl(text: str, name: str) -> Table:
    """Parse one JSON object a line; empty lines are skipped.

    Raises:
        BadDataset: a line is not a JSON object.
    """
    rows: list[dict[str, object]] = []
    lines: list[int] = []
    columns: dict[str, None] = {}
    # Not splitlines(): JSON strings may hold U+2028 and the like as they are.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (json.JSONDecodeError, RecursionError) as error:
            raise BadDataset(
                f"{name}, line {number}: not valid JSON ({error}).",
                'Write one JSON object a line, such as {"text": "..."}.',
            ) from error
        if not isinstance(row, dict):
            raise BadDataset(
                f"{name}, line {number}: {kind_of(row)}, not a JSON object.",
                'Write one JSON object a line, such as {"text": "..."}.',
            )
        columns |= dict.fromkeys(row)
        rows.append(row)
        lines.append(number)
    return Table(tuple(columns), tuple(rows), tuple(lines))


def text_cells(table: Table, name: str, column: str | None) -> tuple[str, list[str]]:
    """The text column's name, and its cells that are not blank.

    column: as the user named it; None finds it by its name, else by its being plainly prose. Dots
        lead into objects and the objects of lists, whose texts become lines of one text.

    Raises:
        UnclearColumn: no such column, none or several that could hold the text, or a cell that is
            no text.
    """
    if column is None:
        column = _guess(table, name)
    elif column not in table.columns and column not in _nested(table):
        raise UnclearColumn(
            f"{name} has no column {column!r}; it has {_describe(table)}.", _NAME_COLUMN
        )
    cells: list[str] = []
    for row, line in zip(table.rows, table.lines, strict=True):
        if column in table.columns:
            cell = row.get(column)
        else:
            cell = "\n".join(text for text in _at(row, column.split(".")) if text.strip())
        if cell is not None and not isinstance(cell, str):
            raise UnclearColumn(
                f"{name}, line {line}: {column!r} holds {kind_of(cell)}, not text.",
                _NAME_COLUMN,
            )
        if cell and cell.strip():
            cells.append(cell)
    return column, cells


def kind_of(value: object) -> str:
    """What a value of JSON is, as it stands in a sentence."""
    kinds = {str: "a text", int: "a number", float: "a number", bool: "a yes/no value",
             dict: "an object", list: "a list"}  # fmt: skip
    return kinds.get(type(value), "null")


def readable_columns(table: Table) -> tuple[str, ...]:
    """The columns with texts, in the file's order, and then the paths to nested texts, those with
    most text first."""
    direct = [column for column in table.columns if column and _strings(table.rows, column)]
    return (*direct, *_nested(table)[:MOST_NESTED])


def _guess(table: Table, name: str) -> str:
    strings = {column: _strings(table.rows, column) for column in table.columns}
    by_name = {column.strip().lower(): column for column in reversed(table.columns)}
    for known in _TEXT_NAMES:
        if known in by_name and strings[by_name[known]]:
            return by_name[known]
    sizes = sorted(((_mean_prose_bytes(cells), c) for c, cells in strings.items()), reverse=True)
    best, column = sizes[0] if sizes else (0.0, "")
    runner_up = sizes[1][0] if len(sizes) > 1 else 0.0
    if best >= _PROSE_BYTES and best >= _PROSE_LEAD * runner_up:
        return column
    raise UnclearColumn(
        f"{name} has no column that is clearly the text; it has {_describe(table)}.", _NAME_COLUMN
    )


def _at(value: object, path: Sequence[str]) -> Iterator[str]:
    """The texts that a path of keys leads to, through every object of a list."""
    if isinstance(value, list):
        for one in value:
            yield from _at(one, path)
    elif path and isinstance(value, dict):
        yield from _at(value.get(path[0]), path[1:])
    elif not path and isinstance(value, str):
        yield value


def _nested(table: Table) -> list[str]:
    """Paths, written with dots, to texts inside objects and lists; most text first."""
    sizes: dict[str, int] = {}

    def visit(value: object, path: str) -> None:
        if isinstance(value, dict):
            for key, one in value.items():
                visit(one, f"{path}.{key}" if path else str(key))
        elif isinstance(value, list):
            for one in value:
                visit(one, path)
        elif isinstance(value, str) and path not in table.columns:
            sizes[path] = sizes.get(path, 0) + len(value)

    for row in table.rows:
        visit(row, "")
    return sorted(sizes, key=lambda path: -sizes[path])


def _strings(rows: Sequence[dict[str, object]], column: str) -> list[str]:
    """The column's cells that are text and not blank."""
    cells = (row.get(column) for row in rows)
    return [cell for cell in cells if isinstance(cell, str) and cell.strip()]


def _mean_prose_bytes(cells: Sequence[str]) -> float:
    """Mean UTF-8 length of the cells, 0 if most hold no space and no letter beyond ASCII.

    Bytes, so that Japanese counts for what it says; the condition leaves out URLs and keys.
    """
    prose = sum(1 for cell in cells if " " in cell.strip() or not cell.isascii())
    if not cells or 2 * prose < len(cells):
        return 0.0
    return sum(len(cell.encode("utf-8", "replace")) for cell in cells) / len(cells)


def _describe(table: Table) -> str:
    """Columns with their kinds, e.g. "id (number), turns (list)"."""
    shown = [f"{column} ({_kind(table, column)})" for column in table.columns[:12]]
    more = len(table.columns) - len(shown)
    text = (", ".join(shown) or "no columns") + (f" and {more} more" if more > 0 else "")
    nested = ", ".join(_nested(table)[:6])
    return text + (f"; nested text: {nested}" if nested else "")


def _kind(table: Table, column: str) -> str:
    names = {str: "text", int: "number", float: "number", bool: "yes/no"}
    for row in table.rows:
        if (cell := row.get(column)) is not None:
            return names.get(type(cell), "object" if isinstance(cell, dict) else "list")
    return "empty"
