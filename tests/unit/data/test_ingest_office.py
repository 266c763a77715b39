"""Reading Excel, Word and PDF files: the same promises as for text, whatever the file holds."""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from pathlib import Path

import pytest
from openpyxl import load_workbook

from engine.data.ingest import read_corpus
from tests.support.data_files import ENGLISH, JAPANESE
from tests.support.office_files import docx, docx_of_xml, pdf, xlsx
from tests.support.refusals import data_refusal

# --- Excel ---


def test_rows_of_a_workbook_are_documents(tmp_path: Path) -> None:
    rows = [["番号", "本文"], *([n, text] for n, text in enumerate(JAPANESE))]
    path = xlsx(tmp_path / "台帳.xlsx", {"Sheet1": [*rows, *rows[1:]]})
    corpus = read_corpus(path)
    assert corpus.documents == tuple(JAPANESE) and corpus.duplicates == len(JAPANESE)
    assert (corpus.format, corpus.text_column, corpus.name) == ("xlsx", "本文", "台帳.xlsx")
    assert corpus.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert corpus == read_corpus(path)


def test_the_first_visible_sheet_with_rows_is_read_and_named(tmp_path: Path) -> None:
    wanted = [["text"], *([text] for text in ENGLISH)]
    sheets = {"Secret": [["text"], ["no"]], "Cover": [["Our data"]], "Data": wanted, "More": []}
    corpus = read_corpus(xlsx(tmp_path / "a.xlsx", sheets, hidden=["Secret"]))
    assert corpus.documents == tuple(ENGLISH)
    assert "The sheet 'Data' is read; 'Secret', 'Cover', 'More' is not." in corpus.notes
    data_refusal(xlsx(tmp_path / "b.xlsx", {"Cover": [["Our data"]]}), "no sheet")


def test_any_column_can_be_the_text_whatever_its_cells_hold(tmp_path: Path) -> None:
    head = [None, "id", "text", "text", "when"]
    rows = [
        [n, n + 0.0, f"{text} {n}", None if n else True, date(2026, 11, 25) if n else
         datetime(2026, 11, 25, 8, 30)]
        for n, text in enumerate(ENGLISH)
    ]  # fmt: skip
    rows.append(["#N/A", 1, "#REF!", "#DIV/0!", None, "beyond"])
    path = xlsx(tmp_path / "a.xlsx", {"S": [[], head, [], *rows]})
    corpus = read_corpus(path)
    assert corpus.documents == tuple(f"{text} {n}" for n, text in enumerate(ENGLISH))
    assert "1 rows without text were left out." in corpus.notes
    data_refusal(
        path, "no column 'x'", "A (text), id (text), text (text), text (D) (", text_column="x"
    )  # noqa: E501
    data_refusal(path, "in 1 different document", "found 4 characters", text_column="text (D)")
    data_refusal(path, "found 29 characters in 2", text_column="when")
    data_refusal(path, "found 6 characters", text_column="F")


def test_columns_of_one_name_are_told_apart(tmp_path: Path) -> None:
    head = ["note", "note (C)", "note"]
    rows = [[n, "", text] for n, text in enumerate(ENGLISH)]
    path = xlsx(tmp_path / "a.xlsx", {"S": [head, *rows]})
    assert read_corpus(path, text_column="note (C) (C)").documents == tuple(ENGLISH)


def test_formulas_count_by_their_stored_value(tmp_path: Path) -> None:
    rows = [["text", "sum"], *([text, "=1+1"] for text in ENGLISH)]
    corpus = read_corpus(xlsx(tmp_path / "a.xlsx", {"S": rows}))
    assert any(note.startswith("60 cells hold a formula whose result") for note in corpus.notes)
    whole = xlsx(tmp_path / "b.xlsx", {"S": [["text"], *([text] for text in ENGLISH)]})
    assert not any("formula" in note for note in read_corpus(whole).notes)


def test_a_workbook_of_another_size_than_it_says_is_read_whole(tmp_path: Path) -> None:
    path = xlsx(tmp_path / "a.xlsx", {"S": [["text"], *([text] for text in ENGLISH)]})
    book = load_workbook(path)
    book["S"]["ZZ3"] = "far away"
    book.save(path)
    assert read_corpus(path).documents == tuple(ENGLISH)


# --- Word ---


def test_paragraphs_and_tables_of_a_document_in_order(tmp_path: Path) -> None:
    table = [["設備", "結果"], ["ポンプ", "良\n好"]]
    blocks = ["点検報告", "", *JAPANESE[:30], table, *JAPANESE[30:]]
    corpus = read_corpus(docx(tmp_path / "報告.docx", blocks))
    whole = "\n\n".join(corpus.documents)
    assert whole.startswith("点検報告\n\n作業票0") and whole.endswith(JAPANESE[-1])
    assert f"{JAPANESE[29]}\n\n設備\t結果\nポンプ\t良 好\n\n{JAPANESE[30]}" in whole
    assert (corpus.format, corpus.text_column, corpus.duplicates) == ("docx", None, 0)
    assert any("cut at paragraphs into" in note for note in corpus.notes)
    data_refusal(tmp_path / "報告.docx", "no column 'text'", text_column="text")


def test_separators_in_a_document_make_documents(tmp_path: Path) -> None:
    blocks = [block for text in ENGLISH for block in (text.strip(), "-----")]
    corpus = read_corpus(docx(tmp_path / "a.docx", blocks))
    assert corpus.documents == tuple(text.strip() for text in ENGLISH)


def _run(inner: str) -> str:
    return f"<w:r>{inner}</w:r>"


def test_only_what_a_reader_sees_as_the_text_is_read(tmp_path: Path) -> None:
    filler = "".join(f"<w:p>{_run(f'<w:t>{text}</w:t>')}</w:p>" for text in ENGLISH)
    paragraph = "".join(
        [
            "<w:pPr><w:tabs><w:tab/></w:tabs></w:pPr>",
            _run("<w:t>kept</w:t><w:tab/><w:t>on</w:t><w:br/><w:t>two lines</w:t>"),
            f"<w:ins>{_run('<w:t> inserted</w:t>')}</w:ins>",
            f"<w:del>{_run('<w:delText> deleted</w:delText>')}</w:del>",
            f"<w:moveFrom>{_run('<w:t> moved away</w:t>')}</w:moveFrom>",
            _run("<w:instrText>HYPERLINK</w:instrText>"),
            f"<w:hyperlink>{_run('<w:t> linked</w:t>')}</w:hyperlink>",
            _run("<w:ruby><w:rt><w:r><w:t>かんじ</w:t></w:r></w:rt><w:rubyBase><w:r><w:t> 漢字"
                 "</w:t></w:r></w:rubyBase></w:ruby>"),
            _run("<mc:AlternateContent><mc:Choice><w:txbxContent><w:p><w:r><w:t>box</w:t></w:r>"
                 "</w:p></w:txbxContent></mc:Choice><mc:Fallback><w:p><w:r><w:t>box</w:t></w:r>"
                 "</w:p></mc:Fallback></mc:AlternateContent>"),
        ]
    )  # fmt: skip
    corpus = read_corpus(docx_of_xml(tmp_path / "a.docx", f"<w:p>{paragraph}</w:p>{filler}"))
    seen = "box\n\nkept\ton\ntwo lines inserted linked 漢字\n\nWork order 0"
    assert corpus.documents[0].startswith(seen)


# --- PDF ---


def test_pages_of_a_pdf_are_one_text(tmp_path: Path) -> None:
    pages = [f"Page {n}\n" + "\n".join([text[:70]] * 30) for n, text in enumerate(ENGLISH)]
    corpus = read_corpus(pdf(tmp_path / "a.pdf", [*pages, "", ""]))
    whole = "".join("".join(corpus.documents).split())
    assert whole == "".join("".join(pages).split()) and corpus.format == "pdf"
    assert any(note.startswith("2 of 62 pages hold no text") for note in corpus.notes)
    assert any("cut at paragraphs into" in note for note in corpus.notes)


def test_a_scanned_pdf_is_sent_to_text_recognition(tmp_path: Path) -> None:
    error = data_refusal(pdf(tmp_path / "scan.pdf", [""] * 5), "no text", "5 pages")
    assert "OCR" in error.hint


def test_an_encrypted_pdf_is_refused(tmp_path: Path) -> None:
    from pypdf import PdfWriter

    path = pdf(tmp_path / "a.pdf", ENGLISH)
    writer = PdfWriter(clone_from=path)
    writer.encrypt("secret", algorithm="RC4-128")
    writer.write(path)
    error = data_refusal(path, "is encrypted")
    assert "password" in error.hint


@pytest.mark.parametrize("name", ["a.xlsx", "a.docx", "a.pdf"])
def test_too_little_text_is_counted_as_everywhere(tmp_path: Path, name: str) -> None:
    if name == "a.xlsx":
        xlsx(tmp_path / name, {"S": [["text"], ["short"]]})
    elif name == "a.docx":
        docx(tmp_path / name, ["short"])
    else:
        pdf(tmp_path / name, ["short"])
    data_refusal(tmp_path / name, "found 5 characters in 1", "needed 20,000")
