"""The page's own CSV files: what the table shows, and nothing that a spreadsheet would run."""

import base64
import csv
import io

from app.csv_file import csv_address


def _rows(address: str) -> list[list[str]]:
    content = base64.b64decode(address.split("base64,")[1]).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(content)))


def test_the_file_holds_the_table_in_a_form_that_spreadsheets_read() -> None:
    address = csv_address(["語", "n"], [["点検, 報告", "4,000"]])
    assert base64.b64decode(address.split("base64,")[1]).startswith(b"\xef\xbb\xbf")
    assert _rows(address) == [["語", "n"], ["点検, 報告", "4,000"]]


def test_text_from_a_document_is_no_formula_and_numbers_stay_numbers() -> None:
    cells = ['=HYPERLINK("http://x")', "@x", "-1+2", "-30.0 %", "+20", "-0.5", "-1.2e-05", "-e5"]
    assert _rows(csv_address(["a"] * 8, [cells]))[1] == [
        '\'=HYPERLINK("http://x")', "'@x", "'-1+2", "-30.0 %", "+20", "-0.5", "-1.2e-05",
        "'-e5",
    ]  # fmt: skip
