"""Office and PDF files that are made to harm: each is refused, soon, with a reason."""

from __future__ import annotations

import os
import time
import zipfile
from pathlib import Path

import pytest

from engine.data import archive, confined
from engine.data import pdf as pdf_reader
from engine.data.docx import read_docx
from engine.data.ingest import read_corpus
from engine.data.pdf import read_pdf
from engine.data.xlsx import read_xlsx
from engine.errors import BadDataset
from tests.support import office_files as made
from tests.support.data_files import ENGLISH, write
from tests.support.refusals import data_refusal

ROWS = [["text"], *([text] for text in ENGLISH)]
LAUGHS = (
    "<!DOCTYPE x [<!ENTITY a 'ha'>"
    + "".join(f"<!ENTITY a{n} '{f'&a{n - 1 or str()};' * 10}'>" for n in range(1, 10))
    + "]>"
)
OUTSIDE = '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>'


def test_a_file_that_unpacks_without_end_is_not_unpacked(tmp_path: Path) -> None:
    path = made.xlsx(tmp_path / "a.xlsx", {"S": ROWS})
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as bomb:
        for number in range(3):
            bomb.writestr(f"xl/{number}.xml", b" " * (100 * 2**20))
    assert path.stat().st_size < 2**20
    for name in ("a.xlsx", "a.docx"):
        started = time.monotonic()
        path = path.rename(tmp_path / name)
        data_refusal(path, "unpacks to 300 MiB")
        assert time.monotonic() - started < 20


def test_a_part_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    path = made.xlsx(tmp_path / "a.xlsx", {"S": ROWS})
    made.repacked(path, {"xl/extra.xml": b"<a>" + b"x" * 5_000_000})
    raw = bytearray(path.read_bytes())
    size = (5_000_003).to_bytes(4, "little")
    assert raw.count(size) == 2  # in the part's own header and in the list of parts
    path.write_bytes(raw.replace(size, (100).to_bytes(4, "little")))
    data_refusal(path, "damaged")


def test_too_many_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_PARTS", 5)
    with pytest.raises(BadDataset, match="parts; at most"):
        read_xlsx(made.xlsx(tmp_path / "a.xlsx", {"S": ROWS}), "a.xlsx")


@pytest.mark.parametrize("declared", [LAUGHS, OUTSIDE], ids=["expanding", "external"])
@pytest.mark.parametrize("codec", ["utf-8", "utf-16"])
def test_declared_entities_are_refused(tmp_path: Path, declared: str, codec: str) -> None:
    path = made.xlsx(tmp_path / "a.xlsx", {"S": ROWS})
    strings = f'<?xml version="1.0" encoding="{codec}"?>{declared}<sst>&a9;&f;</sst>'
    data_refusal(made.repacked(path, {"xl/sharedStrings.xml": strings.encode(codec)}), "an attack")
    word = made.docx_of_xml(tmp_path / "a.docx", "<w:p><w:r><w:t>&a9;&f;</w:t></w:r></w:p>",
                            before=declared)  # fmt: skip
    data_refusal(word, "an attack")


def test_an_encoding_that_hides_declarations_is_refused(tmp_path: Path) -> None:
    path = made.xlsx(tmp_path / "a.xlsx", {"S": ROWS})
    hidden = '<?xml version="1.0" encoding="UTF-7"?>' + "+ADw-+ACE-DOCTYPE x+AD4-"
    data_refusal(made.repacked(path, {"xl/styles.xml": hidden.encode("ascii")}), "an attack")


@pytest.mark.parametrize(
    ("name", "what"), [("a.xlsx", "Excel"), ("a.docx", "Word"), ("a.pdf", "PDF")]
)  # noqa: E501
@pytest.mark.parametrize(
    "content", [b"", b"plain words\n" * 3000, b"PK\x03\x04" + b"\x00" * 5000, os.urandom(9000)],
    ids=["empty", "text", "half a zip", "noise"],
)  # fmt: skip
def test_what_is_no_such_file_is_said_so(
    tmp_path: Path, name: str, what: str, content: bytes
) -> None:
    data_refusal(write(tmp_path, name, content), what)


def test_the_wrong_kind_of_office_file(tmp_path: Path) -> None:
    data_refusal(made.docx(tmp_path / "a.docx", ["x"]).rename(tmp_path / "b.xlsx"), "Excel")
    word = made.archive(tmp_path / "c.docx", {"word/document.xml": "<a><b></a>"})
    data_refusal(word, "is not a Word document: it lacks _rels/.rels")
    broken = made.archive(tmp_path / "d.docx", {"_rels/.rels": "<a/>", "word/document.xml": "<a>"})
    data_refusal(broken, "word/document.xml, line 1")


def test_old_or_protected_office_files_are_told_apart_from_damaged_ones(tmp_path: Path) -> None:
    old = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 5000
    assert "without a password" in data_refusal(write(tmp_path, "a.xlsx", old), "password").hint
    assert "name ends in .xlsx" in data_refusal(write(tmp_path, "a.txt", old), "old Excel").hint


def test_sheets_of_too_many_rows_or_cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.data.xlsx.MAX_ROWS", 50)
    with pytest.raises(BadDataset, match="more than 50 rows"):
        read_xlsx(made.xlsx(tmp_path / "a.xlsx", {"S": ROWS}), "a.xlsx")
    monkeypatch.setattr("engine.data.xlsx.MAX_CELLS", 10)
    with pytest.raises(BadDataset, match="10 cells"):
        read_xlsx(made.xlsx(tmp_path / "a.xlsx", {"S": [["text"], ["x"] * 20]}), "a.xlsx")


def test_a_row_far_below_all_others_does_not_take_forever(tmp_path: Path) -> None:
    path = made.xlsx(tmp_path / "a.xlsx", {"S": ROWS})
    with zipfile.ZipFile(path) as book:
        sheet = book.read("xl/worksheets/sheet1.xml")
    far = sheet.replace(b'<row r="61"', b'<row r="999999999999"')
    assert far != sheet
    data_refusal(made.repacked(path, {"xl/worksheets/sheet1.xml": far}), "rows")


def test_documents_of_too_many_characters_or_pages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.data.docx.MAX_CHARACTERS", 100)
    with pytest.raises(BadDataset, match="more than 100 characters"):
        read_docx(made.docx(tmp_path / "a.docx", ENGLISH), "a.docx")
    monkeypatch.setattr(pdf_reader, "MAX_PAGES", 3)
    with pytest.raises(BadDataset, match="60 pages; at most 3"):
        read_pdf(made.pdf(tmp_path / "a.pdf", ENGLISH), "a.pdf")
    monkeypatch.setattr(pdf_reader, "MAX_PAGES", 100)
    monkeypatch.setattr(pdf_reader, "MAX_CHARACTERS", 100)
    with pytest.raises(BadDataset, match="more than 100 characters"):
        read_pdf(tmp_path / "a.pdf", "a.pdf")


def test_a_parser_without_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confined, "TIME_LIMIT_S", 0.01)
    data_refusal(made.xlsx(tmp_path / "a.xlsx", {"S": ROWS}), "took more than 0.01 s")


def test_a_parser_that_breaks_harms_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = made.pdf(tmp_path / "a.pdf", ENGLISH)
    with monkeypatch.context() as broken:  # a Python that ends with an error at once
        broken.setattr("sys.executable", "/bin/false")
        data_refusal(path, "cannot be read")
    assert read_corpus(path).format == "pdf"


def test_macros_are_never_looked_at(tmp_path: Path) -> None:
    path = made.xlsx(tmp_path / "a.xlsx", {"S": ROWS})
    made.repacked(path, {"xl/vbaProject.bin": os.urandom(5000)})
    assert read_corpus(path).documents == tuple(ENGLISH)
