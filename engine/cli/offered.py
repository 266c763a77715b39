"""Names of methods and recipes that the command line offers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

_METHODS = Path(__file__).parents[1] / "methods"
_NAME = re.compile(r'^    name: Literal\["([\w-]+)"\]', re.MULTILINE)


def _method_names() -> tuple[str, ...]:
    """The names that the files of engine/methods give, read as text: to import them would bring
    torch along, seconds before a mistyped name could be refused."""
    found = (_NAME.findall(file.read_text("utf-8")) for file in sorted(_METHODS.glob("*.py")))
    return tuple(name for names in found for name in names)


METHOD_NAMES = _method_names()


class _Recipes:
    """The recipes, looked up when argparse needs them: their module brings torch along, which most
    commands do without."""

    def __iter__(self) -> Iterator[str]:
        return iter(import_module("engine.configs").RECIPES)

    def __contains__(self, name: object) -> bool:
        return any(name == known for known in self)


RECIPE_NAMES = _Recipes()
