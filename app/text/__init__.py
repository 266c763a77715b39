"""Every sentence a user reads, by key and language; the sentences live in `<lang>.json`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from app.numbers import count
from engine.dotted import flattened

FOLDER = Path(__file__).parent
DEFAULT_LANG = "en"
PATHS = {"en": "", "ja": "ja"}
"""Every language of the pages, and where its page lies below the app's address."""
_BETWEEN_SENTENCES = {"en": " ", "ja": ""}


@cache
def texts(lang: str) -> dict[str, str]:
    """All sentences of a language by dotted key, e.g. "landing.title".

    Raises:
        FileNotFoundError: there is no such language.
    """
    return flattened(json.loads((FOLDER / f"{lang}.json").read_text(encoding="utf-8")))


def names(section: str, lang: str) -> tuple[str, ...]:
    """The keys right below a section, in the order of the file, e.g. of "method"."""
    keys = (key.split(".") for key in texts(lang))
    return tuple(key[1] for key in keys if key[0] == section and len(key) == 2)


def t(key: str, lang: str, /, **values: Any) -> str:
    """The sentence for `key`, with its {placeholders} filled in.

    Plain text: whoever puts it into HTML escapes the values (see `app.components.esc`).

    Raises:
        KeyError: the key or one of its placeholders is missing: a mistake in our own code,
            which the text tests find.
    """
    return texts(lang)[key].format(**values)


def tn(key: str, lang: str, n: int, /, **values: Any) -> str:
    """The sentence for `key` and a number: `key.one` or `key.other`, with {n} filled in."""
    return t(f"{key}.one" if n == 1 else f"{key}.other", lang, n=count(n), **values)


def sentences(lang: str, parts: Iterable[str]) -> str:
    """Sentences one after the other, as the language sets them; empty ones are left out."""
    return _BETWEEN_SENTENCES[lang].join(filter(None, parts))
