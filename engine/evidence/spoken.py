"""Which of the languages that recall asks in the data itself is written in."""

from __future__ import annotations

from engine.evidence.behaviour_parts import LikenessReport

LEAST_SHARE = 0.05
"""Of the tokens with letters. Japanese business text holds product names and abbreviations in Latin
letters, and an English one a quoted word or a name: neither makes a second language."""
_SCRIPTS = {"en": "latin", "ja": "kana_kanji"}


def spoken(likeness: LikenessReport | None) -> frozenset[str] | None:
    """Codes of the languages whose script the held-out text is written in, by the tokens that were
    scored; None where their text is not known: such a run may hold any."""
    if likeness is None or not likeness.by_class:
        return None
    tokens = {group.token_class: group.tokens for group in likeness.by_class}
    lettered = sum(tokens.get(kind, 0) for kind in ("latin", "kana_kanji", "other_letters"))
    return frozenset(
        language
        for language, script in _SCRIPTS.items()
        if tokens.get(script, 0) > LEAST_SHARE * lettered
    )
