"""Reading users' files: every format and encoding, and a plain refusal of everything else."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from engine.data import ingest
from engine.data.ingest import (
    MAX_BYTES,
    MIN_CHARACTERS,
    Corpus,
    bundled_datasets,
    read_corpus,
    resolve_data,
)
from engine.errors import BadDataset

ENGLISH = [f"Work order {n}: the pump at site {n % 7} was inspected. " * 12 for n in range(60)]
JAPANESE = [
    f"作業票{n}：第{n % 7}工場のポンプを点検し、ベルトを交換しました。" * 20 for n in range(60)
]


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


def jsonl(rows: Sequence[object]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def refusal(path: Path, *words: str, text_column: str | None = None) -> BadDataset:
    """The error `read_corpus` raises, which must have a hint and mention all the words."""
    with pytest.raises(BadDataset) as caught:
        read_corpus(path, text_column=text_column)
    assert caught.value.hint
    for word in words:
        assert word in caught.value.message
    return caught.value


def joined(corpus: Corpus) -> str:
    return "".join("".join(corpus.documents).split())


# --- encodings ---


@pytest.mark.parametrize(
    ("codec", "title"),
    [
        ("utf-8", "UTF-8"),
        ("utf-8-sig", "UTF-8 with BOM"),
        ("utf-16", "UTF-16"),
        ("utf-32", "UTF-32"),
        ("cp932", "CP932 (Shift-JIS)"),
        ("euc_jp", "EUC-JP"),
        ("iso2022_jp", "ISO-2022-JP"),
    ],
)
def test_japanese_encodings(tmp_path: Path, codec: str, title: str) -> None:
    text = "\n\n".join(document + "それからポンプを見る。" for document in JAPANESE)
    corpus = read_corpus(write(tmp_path, "a.txt", text.encode(codec)))
    assert corpus.encoding == title
    assert joined(corpus) == "".join(text.split())


def test_excel_csv_in_cp932_with_vendor_characters(tmp_path: Path) -> None:
    rows = [f'{n},"①㈱髙﨑: {document}"\r\n' for n, document in enumerate(JAPANESE)]
    raw = ("番号,本文\r\n" + "".join(rows)).encode("cp932")
    corpus = read_corpus(write(tmp_path, "a.csv", raw))
    assert (corpus.text_column, corpus.format) == ("本文", "csv")
    assert corpus.documents[3].startswith("①㈱髙﨑: 作業票3")


WESTERN = (
    "Die Straße ist groß", "Ein Öl-Prüfgerät – défaut détecté", "Où est passée la décision ?",
    "Français, garçon, déjà vu", "El niño comió jamón y se marchó", "¿Qué pasó mañana?",
    "Für größere Maßnahmen genügt das Übliche", "naïve", "Viele Grüße",
)  # fmt: skip


@pytest.mark.parametrize("sentence", WESTERN)
def test_western_text_is_read_as_a_guess_and_not_as_kana(tmp_path: Path, sentence: str) -> None:
    text = "".join(f"{sentence} {n}. " for n in range(4_000))
    corpus = read_corpus(write(tmp_path, "a.txt", text.encode("cp1252")))
    assert corpus.encoding == "Windows-1252 (guessed)"
    assert joined(corpus) == "".join(text.split())


@pytest.mark.parametrize("codec", ["cp932", "euc_jp"])
@pytest.mark.parametrize(
    "sentence",
    ["A社のBﾎﾟﾝﾌﾟを点検", "TEL番号はNo.ﾃｽﾄAです", "ｱﾗｰﾑ3が鳴りました", "設備ID は X線装置Y"],
)
def test_short_japanese_words_beside_latin_ones_stay_japanese(
    tmp_path: Path, codec: str, sentence: str
) -> None:
    text = "".join(f"{sentence} {n}。\n" for n in range(3_000))
    corpus = read_corpus(write(tmp_path, "a.txt", text.encode(codec)))
    assert joined(corpus) == "".join(text.split())


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("documents", [ENGLISH, JAPANESE, ["naïve Straße\n" * 40] * 50])
def test_utf_16_needs_no_mark(tmp_path: Path, codec: str, documents: list[str]) -> None:
    text = "\n---\n\n".join(f"{d} {n}.\n" for n, d in enumerate(documents))
    corpus = read_corpus(write(tmp_path, "a.txt", text.encode(codec)))
    assert corpus.encoding == "UTF-16 without BOM" and documents[3][:40] in corpus.documents[3]


@pytest.mark.parametrize("codec", ["cp1251", "gbk", "cp1253"])
def test_unknown_encoding_is_refused(tmp_path: Path, codec: str) -> None:
    words = {"gbk": "中国的经济发展很快，我们检查了水泵。", "cp1253": "Η αντλία ελέγχθηκε σήμερα. "}
    raw = words.get(codec, "Насос был проверен сегодня. ").encode(codec) * 1_000
    error = refusal(write(tmp_path, "a.txt", raw), "encodings", "UTF-16", "ISO-2022-JP")
    assert "UTF-8" in error.hint


def test_damaged_japanese_is_not_taken_for_western_text(tmp_path: Path) -> None:
    raw = "\n".join(JAPANESE).encode("cp932") + b"\x82 "
    refusal(write(tmp_path, "a.txt", raw), "encodings")


# --- what is no text ---


@pytest.mark.parametrize("content", [b"", b"  \n\n \t\n", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("ending", [".txt", ".csv", ".jsonl"])
def test_empty_file(tmp_path: Path, content: bytes, ending: str) -> None:
    refusal(write(tmp_path, "a" + ending, content), "20,000")


@pytest.mark.parametrize(
    "magic",
    [
        b"PK\x03\x04",
        b"%PDF-1.7\n",
        b"\x89PNG\r\n",
        b"\x7fELF\x02",
        b"\xff\xd8\xff\xe0",
        b"\x1f\x8b",
    ],
)
def test_binary_file_renamed_to_txt(tmp_path: Path, magic: bytes) -> None:
    refusal(write(tmp_path, "a.txt", magic + b"words and words " * 4_000), "not plain text")


def test_other_binary_content(tmp_path: Path) -> None:
    words = b"words and words " * 4_000
    refusal(write(tmp_path, "nul.txt", words + b"\x00"), "binary")
    refusal(write(tmp_path, "control.txt", words.replace(b"and", b"\x01\x02\x03")), "binary")
    noise = bytes(b for n in range(9_000) for b in ((n * 7919) % 251 + 1, (n * 104729) % 253 + 1))
    refusal(write(tmp_path, "noise.txt", noise))


def test_huge_file_is_refused_without_reading_it(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.touch()
    os.truncate(path, 200 * 2**20)
    started = time.monotonic()
    refusal(path, "200 MiB", str(MAX_BYTES // 2**20))
    assert time.monotonic() - started < 0.5


@pytest.mark.parametrize("name", ["a.docx", "a.json", "a.raw", "a", "a.txt.zip"])
def test_other_formats(tmp_path: Path, name: str) -> None:
    error = refusal(write(tmp_path, name, "text " * 9_000), "format")
    assert ".jsonl" in error.hint


def test_missing_file_and_folder(tmp_path: Path) -> None:
    refusal(tmp_path / "nowhere.txt", "no file")
    (tmp_path / "folder.txt").mkdir()
    refusal(tmp_path / "folder.txt", "no file")


# --- too little ---


def test_one_line_file_says_found_and_needed(tmp_path: Path) -> None:
    error = refusal(write(tmp_path, "a.txt", "The pump is broken.\n"), "found 19 characters")
    assert f"needed {MIN_CHARACTERS:,}" in error.message


def test_copies_of_one_document_do_not_count(tmp_path: Path) -> None:
    path = write(tmp_path, "a.jsonl", jsonl([{"text": ENGLISH[0] * 10}] * 50))
    refusal(path, "in 1 different document", "49 exact copies", "needed")
    line = write(tmp_path, "line.txt", "x" * 200_000)  # 64 pieces of it are all the same
    refusal(line, "found 3,125 characters in 1 different document", "63 exact copies")


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_a_table_of_one_long_text_is_cut_by_length(tmp_path: Path, name: str) -> None:
    text = " ".join(f"{n} {document}" for n, document in enumerate(ENGLISH * 5))
    content = f'text\n"{text}"\n' if name == "a.csv" else jsonl([{"text": text}])
    corpus = read_corpus(write(tmp_path, name, content))
    assert 32 <= len(corpus.documents) <= 130 and joined(corpus) == "".join(text.split())
    assert any("cut at paragraphs into" in note for note in corpus.notes)
    refusal(write(tmp_path, name, jsonl([{"text": "short"}]) if "json" in name else "text\nshort"),
            "too little")  # fmt: skip


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
    error = refusal(path, "'note'", "text (text), memo (text)", text_column="note")
    assert "--text-column" in error.hint


@pytest.mark.parametrize(
    "table",
    [
        "id,price\n" + "1,2.5\n" * 6_000,
        "question,answer\n" + "".join(f'"{d}","{d}!"\n' for d in ENGLISH),
        "code,url\n" + "".join(f"K{n},https://example.org/{'y' * 60}\n" for n in range(400)),
    ],
    ids=["numbers", "two prose columns", "keys"],
)
def test_csv_without_text_column_lists_its_columns(tmp_path: Path, table: str) -> None:
    header = table.split("\n")[0].split(",")
    error = refusal(write(tmp_path, "a.csv", table), "no column", *header)
    assert "--text-column" in error.hint


def test_jsonl_of_nested_values_lists_its_keys(tmp_path: Path) -> None:
    path = write(tmp_path, "a.jsonl", jsonl([{"turns": [{"content": d}]} for d in ENGLISH]))
    refusal(path, "turns (list)", "nested text: turns.content")
    refusal(path, "line 1", "'turns'", text_column="turns")
    refusal(path, "no column 'turns.speaker'", "turns.content", text_column="turns.speaker")
    refusal(write(tmp_path, "b.jsonl", jsonl([{"id": n} for n in range(9)])), "id (number)")


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
    refusal(path, "line 4", "not valid JSON")
    path.write_text(jsonl([*good, ["text"]]), encoding="utf-8")
    refusal(path, "line 61", "list")
    path.write_text(jsonl([*good, {"text": 5}]), encoding="utf-8")
    refusal(path, "line 61", "'text'", "int")
    refusal(write(tmp_path, "a.csv", "text,state\na,b\nc,d,e\n"), "line 3", "3 cells")
    refusal(write(tmp_path, "b.csv", 'text,state\n"a"x,b\n'), "line 2")


def test_blank_rows_are_left_out_and_noted(tmp_path: Path) -> None:
    rows = [{"text": d} for d in ENGLISH] + [{"text": " "}, {"text": None}, {"id": 1}]
    corpus = read_corpus(write(tmp_path, "a.jsonl", jsonl(rows)))
    assert corpus.documents == tuple(ENGLISH)
    assert any(note.startswith("3 rows") for note in corpus.notes)


# --- running text ---


@pytest.mark.parametrize(
    "separator",
    [
        "<|endoftext|>",
        "\n<|endoftext|>\n",
        "\f",
        "\n---\n",
        "\n\n-----\n\n",
        "\n\n====\n",
        "\n\n***\n",
    ],
)
def test_separators_make_documents(tmp_path: Path, separator: str) -> None:
    documents = [document.strip() for document in ENGLISH]
    corpus = read_corpus(write(tmp_path, "a.txt", separator.join(documents)))
    assert corpus.documents == tuple(documents)


def test_headings_of_a_wikipedia_dump_make_documents(tmp_path: Path) -> None:
    articles = [
        f" = Site {n} = \n \n {d}\n \n = = More = = \n \n {d}\n" for n, d in enumerate(ENGLISH)
    ]
    corpus = read_corpus(write(tmp_path, "wiki.txt", " \n" + " \n".join(articles)))
    assert len(corpus.documents) == len(articles)
    assert all(document.startswith("= Site") for document in corpus.documents)


def test_underlined_headings_are_no_separators(tmp_path: Path) -> None:
    text = "".join(f"Heading {n}\n=======\n\n{document}\n\n" for n, document in enumerate(ENGLISH))
    corpus = read_corpus(write(tmp_path, "a.md", text))
    assert joined(corpus).count("=======") == len(ENGLISH)


@pytest.mark.parametrize(
    "text",
    [
        "\n\n".join(ENGLISH * 8),
        "\n".join(JAPANESE * 4),
        "".join(JAPANESE * 4),
        " ".join(ENGLISH * 8),
        "x" * 200_000,
    ],
    ids=["paragraphs", "lines", "japanese sentences", "english sentences", "nothing to cut at"],
)
def test_a_long_work_becomes_many_documents_without_loss(tmp_path: Path, text: str) -> None:
    path = write(tmp_path, "a.txt", text)
    if text.startswith("x"):
        refusal(path, "different document")
        return
    corpus = read_corpus(path)
    assert 32 <= len(corpus.documents) + corpus.duplicates <= 130
    assert max(map(len, corpus.documents)) <= 16_000
    if not corpus.duplicates:
        assert joined(corpus) == "".join(text.split())


def test_running_text_has_no_column(tmp_path: Path) -> None:
    refusal(write(tmp_path, "a.txt", "\n\n".join(ENGLISH)), "'text'", text_column="text")


def test_too_many_documents_are_thinned_out_evenly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "MAX_DOCUMENTS", 20)
    corpus = read_corpus(write(tmp_path, "a.jsonl", jsonl([{"text": d} for d in ENGLISH])))
    assert corpus.documents == tuple(ENGLISH[::3])
    assert any("20 of 60" in note for note in corpus.notes)


def test_same_file_same_corpus(tmp_path: Path) -> None:
    path = write(tmp_path, "a.txt", "\n\n".join(ENGLISH))
    assert read_corpus(path) == read_corpus(path)
    assert len(read_corpus(path).sha256) == 64


# --- names ---


def test_names_and_paths_of_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, "cases.jsonl", "{}")
    write(tmp_path, "README.txtx", "")
    monkeypatch.setattr(ingest, "DATA_FOLDER", tmp_path)
    assert bundled_datasets() == {"cases": path}
    assert resolve_data("cases") == path
    assert resolve_data(str(path)) == path
    for nothing in ("", "case", str(tmp_path), str(tmp_path / "no.txt")):
        with pytest.raises(BadDataset) as caught:
            resolve_data(nothing)
        assert "cases" in caught.value.hint
