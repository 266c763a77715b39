"""What was entered and not started yet, as the browser's tab remembers it across a reload.

It comes from the visitor: every value is taken only where its field could hold it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import gradio as gr

LONGEST = 300
"""Characters of a text; longer ones are left out, as no field takes them."""
MOST = 20_000
"""Characters of a whole draft."""


def restored(draft: str, fields: Sequence[Any]) -> dict[Any, Any]:
    """The values that a draft holds for these fields, by field; nothing from one that is no draft.

    Args:
        draft: a JSON list with a value for each field, as `assets/js/keep.js` writes it.
        fields: the components, in the same order.
    """
    if not draft or len(draft) > MOST:
        return {}
    try:
        values = json.loads(draft)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(values, list) or len(values) != len(fields):
        return {}  # of another version of the app
    pairs = zip(fields, values, strict=True)
    return {field: value for field, value in pairs if _fits(field, value)}


def _fits(field: Any, value: Any) -> bool:
    if isinstance(field, gr.Checkbox):
        return isinstance(value, bool)
    if isinstance(field, gr.Number):
        return isinstance(value, int | float) and not isinstance(value, bool)
    short = isinstance(value, str) and len(value) <= LONGEST
    if isinstance(field, gr.Radio | gr.Dropdown):
        known = [choice for _, choice in field.choices]
        return value in known or (short and getattr(field, "allow_custom_value", False))
    return short
