"""What a file holds before it is cut into documents: one running text, or a table."""

from __future__ import annotations

from dataclasses import dataclass

from engine.data.tables import Table


@dataclass(frozen=True)
class Content:
    """A file's text or table; the other one is None.

    Attributes:
        encoding: how its bytes became characters, for people to read.
        notes: sentences about what was left out or assumed.
    """

    text: str | None
    table: Table | None
    encoding: str
    notes: tuple[str, ...] = ()
