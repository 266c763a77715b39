"""The app's source code as trees, for tests that compare it with its text files."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterable
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


def asked(trees: Iterable[ast.AST]) -> set[tuple[str, bool]]:
    """Keys in calls of `t` and `tn`, `*` for a {value}, and whether it is a plural's."""
    found: set[tuple[str, bool]] = set()
    for node in itertools.chain.from_iterable(map(ast.walk, trees)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id in ("t", "tn"):
                key = node.args[0]
                both = (key.body, key.orelse) if isinstance(key, ast.IfExp) else (key,)
                found |= {(written(one, "*"), node.func.id == "tn") for one in both}
    return found
