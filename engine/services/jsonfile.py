"""JSON files that are whole whenever someone looks."""

from __future__ import annotations

import json
import os
import re
import uuid
from pathlib import Path
from typing import Any

_NUMBERS = re.compile(r"\[\n[\s\d.,eE+-]+\]")
"""A list of nothing but numbers: a line for each would triple a file of maps. Text cannot look like
it: in a JSON string a new line is written as two characters."""


def write_json(path: Path, document: Any) -> None:
    """Write a JSON file such that a reader, or a crash, never meets half of it."""
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    with partial.open("w", encoding="utf-8") as file:
        text = json.dumps(document, ensure_ascii=False, indent=1)
        file.write(_NUMBERS.sub(lambda found: " ".join(found[0].split()), text) + "\n")
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
