"""Reports as downloads: an address names a run by its id, a format and a language, never a path.

What `app.pages.report` has made lies in the run's folder; here it is only handed out, so no copy of
it is left in a folder of temporary files. Who knows a run's id may see the run, and so its report.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import get_args

from app.language import Message, Receive, Scope, Send
from engine import report
from engine.errors import EngineError
from engine.report import Format, Lang
from engine.runs import paths, service
from engine.runs.records import Run

_ADDRESS = re.compile(r"/reports/([a-z0-9-]{1,60})/([a-z]{2})(?:-([0-9a-f]{16}))?\.([a-z]{3,4})")
_TYPES: dict[Format, str] = {
    "pdf": "application/pdf",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "html": "text/html; charset=utf-8",
    "pack": "application/zip",
}
LIVE_S = 86_400
"""A report by one visitor's own numbers is kept this long."""


def address(run_id: str, wanted: str, lang: str, mark: str = "") -> str:
    """Where the browser finds a report, from either language's page. `mark` is that of `own`."""
    return f"reports/{paths.checked(run_id)}/{lang}{mark and '-' + mark}.{wanted}"


def own(run: Run, wanted: Format, lang: Lang) -> tuple[Path, str]:
    """A place for a report by numbers that one visitor tried out, and the mark that leads to it:
    the run's usual report is everybody's, and must not change under them. Old ones go."""
    usual, mark = report.place(run, wanted, lang), secrets.token_hex(8)
    usual.parent.mkdir(mode=0o700, exist_ok=True)
    for file in usual.parent.glob(f"t2r-{run.id}-??-{'[0-9a-f]' * 16}.*"):
        if time.time() - file.stat().st_mtime > LIVE_S:
            file.unlink(missing_ok=True)
    return _marked(usual, mark), mark


def _marked(usual: Path, mark: str | None) -> Path:
    return usual.with_stem(f"{usual.stem}-{mark}") if mark else usual


def found(path: str) -> tuple[Path, Format] | None:
    """The file that an address stands for; None where there is none."""
    match = _ADDRESS.search(path)
    if match is None or not path.endswith(match.group()):
        return None
    run_id, lang, mark, ending = match.groups()
    for wanted in get_args(Format):
        for spoken in report.LANGS:
            if (wanted, spoken) == (ending, lang):
                try:
                    file = _marked(report.place(service.get(run_id), wanted, spoken), mark)
                except EngineError:
                    return None
                return (file, wanted) if file.is_file() else None
    return None


class ReportFiles:
    """ASGI middleware that answers for the addresses of reports; all else passes through."""

    def __init__(self, app: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        asked = scope["path"] if scope["type"] == "http" and scope["method"] == "GET" else ""
        if not _ADDRESS.search(asked):
            await self._app(scope, receive, send)
            return
        there = await asyncio.to_thread(found, asked)
        if there is None:
            await _answer(send, 404, b"There is no such report.", {"content-type": "text/plain"})
            return
        file, wanted = there
        content = await asyncio.to_thread(file.read_bytes)
        await _answer(send, 200, content, {
            "content-type": _TYPES[wanted],
            # As a file, never as a page: nothing of a report runs where the app does.
            "content-disposition": f'attachment; filename="{file.name}"',
        })  # fmt: skip


async def _answer(send: Send, status: int, body: bytes, headers: dict[str, str]) -> None:
    every = {
        **headers, "content-length": str(len(body)), "cache-control": "no-store",
        "x-content-type-options": "nosniff",
    }  # fmt: skip
    start: Message = {
        "type": "http.response.start", "status": status,
        "headers": [(name.encode(), value.encode()) for name, value in every.items()],
    }  # fmt: skip
    await send(start)
    await send({"type": "http.response.body", "body": body})
