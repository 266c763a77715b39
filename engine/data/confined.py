"""Office and PDF files are parsed in a process of their own, which may fail.

They come from anybody, and their formats are large enough for a file to make any parser loop, grow
or break. The process has little memory and time and may write nothing; what it dies of is told in
one sentence, and nothing else is harmed.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

from engine.data.content import Content
from engine.data.tables import Table
from engine.errors import BadDataset

TIME_LIMIT_S = 90
MEMORY_LIMIT = 2 * 2**30
"""Bytes of address space."""

_PROJECT = Path(__file__).parents[2]
_SET_BY_THE_FORMAT = "set by the format"
_EXPORT = "Take a part of it, or export its text as .txt or its table as .csv."

log = logging.getLogger(__name__)


def read_confined(path: Path, name: str, kind: str) -> Content:
    """The text or table in a file of a format that is no plain text.

    Args:
        path: the file.
        name: what the user calls it.
        kind: "xlsx", "docx" or "pdf".

    Raises:
        BadDataset: it cannot be read, is too large to parse, or breaks the parser.
    """
    stat = path.stat()
    return _read(path, name, kind, (stat.st_mtime_ns, stat.st_size, stat.st_ino))


@lru_cache(maxsize=2)
def _read(path: Path, name: str, kind: str, _version: tuple[int, ...]) -> Content:
    """Kept for the next look at the same file: the page reads it again for every choice."""
    command = [sys.executable, "-m", "engine.data.confined", kind, str(path.resolve()), name]
    places = [str(_PROJECT), *filter(None, [os.environ.get("PYTHONPATH")])]
    # Threads of a library's libraries reserve address space each.
    environment = {
        **os.environ, "PYTHONPATH": os.pathsep.join(places), "PYTHONDONTWRITEBYTECODE": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }  # fmt: skip
    try:
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True,
            timeout=TIME_LIMIT_S,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise BadDataset(f"{name} took more than {TIME_LIMIT_S} s to read.", _EXPORT) from error
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        log.warning("reading a %s file ended with %d: %s", kind, done.returncode, said[-1:])
        raise BadDataset(
            f"{name} cannot be read: it is damaged, or needs more than "
            f"{MEMORY_LIMIT // 2**30} GiB of memory or {TIME_LIMIT_S} s to parse.",
            "Open it in the program that made it and save it anew. " + _EXPORT,
        )
    found = json.loads(done.stdout)
    if "refused" in found:
        raise BadDataset(*found["refused"])
    table = found["table"]
    return Content(
        text=found["text"],
        table=table and Table(
            tuple(table["columns"]),
            tuple(dict(zip(table["columns"], cells, strict=True)) for cells in table["rows"]),
            tuple(table["lines"]),
        ),
        encoding=_SET_BY_THE_FORMAT,
        notes=tuple(found["notes"]),
    )  # fmt: skip


def _limit() -> None:
    """Give up what a parser does not need. Where the system has no such limits, time alone ends."""
    if sys.platform == "win32":
        return
    import resource

    for what, most in (
        (resource.RLIMIT_AS, MEMORY_LIMIT), (resource.RLIMIT_CPU, TIME_LIMIT_S),
        (resource.RLIMIT_FSIZE, 0),
    ):  # fmt: skip
        _, hard = resource.getrlimit(what)
        resource.setrlimit(what, (most if hard < 0 else min(most, hard), hard))


def _parsed(kind: str, path: Path, name: str) -> dict[str, object]:
    if kind == "xlsx":
        from engine.data.xlsx import read_xlsx

        table, notes = read_xlsx(path, name)
        rows = [list(row.values()) for row in table.rows]
        shown = {"columns": table.columns, "rows": rows, "lines": table.lines}
        return {"text": None, "table": shown, "notes": notes}
    if kind == "docx":
        from engine.data.docx import read_docx

        return {"text": read_docx(path, name), "table": None, "notes": ()}
    from engine.data.pdf import read_pdf

    text, notes = read_pdf(path, name)
    return {"text": text, "table": None, "notes": notes}


def main() -> None:
    """Parse the file named on the command line; the answer is JSON on standard output."""
    kind, path, name = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a library prints must not pass for an answer
    _limit()
    try:
        found = _parsed(kind, Path(path), name)
    except BadDataset as error:
        found = {"refused": (error.message, error.hint)}
    json.dump(found, answers)
    answers.close()


if __name__ == "__main__":
    main()
