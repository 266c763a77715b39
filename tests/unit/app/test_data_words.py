"""The engine's notes and refusals of files are said in Japanese on the Japanese page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app import data_words, notes, problems
from engine.data import confined, ingest
from engine.data.ingest import read_corpus
from engine.errors import BadDataset
from tests.support import office_files as made
from tests.support.data_files import ENGLISH, JAPANESE, jsonl, write

ROWS = [["text"], *([text] for text in ENGLISH)]


def english(text: str, *names: str) -> list[str]:
    """English words in a sentence, names aside."""
    for name in names:
        text = text.replace(name, "")
    return re.findall(r"[a-z]{2,} [a-z]{2,}", text)


def notes_of(path: Path, **settings: object) -> dict[str, str]:
    """The notes on a file, by what they are recognised as."""
    found = {}
    for note in read_corpus(path, **settings).notes:  # pyright: ignore[reportArgumentType]
        said = notes.told(note, "ja")
        assert english(said) == [], said
        assert notes.told(note, "en") == note
        found[note] = said
    return found


def test_every_note_has_its_japanese(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = notes_of(made.pdf(tmp_path / "a.pdf", [*ENGLISH, ""]), mask_personal_data=True)
    assert len(said) == 4
    assert "61 ページのうち 1 ページは" in "".join(said.values())
    book = {"台帳": [["text", "sum"], *([text, "=1+1"] for text in ENGLISH)], "B": [], "C": []}
    said = notes_of(made.xlsx(tmp_path / "a.xlsx", book))
    assert "シート「台帳」を読み込みました。読み込んでいないシート：'B', 'C'" in said.values()
    assert len(said) == 2
    assert len(notes_of(made.xlsx(tmp_path / "b.xlsx", {"S": [*ROWS, [None, "x"]]}))) == 2
    one = write(tmp_path, "a.jsonl", jsonl([{"text": "\n\n".join(ENGLISH)}]))
    assert "異なる文章が 1 件しかない" in "".join(notes_of(one).values())
    monkeypatch.setattr(ingest, "MAX_DOCUMENTS", 20)
    many = write(tmp_path, "b.jsonl", jsonl([{"text": text} for text in ENGLISH]))
    (thinned,) = notes_of(many).values()
    assert thinned.startswith("60 件の文書から、均等に選んだ 20 件を使います")


def _scan(folder: Path) -> Path:
    return made.pdf(folder / "a.pdf", [""] * 5)


def _encrypted(folder: Path) -> Path:
    from pypdf import PdfWriter

    path = made.pdf(folder / "a.pdf", ENGLISH)
    writer = PdfWriter(clone_from=path)
    writer.encrypt("secret", algorithm="RC4-128")
    writer.write(path)
    return path


def _attack(folder: Path) -> Path:
    return made.docx_of_xml(folder / "a.docx", "", before="<!DOCTYPE x>")


REFUSED = {
    "OCR": _scan,
    "暗号化": _encrypted,
    "パスワードで保護": lambda f: write(f, "a.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" * 9),
    "破損": lambda f: write(f, "a.docx", b"PK\x03\x04" * 99),
    "拡張子": lambda f: made.archive(f / "a.docx", {"x": "y"}),
    "攻撃": _attack,
    "シートがありません": lambda f: made.xlsx(f / "a.xlsx", {"S": [["x"]]}),
    "5 文字しか": lambda f: made.docx(f / "a.docx", ["short"]),
    "空です": lambda f: write(f, "a.txt", ""),
    "（.norm）には対応していません": lambda f: write(f, "a.norm", "text"),
}


@pytest.mark.parametrize("words", REFUSED)
def test_a_refused_file_is_explained_in_japanese(tmp_path: Path, words: str) -> None:
    path = REFUSED[words](tmp_path)
    with pytest.raises(BadDataset) as caught:
        read_corpus(path)
    title, text = problems.words(caught.value, "ja")
    assert title == "このファイルは使えません" and words in text
    assert english(text, path.name) == []
    assert caught.value.message in problems.words(caught.value, "en")[1]


def test_wrong_encodings_and_slow_files_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, "a.txt", "\n\n".join(JAPANESE).encode("cp932"))
    for encoding, words in (("utf-8", "0 バイト目"), ("utf-16", "UTF-16 では")):
        with pytest.raises(BadDataset) as caught:
            read_corpus(path, encoding=encoding)
        assert words in problems.words(caught.value, "ja")[1]
    monkeypatch.setattr(confined, "TIME_LIMIT_S", 0.01)
    with pytest.raises(BadDataset) as caught:
        read_corpus(made.xlsx(tmp_path / "a.xlsx", {"S": ROWS}))
    assert "0.01 秒を超えました" in problems.words(caught.value, "ja")[1]


def test_a_sentence_of_another_version_shows_as_it_is() -> None:
    assert "Something new." in notes.told("Something new.", "ja")
    assert data_words.refusal(BadDataset("Something new.", "Wait."), "ja") is None
