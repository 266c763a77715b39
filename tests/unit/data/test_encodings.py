"""Text in the encodings that users' files have, Japanese and Western."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from engine.configs import RunConfig
from engine.data.decode import ENCODINGS
from engine.data.ingest import (
    Corpus,
    read_corpus,
)
from tests.support.data_files import ENGLISH, JAPANESE, write
from tests.support.refusals import data_refusal


def joined(corpus: Corpus) -> str:
    return "".join("".join(corpus.documents).split())


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
    [
        "A社のBﾎﾟﾝﾌﾟを点検",
        "TEL番号はNo.ﾃｽﾄAです",
        "ｱﾗｰﾑ3が鳴りました",
        "設備ID は X線装置Y のものです",
    ],  # fmt: skip
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
    error = data_refusal(write(tmp_path, "a.txt", raw), "encodings", "UTF-16", "ISO-2022-JP")
    assert "UTF-8" in error.hint


def test_damaged_japanese_is_not_taken_for_western_text(tmp_path: Path) -> None:
    raw = "\n".join(JAPANESE).encode("cp932") + b"\x82 "
    data_refusal(write(tmp_path, "a.txt", raw), "encodings")


# --- an encoding chosen instead of the one found ---

RUNNING = "\n\n".join(document + "それからポンプを見る。" for document in JAPANESE)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_chosen_encoding_reads_as_the_found_one_and_says_so(
    tmp_path: Path, encoding: str
) -> None:
    path = write(tmp_path, "a.txt", RUNNING.encode(encoding))
    found, chosen = read_corpus(path), read_corpus(path, encoding=encoding)
    assert chosen.documents == found.documents and joined(chosen) == "".join(RUNNING.split())
    assert chosen.encoding == f"{ENCODINGS[encoding][1]}, as chosen"


@pytest.mark.parametrize(
    ("written", "chosen", "words"),
    [
        ("cp932", "utf-8", ["not in UTF-8: byte 0 (0x8D, in line 1)"]),
        ("utf-8", "cp932", ["not in CP932 (Shift-JIS): byte", "in line"]),
        ("cp932", "iso-2022-jp", ["not in ISO-2022-JP: byte 0"]),
        ("utf-16", "euc-jp", ["not in EUC-JP: byte 0 (0xFF"]),
        ("cp932", "utf-16", ["not in UTF-16: "]),
    ],
)
def test_a_wrong_choice_names_the_byte_and_what_was_found(
    tmp_path: Path, written: str, chosen: str, words: list[str]
) -> None:
    path = write(tmp_path, "a.txt", RUNNING.encode(written))
    title = read_corpus(path).encoding
    error = data_refusal(path, *words, encoding=chosen)
    assert error.hint == f"Choose {title}, or have it found: leave the encoding empty."


def test_the_byte_that_does_not_fit_is_counted_from_zero(tmp_path: Path) -> None:
    raw = b"plain words\n" * 3_000 + "é".encode("cp1252") + b" and more"
    data_refusal(write(tmp_path, "a.txt", raw), "byte 36,000 (0xE9, in line 3,001)",
                 encoding="utf-8")  # fmt: skip


def test_a_choice_that_reads_but_looks_wrong_is_told(tmp_path: Path) -> None:
    path = write(tmp_path, "a.txt", RUNNING.encode("iso2022_jp"))  # bytes of ASCII only
    corpus = read_corpus(path, encoding="utf-8")
    assert corpus.encoding == "UTF-8, as chosen; found: ISO-2022-JP"


def test_without_a_mark_utf_16_can_be_chosen(tmp_path: Path) -> None:
    path = write(tmp_path, "a.txt", RUNNING.encode("utf-16-be"))
    assert joined(read_corpus(path, encoding="utf-16")) == "".join(RUNNING.split())


@pytest.mark.parametrize("name", ["a.xlsx", "a.docx", "a.pdf"])
def test_only_plain_text_has_an_encoding(tmp_path: Path, name: str) -> None:
    error = data_refusal(write(tmp_path, name, "x"), "no encoding to choose", encoding="utf-8")
    assert "empty" in error.hint


def test_the_settings_know_the_same_encodings() -> None:
    (choices, none) = get_args(RunConfig.model_fields["encoding"].annotation)
    assert set(get_args(choices)) == set(ENCODINGS) and none is type(None)
