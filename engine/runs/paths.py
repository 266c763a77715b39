"""Where runs live on disk, and which ids are allowed to become a path."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime
from pathlib import Path

from engine.directories import data_directory
from engine.errors import RunNotFound

PROJECT = Path(__file__).resolve().parents[2]
"""The folder that holds the `engine` package."""

SAMPLES = PROJECT / "assets" / "samples"
"""Finished runs that come with the project; one folder each."""

_RUN_ID = re.compile(r"[0-9]{8}-[0-9a-f]{12}")
_SAMPLE_ID = re.compile(r"sample-[a-z0-9](?:[a-z0-9-]{0,46}[a-z0-9])?")


def database() -> Path:
    """The SQLite file with every run's row and events."""
    return data_directory() / "runs.sqlite3"


def lane_lock() -> Path:
    """The file whose lock is the one lane to the processor or GPU."""
    return data_directory() / "lane.lock"


def default_folder(run_id: str) -> Path:
    """The folder of a run whose user chose no other."""
    return data_directory() / "runs" / checked(run_id)


def new_run_id() -> str:
    """Date, then 48 random bits: sorts by day, fits a URL, cannot be guessed."""
    return f"{datetime.now(UTC):%Y%m%d}-{secrets.token_hex(6)}"


def is_run_id(text: str) -> bool:
    """Whether `text` has the form of a run's id or a sample's id."""
    return bool(_RUN_ID.fullmatch(text) or is_sample_id(text))


def is_sample_id(text: str) -> bool:
    """Whether `text` has the form of a sample run's id."""
    return bool(_SAMPLE_ID.fullmatch(text))


def checked(run_id: str) -> str:
    """`run_id` itself, if it has the form of one; nothing else may reach the file system.

    Raises:
        RunNotFound: the text is no run id.
    """
    if not is_run_id(run_id):
        shown = run_id if len(run_id) <= 60 else run_id[:57] + "..."
        raise RunNotFound(
            f"{shown!r} is not the id of a run.", "List the runs with `python -m engine runs`."
        )
    return run_id
