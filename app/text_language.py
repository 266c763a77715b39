"""Which language a shown text is in, as far as its letters tell, and how the page says so."""

from __future__ import annotations

import re

from app.text import t

_JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
_LATIN = re.compile(r"[A-Za-z]")
_JAPANESE_SHARE = 0.2
"""Of all letters: part numbers and units stand in Latin letters in Japanese texts too."""


def written_in(text: str) -> str:
    """Returns "ja" where kana or kanji tell, "latin" where Latin letters do, else ""."""
    japanese, latin = len(_JAPANESE.findall(text)), len(_LATIN.findall(text))
    if japanese and japanese >= _JAPANESE_SHARE * (japanese + latin):
        return "ja"
    return "latin" if latin and latin > 4 * japanese else ""


def foreign(text: str, lang: str) -> str:
    """That a text is in another language than the page, in the page's; empty where it is not."""
    found = written_in(text)
    if (lang, found) == ("en", "ja"):
        return t("written.ja", lang)
    return t("written.latin", lang) if (lang, found) == ("ja", "latin") else ""
