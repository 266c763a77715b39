"""The page's own small scripts, from `assets/js/`: functions that Gradio calls in the browser."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "assets" / "js"


@cache
def script(name: str) -> str:
    """A script without its comment lines, since Gradio takes a function and nothing before it."""
    lines = (FOLDER / f"{name}.js").read_text("utf-8").splitlines()
    return "\n".join(line for line in lines if not line.startswith("//"))


def leading(target: str, use: str | None = None) -> str:
    """A click that leads to the first of CSS selector `target` to be seen, and sets the focus to
    that of `use`."""
    return f"() => ({script('lead')})({json.dumps(target)}, {json.dumps(use)})"
