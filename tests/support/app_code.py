"""The app's source code as trees, for tests that compare it with its text files."""

from __future__ import annotations

import ast
from pathlib import Path

from app.text import FOLDER

APP = Path(__file__).parents[2] / "app"
TREES = {
    path.relative_to(APP).as_posix(): ast.parse(path.read_text("utf-8"))
    for path in APP.rglob("*.py")
    if path.parent != FOLDER
}
"""Every module of the app, except the one that looks texts up."""


def written(node: ast.AST, gap: str) -> str:
    """A string literal as written, with `gap` for each {value} of an f-string."""
    if isinstance(node, ast.JoinedStr):
        return "".join(written(part, gap) for part in node.values)
    return str(node.value) if isinstance(node, ast.Constant) else gap
