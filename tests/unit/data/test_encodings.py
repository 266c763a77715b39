"""Text in the encodings that users' files have, Japanese and Western."""

from __future__ import annotations

from pathlib import Path

import pytest

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
        "A社のBﾎﾟﾝﾌﾟを点検", "TEL番号はNo.ﾃｽﾄAです", "ｱﾗｰﾑ3が鳴りました",
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
