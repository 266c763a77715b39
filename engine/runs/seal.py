"""The seal of a run's gates in its event log, beside the one in its settings.

A checksum that lies next to what it seals can be made anew by whoever alters both. The first event
of a run holds it too, with its date: to alter the gates unnoticed, one must alter the log as well.
"""

from __future__ import annotations

from engine.events import Event
from engine.runs import paths, store


def sealing(sha256: str | None) -> Event:
    """The first event of a new run."""
    text = f"Acceptance gates sealed: SHA-256 {sha256}."
    return Event("note", "preparing", values={"text": text, "gates_sha256": sha256})


def recorded(run_id: str) -> str | None:
    """The seal in the run's first event; None in runs from before it was written there."""
    first = store.events(paths.checked(run_id))[:1]
    return first[0].values.get("gates_sha256") if first else None
