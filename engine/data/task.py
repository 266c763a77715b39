"""Rows that are tasks: what a model is asked, and what it should answer.

A table with a prompt and a reference column is read as tasks. Every row becomes one document, the
prompt, a line break, the reference and another line break, so that training sees the task and how
an answer ends; the pairs are kept beside the documents, so that models can be asked the held-out
prompts and their answers be scored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from engine.data.tables import Table, kind_of
from engine.errors import BadDataset, UnclearColumn

PROMPT_NAMES = (
    *("prompt", "question", "instruction", "input", "query"),
    *("プロンプト", "質問", "指示", "入力", "問題"),
)
REFERENCE_NAMES = (
    *("reference", "answer", "output", "summary", "completion", "response"),
    *("正解", "回答", "出力", "要約", "応答", "答え"),
)
"""Usual names of the two columns, in the order in which they are looked for."""

SEPARATOR = "\n"
"""Between the prompt and the reference, and after the reference."""


@dataclass(frozen=True)
class TaskPair:
    """A prompt and the right answer to it."""

    prompt: str
    reference: str

    @property
    def text(self) -> str:
        """The document that it makes."""
        return f"{self.prompt}{SEPARATOR}{self.reference}{SEPARATOR}"


@dataclass(frozen=True)
class TaskRows:
    """A table's tasks.

    Attributes:
        prompt_column, reference_column: where they came from.
        documents: the text of each row that has both, in the file's order, copies included.
        pairs: the pair that each text was made of.
    """

    prompt_column: str
    reference_column: str
    documents: tuple[str, ...]
    pairs: Mapping[str, TaskPair]

    def changed(self, change: Callable[[str], str]) -> TaskRows:
        """The same tasks with every prompt and every reference changed."""
        pairs = {
            document: TaskPair(change(pair.prompt), change(pair.reference))
            for document, pair in self.pairs.items()
        }
        documents = tuple(pairs[document].text for document in self.documents)
        of_text = {pair.text: pair for pair in pairs.values()}
        return TaskRows(
            self.prompt_column, self.reference_column, documents, MappingProxyType(of_text)
        )


def no_columns(name: str, *columns: str | None) -> None:
    """Refuse prompt or reference columns for a file that has no columns.

    Raises:
        BadDataset: one is named.
    """
    if named := [column for column in columns if column]:
        raise BadDataset(
            f"{name} is running text and has no column {named[0]!r}.",
            "Prompt and reference columns are for .csv, .tsv, .xlsx and .jsonl files.",
        )


def find_task(
    table: Table,
    name: str,
    *,
    text_column: str | None,
    prompt_column: str | None,
    reference_column: str | None,
) -> TaskRows | None:
    """The table's tasks; None where it is to be read as text.

    Columns that are not named are found by the usual names (case and spaces around them do not
    count), unless the text's column is named. "" for either means that there are no tasks.

    Raises:
        UnclearColumn: a named column is not there, the other one of a pair is not found, a cell is
            a list or an object, or the text's column is named besides.
    """
    if "" in (prompt_column, reference_column):
        return None
    named = [column for column in (prompt_column, reference_column) if column is not None]
    if text_column is not None:
        if not named:
            return None
        raise UnclearColumn(
            f"Both a text column ({text_column!r}) and a task's column ({named[0]!r}) are named.",
            "Name either the text's column, or the prompt's and the reference's.",
        )
    prompt = prompt_column or _usual(table, PROMPT_NAMES)
    reference = reference_column or _usual(table, REFERENCE_NAMES)
    if not named and (prompt is None or reference is None):
        return None
    if prompt is None or reference is None:
        what, option = ("prompt", "--prompt-column") if prompt is None else (
            "reference", "--reference-column")  # fmt: skip
        raise UnclearColumn(
            f"{name} has no {what} column by a usual name; it has {_listed(table)}.",
            f"Name it too: {option} NAME.",
        )
    for column in (prompt, reference):
        if column not in table.columns:
            raise UnclearColumn(
                f"{name} has no column {column!r}; it has {_listed(table)}.",
                "Name the columns: --prompt-column NAME --reference-column NAME.",
            )
    return _rows(table, name, prompt, reference)


def _usual(table: Table, names: Sequence[str]) -> str | None:
    """The first column with one of these names and anything in it."""
    by_name = {column.strip().lower(): column for column in reversed(table.columns)}
    for known in names:
        column = by_name.get(known)
        if column is not None and any(_is_filled(row.get(column)) for row in table.rows):
            return column
    return None


def _is_filled(cell: object) -> bool:
    return isinstance(cell, str | int | float) and bool(str(cell).strip())


def _rows(table: Table, name: str, prompt: str, reference: str) -> TaskRows:
    documents: list[str] = []
    pairs: dict[str, TaskPair] = {}
    for row, line in zip(table.rows, table.lines, strict=True):
        cells = (row.get(prompt), row.get(reference))
        for column, cell in zip((prompt, reference), cells, strict=True):
            if isinstance(cell, list | dict):
                raise UnclearColumn(
                    f"{name}, line {line}: {column!r} holds {kind_of(cell)}, not text.",
                    "Write prompt and reference as plain texts, one pair a row.",
                )
        if not all(map(_is_filled, cells)):
            continue
        asked, right = (str(cell).strip() for cell in cells)
        pair = TaskPair(asked, right)
        documents.append(pair.text)
        pairs.setdefault(pair.text, pair)
    if not documents:
        raise BadDataset(
            f"{name} has no row with both {prompt!r} and {reference!r}.",
            "Fill both in, or name other columns.",
        )
    return TaskRows(prompt, reference, tuple(documents), MappingProxyType(pairs))


def _listed(table: Table) -> str:
    shown = ", ".join(table.columns[:12])
    more = len(table.columns) - 12
    return (shown or "no columns") + (f" and {more} more" if more > 0 else "")
