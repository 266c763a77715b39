"""The page's own small scripts, from `assets/js/`: functions that Gradio calls in the browser."""

from __future__ import annotations

from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "assets" / "js"


@cache
def script(name: str) -> str:
    """A script without its comment lines, since Gradio takes a function and nothing before it."""
    lines = (FOLDER / f"{name}.js").read_text("utf-8").splitlines()
    return "\n".join(line for line in lines if not line.startswith("//"))
