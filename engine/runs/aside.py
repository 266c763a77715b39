"""A process beside the runs that is asked one thing and answers in JSON, one object a line.

Models are never loaded in the process that serves pages; what needs one for a moment runs in a
process of its own and goes when nobody listens any more.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from engine import errors
from engine.errors import EngineError
from engine.runs import paths
from engine.runs.boundary import boundary
from engine.runs.executors.local import worker_environment


def listen_to(module: str, arguments: Sequence[str], given: str) -> Iterator[dict[str, Any]]:
    """What `python -m module arguments` writes when it is given a text; ends it at the end.

    Raises:
        EngineError: the process said so, or went without a word.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments], cwd=paths.PROJECT, env=worker_environment(),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8",
    )  # fmt: skip
    assert process.stdin and process.stdout  # asked for as pipes
    try:
        # One that refuses before it has read the text says why on the other pipe.
        with suppress(BrokenPipeError), process.stdin as pipe:
            pipe.write(given)
        for line in process.stdout:
            said = json.loads(line)
            if said["kind"] == "error":
                raise getattr(errors, said["name"])(said["message"], said["hint"])
            yield said
    finally:  # also when whoever listens has gone
        process.kill()
        process.wait()
        process.stdout.close()


def answer(said: Iterable[dict[str, Any]]) -> int:
    """In that process: write what is said as it comes; exit status 1 after an error, which is a
    line too, and where nobody listens any more, which is no error: the server was stopped."""
    try:
        with boundary("the log of the server"):
            for one in said:
                if not _heard(one):
                    return 1
    except EngineError as error:
        _heard({"kind": "error", "name": type(error).__name__, "message": error.message,
                "hint": error.hint})  # fmt: skip
        return 1
    return 0


def _heard(one: dict[str, Any]) -> bool:
    """Write a line; whether somebody still reads."""
    try:
        sys.stdout.write(json.dumps(one) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # What is left in the buffer would be written, and fail, once more at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return False
    return True
