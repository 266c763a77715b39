"""Reading users' tables: rows become documents, and the column with the text is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.data.ingest import read_corpus
from tests.support.data_files import ENGLISH, jsonl, write
from tests.support.refusals import data_refusal

# --- tables ---


def test_csv_rows_are_documents_and_exact_duplicates_are_counted(tmp_path: Path) -> None:
    rows = "".join(f'{n},"{document}",open\n' for n, document in enumerate(ENGLISH))
    corpus = read_corpus(write(tmp_path, "a.csv", "id,text,state\n" + rows + rows))
    assert corpus.documents == tuple(ENGLISH)
    assert corpus.duplicates == len(ENGLISH)
    assert (corpus.text_column, corpus.name) == ("text", "a.csv")


@pytest.mark.parametrize(("name", "mark"), [("a.csv", ";"), ("a.csv", "\t"), ("a.tsv", "\t")])
def test_other_delimiters(tmp_path: Path, name: str, mark: str) -> None:
    rows = "".join(f'{n}{mark}"a, b; c\n{document}"\n' for n, document in enumerate(ENGLISH))
    corpus = read_corpus(write(tmp_path, name, f"id{mark}content\n" + rows))
    assert corpus.documents == tuple("a, b; c\n" + document for document in ENGLISH)


def test_long_cell(tmp_path: Path) -> None:
    cells = [document * 400 for document in ENGLISH[:5]]
    corpus = read_corpus(write(tmp_path, "a.csv", "text\n" + "\n".join(f'"{c}"' for c in cells)))
    assert corpus.documents == tuple(cells)
    assert min(map(len, cells)) > 131_072


def test_text_column_is_guessed_by_prose(tmp_path: Path) -> None:
    rows = [
        {"id": n, "url": "https://example.org/" + "x" * 300, "memo": d}
        for n, d in enumerate(ENGLISH)
    ]
    assert read_corpus(write(tmp_path, "a.jsonl", jsonl(rows))).text_column == "memo"


def test_named_column_beats_the_guess(tmp_path: Path) -> None:
    rows = [{"text": "short", "memo": document} for document in ENGLISH]
    path = write(tmp_path, "a.jsonl", jsonl(rows))
    assert read_corpus(path, text_column="memo").documents == tuple(ENGLISH)
    error = data_refusal(path, "'note'", "text (text), memo (text)", text_column="note")
    assert "--text-column" in error.hint


@pytest.mark.parametrize(
    "table",
    [
        "id,price\n" + "1,2.5\n" * 6_000,
        "first,second\n" + "".join(f'"{d}","{d}!"\n' for d in ENGLISH),
        "code,url\n" + "".join(f"K{n},https://example.org/{'y' * 60}\n" for n in range(400)),
    ],
    ids=["numbers", "two prose columns", "keys"],
)
def test_csv_without_text_column_lists_its_columns(tmp_path: Path, table: str) -> None:
    header = table.split("\n")[0].split(",")
    error = data_refusal(write(tmp_path, "a.csv", table), "no column", *header)
    assert "--text-column" in error.hint


def test_jsonl_of_nested_values_lists_its_keys(tmp_path: Path) -> None:
    path = write(tmp_path, "a.jsonl", jsonl([{"turns": [{"content": d}]} for d in ENGLISH]))
    data_refusal(path, "turns (list)", "nested text: turns.content")
    data_refusal(path, "line 1", "'turns'", text_column="turns")
    data_refusal(path, "no column 'turns.speaker'", "turns.content", text_column="turns.speaker")
    data_refusal(write(tmp_path, "b.jsonl", jsonl([{"id": n} for n in range(9)])), "id (number)")


def test_nested_text_is_named_with_dots(tmp_path: Path) -> None:
    """As in QMSum: the turns of a meeting, one below the other."""
    rows = [
        {"meeting": {"turns": [{"who": "A", "said": d}, {"who": "B"}, {"said": "Yes."}]}}
        for d in ENGLISH
    ]
    path = write(tmp_path, "a.jsonl", jsonl(rows))
    corpus = read_corpus(path, text_column="meeting.turns.said")
    assert corpus.documents == tuple(f"{d}\nYes." for d in ENGLISH)
    dotted = [{"a.b": document, "a": {"b": "another"}} for document in ENGLISH]
    corpus = read_corpus(write(tmp_path, "b.jsonl", jsonl(dotted)), text_column="a.b")
    assert corpus.documents == tuple(ENGLISH)


def test_bad_rows_are_named(tmp_path: Path) -> None:
    good = [{"text": document} for document in ENGLISH]
    path = tmp_path / "a.jsonl"
    path.write_text(jsonl(good[:2]) + "\n{text: 1}\n", encoding="utf-8")
    data_refusal(path, "line 4", "not valid JSON")
    path.write_text(jsonl([*good, ["text"]]), encoding="utf-8")
    data_refusal(path, "line 61: a list, not a JSON object")
    path.write_text(jsonl([*good, {"text": 5}]), encoding="utf-8")
    data_refusal(path, "line 61: 'text' holds a number, not text")
    data_refusal(write(tmp_path, "a.csv", "text,state\na,b\nc,d,e\n"), "line 3", "3 cells")
    data_refusal(write(tmp_path, "b.csv", 'text,state\n"a"x,b\n'), "line 2")


def test_blank_rows_are_left_out_and_noted(tmp_path: Path) -> None:
    rows = [{"text": d} for d in ENGLISH] + [{"text": " "}, {"text": None}, {"id": 1}]
    corpus = read_corpus(write(tmp_path, "a.jsonl", jsonl(rows)))
    assert corpus.documents == tuple(ENGLISH)
    assert any(note.startswith("3 rows") for note in corpus.notes)
