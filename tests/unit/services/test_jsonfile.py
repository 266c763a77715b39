"""JSON files: whole, and short where they hold many numbers."""

import json
from pathlib import Path
from typing import Any

from engine.services.jsonfile import write_json


def test_lists_of_numbers_take_one_line_and_nothing_changes(tmp_path: Path) -> None:
    document: dict[str, Any] = {
        "rows": [[1, -2.5, 1e-07], [0.25]], "empty": [], "mixed": [1, "a", None], "one": 3,
        "text": "[\n 1,\n 2\n]", "数": "点検\r\n[1,\n2]", "deep": {"a": [{"b": [1, 2]}]},
    }  # fmt: skip
    write_json(tmp_path / "x.json", document)
    text = (tmp_path / "x.json").read_text("utf-8")
    assert json.loads(text) == document
    assert "[ 1, -2.5, 1e-07 ]" in text and text.endswith("}\n")
