"""The table of runs: SQLite in WAL mode, one short-lived connection per call.

Times are seconds since the epoch, UTC. Imports neither torch nor transformers: pages poll it.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from engine.errors import RunBusy, RunNotFound
from engine.events import Event
from engine.runs import paths
from engine.runs.records import WORKING, Run, RunEvent

_SCHEMA = """
CREATE TABLE IF NOT EXISTS runs (
    id TEXT PRIMARY KEY, name TEXT UNIQUE, folder TEXT NOT NULL UNIQUE,
    config TEXT NOT NULL, state TEXT NOT NULL, created_at REAL NOT NULL,
    started_at REAL, finished_at REAL, stage TEXT, step INTEGER NOT NULL DEFAULT 0,
    total INTEGER NOT NULL DEFAULT 0, stage_started_at REAL,
    stage_first_step INTEGER, pid INTEGER, process_started REAL, heartbeat REAL,
    cancel_requested_at REAL, error_message TEXT, error_hint TEXT,
    timings TEXT NOT NULL DEFAULT '{}');
CREATE TABLE IF NOT EXISTS events (
    run_id TEXT NOT NULL REFERENCES runs(id) ON DELETE CASCADE, seq INTEGER NOT NULL,
    at REAL NOT NULL, kind TEXT NOT NULL, stage TEXT NOT NULL, step INTEGER NOT NULL,
    total INTEGER NOT NULL, data TEXT NOT NULL, PRIMARY KEY (run_id, seq)) WITHOUT ROWID;
"""


@contextmanager
def _connection() -> Iterator[sqlite3.Connection]:
    """A connection whose block is one transaction."""
    with closing(sqlite3.connect(paths.database(), timeout=30.0)) as connection:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode = WAL")
        # In WAL mode NORMAL loses at most the last events in a power cut, never the table.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.executescript(_SCHEMA)
        with connection:
            yield connection


def _run(row: sqlite3.Row) -> Run:
    values = dict(row)
    values.pop("owner", None)  # a column that databases of 0.1 have and nobody ever filled
    values["folder"] = Path(values["folder"])
    values["config"] = json.loads(values["config"])
    values["timings"] = json.loads(values["timings"])
    return Run(**values)


def _missing(run_id: str) -> RunNotFound:
    return RunNotFound(
        f"There is no run {run_id!r}.", "List the runs with `python -m engine runs`."
    )


def insert(
    run_id: str,
    folder: Path,
    config: dict[str, Any],
    *,
    name: str | None,
    first: Event | None = None,
) -> None:
    """Add a queued run, and its first event where there is one.

    Raises:
        RunBusy: the name or the folder belongs to another run.
    """
    now = time.time()
    row = (run_id, name, str(folder), json.dumps(config), "queued", now)
    try:
        with _connection() as connection:
            connection.execute(
                "INSERT INTO runs (id, name, folder, config, state, created_at)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                row,
            )
            if first is not None:
                _append(connection, run_id, first, now)
    except sqlite3.IntegrityError as error:
        raise RunBusy(
            f"There is a run named {name!r} already.",
            "Choose another name, or delete that run with `python -m engine runs delete`.",
        ) from error


def get(run_id: str) -> Run:
    """The run's row.

    Raises:
        RunNotFound: no run has the id.
    """
    with _connection() as connection:
        row = connection.execute("SELECT * FROM runs WHERE id = ?", (run_id,)).fetchone()
    if row is None:
        raise _missing(run_id)
    return _run(row)


def every() -> list[Run]:
    """All runs, newest first."""
    with _connection() as connection:
        rows = connection.execute("SELECT * FROM runs ORDER BY created_at DESC, id").fetchall()
    return [_run(row) for row in rows]


def find(*, name: str | None = None, folder: Path | None = None) -> Run | None:
    """The run with that name or that folder."""
    with _connection() as connection:
        row = connection.execute(
            "SELECT * FROM runs WHERE name = ? OR folder = ?", (name, str(folder))
        ).fetchone()
    return _run(row) if row else None


def update(run_id: str, *, only_working: bool = False, **columns: Any) -> bool:
    """Set columns of a run's row; with `only_working`, only while no terminal state is written.

    Returns whether a row was changed.
    """
    if "timings" in columns:
        columns["timings"] = json.dumps(columns["timings"])
    assignments = ", ".join(f"{column} = ?" for column in columns)
    condition = f" AND state IN ({', '.join('?' * len(WORKING))})" if only_working else ""
    with _connection() as connection:
        cursor = connection.execute(
            f"UPDATE runs SET {assignments} WHERE id = ?{condition}",
            (*columns.values(), run_id, *(WORKING if only_working else ())),
        )
    return cursor.rowcount > 0


def remove(run_id: str) -> None:
    """Delete the row and its events, and overwrite them in the file."""
    with _connection() as connection:
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("DELETE FROM events WHERE run_id = ?", (run_id,))
        connection.execute("DELETE FROM runs WHERE id = ?", (run_id,))
    with _connection() as connection:
        # Else the deleted text lives on in the write-ahead log.
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _append(connection: sqlite3.Connection, run_id: str, event: Event, now: float) -> None:
    connection.execute(
        "INSERT INTO events SELECT ?, COALESCE(MAX(seq), 0) + 1, ?, ?, ?, ?, ?, ?"
        " FROM events WHERE run_id = ?",
        (run_id, now, event.kind, event.stage, event.step, event.total,
         json.dumps(event.values), run_id),
    )  # fmt: skip


def record(run_id: str, event: Event) -> None:
    """Append an event and bring the row's stage, step and total up to date."""
    now = time.time()
    with _connection() as connection:
        _append(connection, run_id, event, now)
        if event.kind == "stage":
            connection.execute(
                "UPDATE runs SET state = ?, stage = ?, step = 0, total = 0,"
                " stage_started_at = ?, stage_first_step = NULL WHERE id = ?",
                (event.stage, event.stage, now, run_id),
            )
        elif event.kind == "progress":
            connection.execute(
                "UPDATE runs SET step = ?, total = ?,"
                " stage_started_at = IIF(stage_first_step IS NULL, ?, stage_started_at),"
                " stage_first_step = COALESCE(stage_first_step, ?) WHERE id = ?",
                (event.step, event.total, now, event.step, run_id),
            )


def events(run_id: str, after_seq: int = 0) -> list[RunEvent]:
    """The run's events numbered above `after_seq`, in order."""
    with _connection() as connection:
        rows = connection.execute(
            "SELECT * FROM events WHERE run_id = ? AND seq > ? ORDER BY seq", (run_id, after_seq)
        ).fetchall()
    return [
        RunEvent(
            kind=row["kind"], stage=row["stage"], step=row["step"], total=row["total"],
            values=json.loads(row["data"]), seq=row["seq"], at=row["at"],
        )
        for row in rows
    ]  # fmt: skip
