"""Every error that the engine's source can raise, as a user would read it: found in the code, with
each way its words can turn out."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine import errors
from engine.errors import EngineError

ENGINE = Path(errors.__file__).parent
GAP = "G7"
"""Stands for whatever a {value} of a message holds."""
KINDS: dict[str, type[EngineError]] = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, EngineError)
}
_LATER = "Stop"
"""Makes an error of the words that it is given, once it is asked to."""
_MOST = 16
"""Ways that the words of one place can turn out; more would be a sentence nobody can check."""


@dataclass(frozen=True)
class Raised:
    """One place that makes an error."""

    place: str
    """File below engine/ and the function, e.g. "data/pdf.py:read_pdf"."""
    kind: str
    messages: tuple[str, ...]
    """Empty where the words come from elsewhere."""
    hints: tuple[str, ...]


def every() -> list[Raised]:
    """All places in the engine, in the order of their files."""
    found = []
    for path in sorted(ENGINE.rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        constants = {**_imported(tree), **_assigned(tree.body)}
        for name, body, call in _calls(tree):
            scope = {**constants, **_assigned(body)}
            kind, first = ("Cancelled", 1) if _name(call) == _LATER else (_name(call), 0)
            message, hint = [*call.args[first:], None, None][:2]
            found.append(Raised(
                f"{path.relative_to(ENGINE).as_posix()}:{name}", kind,
                _ways(message, scope), _ways(hint, scope),
            ))  # fmt: skip
    return found


def unseen(source: str) -> list[str]:
    """What makes an error in a way that `every` does not see: by an attribute or another name, or
    of a kind that stands elsewhere."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            seen = node.func.attr not in KINDS
        elif isinstance(node, ast.ImportFrom):
            seen = not any(one.asname and one.name in {*KINDS, _LATER} for one in node.names)
        elif isinstance(node, ast.ClassDef):
            seen = not any(ast.unparse(base).split(".")[-1] in KINDS for base in node.bases)
        elif isinstance(node, ast.Assign):
            seen = not (isinstance(node.value, ast.Name) and node.value.id in KINDS)
        else:
            continue
        if not seen:
            found.append(ast.unparse(node).splitlines()[0])
    return found


def _name(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _calls(tree: ast.Module) -> Iterator[tuple[str, list[ast.stmt], ast.Call]]:
    """Calls that make an error, each with the innermost function around it."""
    inner: dict[ast.AST, tuple[str, list[ast.stmt]]] = {}
    for node in ast.walk(tree):  # from the outside in
        if isinstance(node, ast.FunctionDef):
            inner |= dict.fromkeys(ast.walk(node), (node.name, node.body))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _name(node) in {*KINDS, _LATER}:
            yield *inner.get(node, ("", tree.body)), node


def _imported(tree: ast.Module) -> dict[str, list[ast.expr]]:
    """Constants of our own that a module has from another."""
    found: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("engine."):
            file = ENGINE.parent.joinpath(*str(node.module).split(".")).with_suffix(".py")
            if any(one.name.isupper() for one in node.names) and file.is_file():
                theirs = _assigned(ast.parse(file.read_text("utf-8")).body)
                found |= {one.name: theirs.get(one.name, []) for one in node.names}
    return found


def _assigned(body: list[ast.stmt]) -> dict[str, list[ast.expr]]:
    """What names are assigned to, and what functions of no arguments return."""
    found: dict[str, list[ast.expr]] = {}
    for node in itertools.chain.from_iterable(map(ast.walk, body)):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    found.setdefault(target.id, []).append(node.value)
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            before = found.get(node.target.id, [])
            found[node.target.id] = [ast.BinOp(one, ast.Add(), node.value) for one in before]
        elif isinstance(node, ast.FunctionDef) and not node.args.args:
            found.setdefault(node.name, []).extend(
                one.value for one in ast.walk(node) if isinstance(one, ast.Return) and one.value
            )
    return found


def _ways(node: ast.expr | None, scope: dict[str, list[ast.expr]]) -> tuple[str, ...]:
    """The texts that an expression can give; none where that cannot be seen here."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return (node.value,)
    if isinstance(node, ast.JoinedStr):
        parts = [
            (str(part.value),) if isinstance(part, ast.Constant)
            else _within(part, scope) for part in node.values
        ]  # fmt: skip
        ways = tuple(map("".join, itertools.islice(itertools.product(*parts), _MOST + 1)))
        assert len(ways) <= _MOST, f"more ways than are read: {ast.unparse(node)}"
        return ways
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        both = itertools.product(_ways(node.left, scope), _ways(node.right, scope))
        return tuple(left + right for left, right in both)
    if isinstance(node, ast.IfExp):
        return (*_ways(node.body, scope), *_ways(node.orelse, scope))
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):  # cut to length
        return _ways(node.value, scope)
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Attribute) and node.func.attr == "format":
            return tuple(text.format_map(_Gaps()) for text in _ways(node.func.value, scope))
        return () if node.args or node.keywords else _ways(node.func, scope)
    if isinstance(node, ast.Name):
        rest = {name: values for name, values in scope.items() if name != node.id}
        return tuple(
            text for value in scope.get(node.id, ()) for text in _ways(value, rest)
        )
    return ()


def _within(part: ast.expr, scope: dict[str, list[ast.expr]]) -> tuple[str, ...]:
    """What a {value} of a message can be: whole sentences where it holds such, else a gap."""
    value = part.value if isinstance(part, ast.FormattedValue) else part
    found = tuple(text for text in _ways(value, scope) if " " in text.strip())
    return found or (GAP,)


class _Gaps(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return GAP
