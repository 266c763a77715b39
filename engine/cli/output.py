"""What a command leaves on its way out: its answer, or a line of error and a line of hint."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from engine.errors import Cancelled, EngineError

READER_GONE = 141
"""What a shell reports for a program ended by SIGPIPE."""


def answer(document: Any, text: str, *, as_json: bool) -> int:
    """Print a command's answer; returns the exit status, also where the reader (`| head`) has gone
    before the end."""
    try:
        said = json.dumps(document, ensure_ascii=False, indent=1) if as_json else text
        sys.stdout.write(said + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # What is left in the buffer would be written, and fail, once more when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return READER_GONE
    return 0


def failure(error: EngineError, *, as_json: bool) -> int:
    """Print an error; returns the exit status."""
    if as_json:
        said = {"error": {"message": error.message, "hint": error.hint}}
        sys.stdout.write(json.dumps(said) + "\n")
    sys.stderr.write(f"error: {error.message}\nhint: {error.hint}\n")
    return 130 if isinstance(error, Cancelled) else 2
