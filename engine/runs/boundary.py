"""The last net: whatever goes wrong becomes an `EngineError`, and its traceback a line of the log.

The worker, the command line and the pages put their work inside `boundary`, so a full disk, a
folder that cannot be written or a fault of our own is told like every other error.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from engine.errors import EngineError, OutOfMemory
from engine.installation import not_installed

log = logging.getLogger(__name__)


@contextmanager
def boundary(details: str) -> Iterator[None]:
    """Turn every failure of the block into an `EngineError`; its own pass through.

    Args:
        details: where the traceback can be read, as the hint puts it.
    """
    try:
        yield
    except EngineError:
        raise
    except Exception as error:
        log.exception("unexpected: %s", type(error).__name__)
        raise explained(error, details) from error


def explained(error: Exception, details: str) -> EngineError:
    """What the user is told about a failure that is not an `EngineError`."""
    from pydantic import ValidationError  # a moment's import that a start need not wait for

    if _no_memory(error):
        return OutOfMemory(
            "The machine ran out of memory.",
            "Use a smaller model or shorter sequences (recipe.max_tokens), or cut each step into"
            " more micro-batches (recipe.accumulation); closing other programs helps too.",
        )
    if isinstance(error, ModuleNotFoundError) and (said := not_installed(error)):
        return EngineError(*said)
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        return EngineError(
            f"{place}{error.strerror or _first_line(error)}."[:300],
            "Check that the place exists, may be written and has room, or choose another."
            f" The details are in {details}.",
        )
    if isinstance(error, sqlite3.Error):
        return EngineError(
            f"The database of runs cannot be used: {_first_line(error)}."[:300],
            "Check that the data directory lies on a local disk, may be written and has room."
            f" The details are in {details}.",
        )
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        return EngineError(
            f"Stored settings or results cannot be read: {where}: {first['msg']}."[:300],
            "They were changed by hand or written by another version of the program; make the run"
            f" again. The details are in {details}.",
        )
    return EngineError(
        f"{type(error).__name__}: {_first_line(error)}"[:300],
        f"This is a fault of the program, not of your input; the details are in {details}.",
    )


def _no_memory(error: Exception) -> bool:
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"  # torch's, which is not imported here
        or "can't allocate memory" in str(error)
    )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0]
