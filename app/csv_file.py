"""Numbers of the page as a file that the page itself carries: no request, nothing on the server."""

from __future__ import annotations

import base64
import csv
import io
import re
from collections.abc import Iterable, Sequence

_NUMBER = re.compile(r"[+-]?[\d,.]+(e[+-]?\d+)? ?[%×]?")


def csv_address(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A data: address of the rows as CSV, in UTF-8 with a mark that spreadsheets look for."""
    text = io.StringIO()
    out = csv.writer(text)
    out.writerow(columns)
    out.writerows([_harmless(cell) for cell in row] for row in rows)
    content = base64.b64encode(text.getvalue().encode("utf-8-sig")).decode("ascii")
    return f"data:text/csv;charset=utf-8;base64,{content}"


def _harmless(cell: str) -> str:
    """The cell, such that no spreadsheet takes text from a document for a formula."""
    if cell[:1] in ("=", "+", "-", "@", "\t", "\r") and not _NUMBER.fullmatch(cell):
        return f"'{cell}"
    return cell
