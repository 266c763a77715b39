"""Texts and files as users bring them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

ENGLISH = [f"Work order {n}: the pump at site {n % 7} was inspected. " * 12 for n in range(60)]
JAPANESE = [
    f"作業票{n}：第{n % 7}工場のポンプを点検し、ベルトを交換しました。" * 20 for n in range(60)
]


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


def jsonl(rows: Sequence[object]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
