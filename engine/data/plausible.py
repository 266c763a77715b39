"""Is a decoding what somebody wrote, or other bytes misread?

Strict decoding alone proves little: accented letters of Windows-1252 are lead bytes or half-width
katakana in CP932 ("Straße" passes as "Straﾟe"), and any bytes at all are UTF-16.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

_LOOKED_AT = 500_000
"""Characters from the beginning that are looked at: a large file shall not take long."""

_LATIN = "A-Za-z"
# What single bytes from 0xA1 on, or one with the ASCII letter after it, become in CP932: half-width
# katakana, kanji, and (0xF0 to 0xF9) the private use area.
_MISREAD = "\uff61-\uff9f\u4e00-\u9fff\ue000-\uf8ff\uf900-\ufaff"
_MISREAD_RUN = re.compile(f"[{_MISREAD}]+")
_IN_A_WORD = re.compile(
    rf"(?<=[{_LATIN}])[{_MISREAD}]{{1,2}}(?![{_MISREAD}])"
    rf"|(?<![{_MISREAD}])[{_MISREAD}]{{1,2}}(?=[{_LATIN}])"
)
_HALF_WIDTH = re.compile("[\uff61-\uff9f]")
_MOST_MARKS = 0.15
_PRIVATE = re.compile("[\ue000-\uf8ff]")
_MOST_PRIVATE = 0.02
_WIDE = re.compile("[\u3040-\u30fa\u30fc-\u30ff]")

_WESTERN_SIGNS = frozenset("€‚„…‘’“”•–—™¡¢£§©ª«®°±²³´µ·¹º»¼½¾¿\u00a0\u00ad")
_MOST_ACCENTS = 0.3
"""Western text has at most this share of letters beyond ASCII; bytes of other scripts have more."""

_BREAKS = " \n\t\u3000、。，．"
_FEWEST_BREAKS = 0.005
_MOST_ODD = 0.005


def japanese(text: str) -> bool:
    """Whether text from a Japanese encoding is no misread other one.

    Of Western text, half-width katakana and kanji, one or two, are mostly parts of Latin words, and
    there is hardly any full-width kana. Of EUC-JP read as CP932, every kana brings a half-width
    comma or middle dot along. Either gives characters for private use, which few files hold.
    """
    text = text[:_LOOKED_AT]
    marks = text.count("\uff64") + text.count("\uff65")
    if marks > _MOST_MARKS * len(_HALF_WIDTH.findall(text)):
        return False
    beyond = sum(1 for c in text if not c.isascii())
    if len(_PRIVATE.findall(text)) > _MOST_PRIVATE * beyond:
        return False
    runs = sum(1 for _ in _MISREAD_RUN.finditer(text))
    inside = sum(1 for _ in _IN_A_WORD.finditer(text))
    return 2 * inside <= runs or len(_WIDE.findall(text)) > inside


def western(text: str) -> bool:
    """Whether text read as Windows-1252 looks like Western prose: all of its characters are
    letters or signs of such text, and accents are the exception."""
    text = text[:_LOOKED_AT]
    beyond = Counter(c for c in text if not c.isascii())
    letters = sum(n for c, n in beyond.items() if c.isalpha() and c not in _WESTERN_SIGNS)
    known = letters + sum(n for c, n in beyond.items() if c in _WESTERN_SIGNS)
    plain = sum(1 for c in text if c.isascii() and c.isalpha())
    return known == beyond.total() and letters <= _MOST_ACCENTS * (plain + letters)


def utf_16(raw: bytes) -> str | None:
    """The codec of UTF-16 without a byte order mark ("utf-16-le" or "utf-16-be"), or None.

    Both byte orders often decode; in the right one there are breaks between words or sentences and
    hardly a control character or one that Unicode has not assigned.
    """
    found: dict[int, str] = {}
    for codec in ("utf-16-le", "utf-16-be"):
        try:
            text = raw.decode(codec)[:_LOOKED_AT]
        except UnicodeDecodeError:
            continue
        characters = Counter(text)
        odd = sum(
            n
            for c, n in characters.items()
            if c not in "\n\r\t\f" and unicodedata.category(c) in ("Cc", "Cn", "Co")
        )
        breaks = sum(characters[c] for c in _BREAKS)
        if odd <= _MOST_ODD * len(text) and breaks > _FEWEST_BREAKS * len(text):
            found[breaks] = codec
    return found[max(found)] if found else None
