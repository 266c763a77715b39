"""Reading users' files: every format and encoding, and a plain refusal of everything else."""

from __future__ import annotations

import os
import time
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
from tests.support.data_files import ENGLISH, JAPANESE, jsonl, write
from tests.support.refusals import data_refusal


def joined(corpus: Corpus) -> str:
    return "".join("".join(corpus.documents).split())


# --- what is no text ---


@pytest.mark.parametrize("content", [b"", b"  \n\n \t\n", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("ending", [".txt", ".csv", ".jsonl"])
def test_empty_file(tmp_path: Path, content: bytes, ending: str) -> None:
    data_refusal(write(tmp_path, "a" + ending, content), "20,000")


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
    data_refusal(write(tmp_path, "a.txt", magic + b"words and words " * 4_000), "not plain text")


def test_other_binary_content(tmp_path: Path) -> None:
    words = b"words and words " * 4_000
    data_refusal(write(tmp_path, "nul.txt", words + b"\x00"), "binary")
    data_refusal(write(tmp_path, "control.txt", words.replace(b"and", b"\x01\x02\x03")), "binary")
    noise = bytes(b for n in range(9_000) for b in ((n * 7919) % 251 + 1, (n * 104729) % 253 + 1))
    data_refusal(write(tmp_path, "noise.txt", noise))


def test_huge_file_is_refused_without_reading_it(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.touch()
    os.truncate(path, 200 * 2**20)
    started = time.monotonic()
    data_refusal(path, "200 MiB", str(MAX_BYTES // 2**20))
    assert time.monotonic() - started < 0.5


@pytest.mark.parametrize("name", ["a.doc", "a.xls", "a.json", "a.raw", "a", "a.txt.zip"])
def test_other_formats(tmp_path: Path, name: str) -> None:
    error = data_refusal(write(tmp_path, name, "text " * 9_000), "format")
    assert ".jsonl" in error.hint


def test_missing_file_and_folder(tmp_path: Path) -> None:
    data_refusal(tmp_path / "nowhere.txt", "no file")
    (tmp_path / "folder.txt").mkdir()
    data_refusal(tmp_path / "folder.txt", "no file")


# --- too little ---


def test_one_line_file_says_found_and_needed(tmp_path: Path) -> None:
    error = data_refusal(write(tmp_path, "a.txt", "The pump is broken.\n"), "found 19 characters")
    assert f"needed {MIN_CHARACTERS:,}" in error.message


def test_copies_of_one_document_do_not_count(tmp_path: Path) -> None:
    path = write(tmp_path, "a.jsonl", jsonl([{"text": ENGLISH[0] * 10}] * 50))
    data_refusal(path, "in 1 different document", "49 exact copies", "needed")
    line = write(tmp_path, "line.txt", "x" * 200_000)  # 64 pieces of it are all the same
    data_refusal(line, "found 3,125 characters in 1 different document", "63 exact copies")


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_a_table_of_one_long_text_is_cut_by_length(tmp_path: Path, name: str) -> None:
    text = " ".join(f"{n} {document}" for n, document in enumerate(ENGLISH * 5))
    content = f'text\n"{text}"\n' if name == "a.csv" else jsonl([{"text": text}])
    corpus = read_corpus(write(tmp_path, name, content))
    assert 32 <= len(corpus.documents) <= 130 and joined(corpus) == "".join(text.split())
    assert any("cut at paragraphs into" in note for note in corpus.notes)
    short = jsonl([{"text": "short"}]) if name == "a.jsonl" else "text\nshort"
    data_refusal(write(tmp_path, name, short), "too little")


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
        data_refusal(path, "different document")
        return
    corpus = read_corpus(path)
    assert 32 <= len(corpus.documents) + corpus.duplicates <= 130
    assert max(map(len, corpus.documents)) <= 16_000
    if not corpus.duplicates:
        assert joined(corpus) == "".join(text.split())


def test_running_text_has_no_column(tmp_path: Path) -> None:
    data_refusal(write(tmp_path, "a.txt", "\n\n".join(ENGLISH)), "'text'", text_column="text")


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


# --- personal data ---


def test_masking_comes_before_everything_else_and_leaves_the_file_alone(tmp_path: Path) -> None:
    texts = [f"{document} Call 090-1234-{n:04d}." for n, document in enumerate(ENGLISH)]
    path = write(tmp_path, "a.jsonl", jsonl([{"text": text} for text in [*texts, *texts]]))
    before = path.read_bytes()
    plain, hidden = read_corpus(path), read_corpus(path, mask_personal_data=True)
    assert hidden.documents == tuple(f"{document} Call [PHONE]." for document in ENGLISH)
    assert hidden.sha256 == plain.sha256 and path.read_bytes() == before
    assert "Personal data was replaced in 120 of 120 documents." in hidden.notes
    same = [f"{ENGLISH[0]} Call 090-1234-{n:04d}." for n in range(60)]
    copies = write(tmp_path, "b.jsonl", jsonl([{"text": text} for text in [*same, *texts]]))
    assert read_corpus(copies, mask_personal_data=True).duplicates == 60
