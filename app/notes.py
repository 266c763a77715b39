"""Words that the engine writes itself, in English, as the page of a language shows them."""

from __future__ import annotations

import re
from functools import cache

from app.text import DEFAULT_LANG, names, sentences, t, texts, tn
from engine.errors import EngineError

ENGINE_LANG = DEFAULT_LANG
"""The language of the engine's own notes, log lines and errors."""

GUESSED = " (guessed)"
"""What the engine puts behind the name of an encoding that the bytes do not prove."""
_ATTENTION = re.compile(r"([\w-]+) in (\d+)(?: layers?)?")
_COLUMN = re.compile(r" \(([a-z/]+)\)(?=, |$)")
_WORD = "word_"
"""How the names of those begin that are no sentences but stand in the gaps of such."""
_STATES, _COLUMNS, _KINDS = "state", "columns", "kinds"
_WORDS = {
    _STATES, _COLUMNS, _KINDS, "details", "held", "others", "part", "purpose", "reason", "what",
    "training", "prefill", "decode", "steps",
}  # fmt: skip
"""The gaps that hold the engine's own words. All others hold names, numbers and what a user wrote,
which nobody translates."""
_TYPED = re.compile(r"`|--\w|\w=\w|\b(?:comparison|gates|method|recipe)\.(?!json)[\w*]")
"""What only someone at a command line can do: a command, an option, a setting by its name."""
_KANA = re.compile(r"[\u3040-\u30ff]")
_SENTENCE = re.compile(r".+?(?:\.(?= |$)|$)", re.DOTALL)


@cache
def _known(words: bool = False) -> list[tuple[str, re.Pattern[str]]]:
    """Every sentence of the engine that has a translation: its key, and what it looks like. The
    English text is the sentence itself, with gaps where its numbers and names are.

    Args:
        words: those that stand in the gaps of others, instead of the sentences.
    """
    found = []
    for name in names("said", ENGINE_LANG):
        if name.startswith(_WORD) is not words:
            continue
        parts = re.split(r"\{(\w+)\}", texts(ENGINE_LANG)[f"said.{name}"])
        pattern = "".join(
            # What a sentence begins with is never a sentence of its own.
            f"(?P<{part}>{'(?:(?![.] ).)+?' if index == 1 and not parts[0] else '.+?'})"
            if index % 2
            else re.escape(part)
            for index, part in enumerate(parts)
        )
        if not parts[-1]:  # a gap at the end holds all the rest
            pattern = pattern.removesuffix("?)") + ")"
        found.append((name, re.compile(pattern + r"(?= |$)")))
    return found


def _filled(name: str, match: re.Match[str], lang: str) -> str:
    """A sentence in the page's language, the words in its gaps too where they are known. One that
    sends its reader to the command line says instead what a visitor of the page can do."""
    gaps = {
        gap: _word(gap, text, lang) if gap in _WORDS and lang != ENGINE_LANG else text
        for gap, text in match.groupdict().items()
    }
    if name in names("instead", lang):
        return t(f"instead.{name}", lang, **gaps)
    return t(f"said.{name}", lang, **gaps)


def _word(gap: str, text: str, lang: str) -> str:
    if gap == _STATES and text in names("state", lang):
        return t(f"state.{text}", lang)
    if gap == _KINDS and ", " in text:
        parts = [_word(gap, part, lang) for part in text.split(", ")]
        return t("reading.list.join", lang).join(parts)
    matches = ((name, pattern.fullmatch(text)) for name, pattern in _known(words=True))
    found = next((_filled(name, match, lang) for name, match in matches if match), "")
    if found or gap != _COLUMNS:
        return found or text
    return _COLUMN.sub(lambda column: _column(column[1], lang) or column[0], text)


def _column(kind: str, lang: str) -> str:
    """What is in a column, as it stands behind its name."""
    return f"（{t(f'column_kind.{kind}', lang)}）" if kind in names("column_kind", lang) else ""


def told(note: str | None, lang: str) -> str:
    """A note of the engine in the page's language; what has no translation is said to be in the
    engine's."""
    if not note or lang == ENGINE_LANG:
        return note or ""
    return sentences(lang, _split(note, lang)[0])


def without(note: str | None, name: str) -> str:
    """A note of the engine less one sentence, named as its translation is."""
    return dict(_known())[name].sub("", note or "").strip()


def _split(note: str, lang: str) -> tuple[list[str], bool]:
    """The sentences of a note in the page's language, and whether any has no translation."""
    said: list[str] = []
    unknown: list[str] = []
    foreign = False
    rest = note.strip()
    while rest:
        matches = ((name, pattern.match(rest)) for name, pattern in _known())
        name, match = next(((n, m) for n, m in matches if m), ("", None))
        if match is None:
            match = _SENTENCE.match(rest)
            assert match is not None  # of a text that is not empty
            unknown.append(match.group())
            foreign = True
        else:
            said += _marked(unknown, lang)
            unknown = []
            said.append(_filled(name, match, lang))
        rest = rest[match.end() :].strip()
    return [*said, *_marked(unknown, lang)], foreign


def _marked(unknown: list[str], lang: str) -> list[str]:
    return [t("how.engine_notes", lang, text=" ".join(unknown))] if unknown else []


def encoding(name: str, lang: str) -> str:
    """A file's encoding; where it had to be guessed, that is said in the page's words."""
    known = name.removesuffix(GUESSED)
    return name if known == name else t("data.guessed", lang, name=known)


def attention(words: str, lang: str) -> str:
    """The attention in use, e.g. "hybrid in 3 layers, softmax in 1 layer", in the page's words."""
    parts = [_ATTENTION.fullmatch(part) for part in words.split(", ")]
    if not all(parts):  # of another version of the engine
        return words
    said = [tn("answer.attention_part", lang, int(m[2]), method=m[1]) for m in parts if m]
    return t("reading.list.join", lang).join(said)


def backend(words: str, lang: str) -> str:
    """Which code ran, in the page's words; of another version of the engine, as it wrote it."""
    return words if lang == ENGINE_LANG else _known_words(words, lang) or words


def recipe(name: object, lang: str) -> str:
    """A recipe as the form calls it; one that has another name as that."""
    return t(f"recipe.name.{name}", lang) if name in names("recipe", lang) else str(name or "")


def explained(error: EngineError, lang: str, advice: str = "") -> str:
    """What went wrong and what to do. On a page in another language than the engine's, advice in
    that language comes first and the engine's own words follow.

    Args:
        error: the engine's, or one of the pages' own, which speak the page's language.
        lang: of the page.
        advice: the page's own, in place of the engine's hint.
    """
    if lang == ENGINE_LANG:
        return sentences(lang, [_for_visitors(error.message), advice or _for_visitors(error.hint)])
    if not advice and _KANA.search(error.hint):
        return sentences(lang, [error.message, error.hint])
    message, hint = (_known_words(text, lang) for text in (error.message, error.hint))
    advice = advice or hint
    if message and advice:
        return sentences(lang, [message, advice])
    said = error.message if advice else f"{error.message} {error.hint}"
    words = t("error.engine_words", lang, text=said)
    return sentences(lang, [advice or t(f"error.help.{type(error).__name__}", lang), words])


def _for_visitors(text: str) -> str:
    """The engine's own words, less what only the command line can do."""
    return sentences(ENGINE_LANG, _split(text, ENGINE_LANG)[0]) if _TYPED.search(text) else text


def _known_words(text: str, lang: str) -> str:
    """The text in the page's language; empty where any of it has no translation."""
    said, unknown = _split(text, lang)
    return "" if unknown else sentences(lang, said)


def stopped(message: str | None, hint: str | None, lang: str) -> str:
    """Why a run stopped, as its worker wrote it down; empty where it wrote nothing."""
    parts = [text for text in (message, hint) if text]
    known = [_known_words(text, lang) for text in parts]
    unknown = [text for text, words in zip(parts, known, strict=True) if not words]
    said = [t("error.engine_words", lang, text=" ".join(unknown))] if unknown else []
    return sentences(lang, [*known, *said])
