"""Nested values by dotted key, as settings and texts are named."""

from __future__ import annotations

from typing import Any


def flattened(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Every value that is no dictionary, by the keys that lead to it, e.g. "recipe.max_tokens"."""
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        place = f"{prefix}{key}"
        flat |= flattened(value, f"{place}.") if isinstance(value, dict) else {place: value}
    return flat
