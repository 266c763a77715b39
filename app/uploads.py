"""Uploaded files, kept by an id so that a refresh of the page loses none of them.

The id is all that a browser holds and all that a handler takes: long enough that nobody guesses
another visitor's, and never a path. A file goes when its visitor removes it, or after a day; a run
has a copy of its own.
"""

from __future__ import annotations

import re
import secrets
import shutil
import time
from pathlib import Path

from engine.directories import data_directory

LIVE_S = 86_400
"""A file is kept this long."""
_ID = re.compile("[0-9a-f]{32}")


def _folder() -> Path:
    folder = data_directory() / "uploads"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def keep(file: Path) -> str:
    """Take a file that Gradio has stored; gives its id. Files that are a day old go meanwhile."""
    sweep()
    upload = secrets.token_hex(16)
    place = _folder() / upload
    place.mkdir(mode=0o700)
    shutil.move(file, place / file.name)
    return upload


def found(upload: str | None) -> Path | None:
    """The file with that id; None where there is none, or none any more."""
    if not _ID.fullmatch(upload or ""):
        return None
    files = list((_folder() / str(upload)).glob("*"))
    return files[0] if len(files) == 1 else None


def forget(upload: str | None) -> None:
    """Delete the file with that id, if it is there."""
    if _ID.fullmatch(upload or ""):
        shutil.rmtree(_folder() / str(upload), ignore_errors=True)


def sweep() -> None:
    """Delete all that is a day old."""
    for place in _folder().iterdir():
        if time.time() - place.stat().st_mtime > LIVE_S:
            shutil.rmtree(place, ignore_errors=True)
