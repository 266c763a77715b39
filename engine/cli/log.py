"""Where the command line's own failures leave their tracebacks: standard error holds two lines."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from engine.runs import paths

LOG_FILE = "errors.log"


@contextmanager
def log_file() -> Iterator[str]:
    """Send the engine's log to a file of the data directory for the block; gives its place."""
    log = logging.getLogger("engine")
    try:
        file = paths.data_directory() / LOG_FILE
        handler: logging.Handler = logging.FileHandler(file, encoding="utf-8", delay=True)
        place = str(file)
    except OSError:
        handler, place = logging.NullHandler(), "no log, for the data directory cannot be made"
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    propagate, log.propagate = log.propagate, False
    log.addHandler(handler)
    try:
        yield place
    finally:
        log.removeHandler(handler)
        handler.close()
        log.propagate = propagate
