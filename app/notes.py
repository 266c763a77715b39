"""Words that the engine writes itself, in English, as the page of a language shows them."""

from __future__ import annotations

import re

from app.text import DEFAULT_LANG, sentences, t, tn
from engine.errors import EngineError

ENGINE_LANG = DEFAULT_LANG
"""The language of the engine's own notes, log lines and errors."""

_ATTENTION = re.compile(r"([\w-]+) in (\d+)(?: layers?)?")
_KANA = re.compile(r"[\u3040-\u30ff]")


def told(note: str | None, lang: str) -> str:
    """A note of the engine; said to be in English where the page is not."""
    return t("how.engine_notes", lang, text=note) if note else ""


def attention(words: str, lang: str) -> str:
    """The attention in use, e.g. "hybrid in 3 layers, softmax in 1 layer", in the page's words."""
    parts = [_ATTENTION.fullmatch(part) for part in words.split(", ")]
    if not all(parts):  # of another version of the engine
        return words
    said = [tn("answer.attention_part", lang, int(m[2]), method=m[1]) for m in parts if m]
    return t("reading.list.join", lang).join(said)


def explained(error: EngineError, hint: str, lang: str) -> str:
    """What went wrong and what to do. On a page in another language than the engine's, advice in
    that language comes first and the engine's own words follow."""
    if lang == ENGINE_LANG or _KANA.search(hint):  # the pages' own errors speak their language
        return sentences(lang, [error.message, hint])
    words = t("error.engine_words", lang, text=f"{error.message} {hint}")
    return sentences(lang, [t(f"error.help.{type(error).__name__}", lang), words])


def stopped(message: str | None, hint: str | None, lang: str) -> str:
    """Why a run stopped, as its worker wrote it down; empty where it wrote nothing."""
    words = " ".join(filter(None, (message, hint)))
    return t("error.engine_words", lang, text=words) if words else ""
