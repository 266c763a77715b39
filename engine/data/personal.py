"""Personal data that has a form of its own: found, counted, shown masked, or replaced.

Looked for: e-mail addresses; telephone numbers (Japanese, and international ones with "+"); twelve
digits whose last checks as a Japanese My Number's does; card numbers (Luhn's check and a known
issuer); Japanese postal codes behind their sign. Full-width digits and signs count like others.

Not looked for, because no form tells them: names, street addresses, dates of birth, customer
numbers, health or any other facts about a person. A text in which nothing is found may be full of
personal data. And a check digit is no proof: one in eleven other numbers of twelve digits passes
for a My Number, one in ten of sixteen for a card. Times such as 202611251345 are not counted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

Kind = Literal["e_mail", "phone", "my_number", "card", "postal_code"]
KINDS: tuple[Kind, ...] = get_args(Kind)

EXAMPLES = 2
"""Masked examples kept of each kind."""

# One character for one, so that what is found in the plain text stands at the same place.
_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
_WIDE |= {ord(dash): ord("-") for dash in "‐‑‒–—―−ー－"}

# Digits that belong to a longer number, a code or an amount are none of these.
_BEFORE = r"(?<![A-Za-z0-9])(?<![0-9][-._])(?<![A-Za-z]-)(?<![#_¥$€£])"
_AFTER = r"(?![A-Za-z0-9])(?![-._][0-9])"
_E_MAIL = re.compile(
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9_][A-Za-z0-9._%+-]{0,63}@"
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{2,24}(?![A-Za-z0-9-])"
)
_CARD = re.compile(
    _BEFORE + r"(?:[0-9]{14,16}|[0-9]{4}([ -])[0-9]{4}\1[0-9]{4}\1[0-9]{4}"
    r"|[0-9]{4}([ -])[0-9]{6}\2[0-9]{4,5})" + _AFTER
)
_ISSUERS = {
    16: re.compile("4|5[1-5]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)|35|6(?:011|5|4[4-9]|2)"),
    15: re.compile("3[47]"),
    14: re.compile("3(?:0[0-5]|[689])"),
}
_MY_NUMBER = re.compile(  # not a part of more groups of four
    _BEFORE + r"(?<!\A[0-9]{4} )(?<![^0-9][0-9]{4} )"
    r"[0-9]{4}([ -]?)[0-9]{4}\1[0-9]{4}(?! [0-9]{4}(?![0-9]))" + _AFTER
)
_PHONE = re.compile(
    _BEFORE + r"(?:0[5789]0([ -]?)[0-9]{4}\1[0-9]{4}"  # mobile and IP telephones
    r"|0(?:120|570)([ -])[0-9]{3}\2[0-9]{3}|0(?:120|570)-[0-9]{2}-[0-9]{4}|0800-[0-9]{3}-[0-9]{4}"
    r"|0[1-9][0-9]{0,3}-[0-9]{1,4}-[0-9]{4}|0[1-9][0-9]{0,3}\([0-9]{1,4}\)[0-9]{4})" + _AFTER
)
_IN_BRACKETS = re.compile(  # (03) 1234-5678, (03)1234-5678, (212) 555-0100
    r"(?<![A-Za-z0-9])\((?:0[1-9][0-9]{0,3}|[2-9][0-9]{2})\) ?[0-9]{1,4}-[0-9]{4}" + _AFTER
)
_WITH_WORD = re.compile(
    r"(?:(?<![A-Za-z])(?:tel|phone|fax|mobile|cell)|電話(?:番号)?|携帯(?:電話)?|ファックス)"
    r"[ .:]{0,3}(0[1-9][0-9-]{7,11}[0-9]|[2-9][0-9]{2}[ -][0-9]{3}[ -][0-9]{4})" + _AFTER,
    re.IGNORECASE,
)
_ABROAD = re.compile(
    r"(?<![A-Za-z0-9+])\+[1-9][0-9]{0,14}(?:[ -]?\([0-9]{1,4}\)[ -]?[0-9]{1,12})?"
    r"(?:[ -][0-9]{1,12}){0,6}" + _AFTER
)
_POSTAL = re.compile(r"〒 ?[0-9]{3}-?[0-9]{4}(?![0-9])")
_DIGITS = re.compile("[0-9]")
_AMOUNT = re.compile(r"\+[0-9]{1,3}(?: [0-9]{3})+")


@dataclass(frozen=True)
class Found:
    """One place; `start` and `end` are offsets into the text."""

    kind: Kind
    start: int
    end: int


@dataclass(frozen=True)
class PersonalData:
    """What was found in some documents.

    Attributes:
        counts: how often, by kind; kinds that were not found are left out.
        documents: documents with anything.
        examples: up to two of each kind, masked so that nobody can be told from them.
    """

    counts: dict[Kind, int]
    documents: int
    examples: dict[Kind, tuple[str, ...]]


def find(text: str) -> list[Found]:
    """Every place in a text, in order, without overlaps; where two kinds fit, the longer one."""
    plain = text.translate(_WIDE)
    places = sorted(_places(plain), key=lambda one: (one.start, -one.end, KINDS.index(one.kind)))
    found: list[Found] = []
    for place in places:
        if not found or place.start >= found[-1].end:
            found.append(place)
    return found


def masked(text: str) -> str:
    """The text with each place replaced by its kind, such as [E-MAIL] or [MY-NUMBER]."""
    while places := find(text):
        parts, end = [], 0
        for place in places:
            parts += [text[end : place.start], f"[{place.kind.upper().replace('_', '-')}]"]
            end = place.end
        text = "".join([*parts, text[end:]])
    return text


def survey(documents: Sequence[str]) -> PersonalData:
    """What some documents hold, with masked examples only."""
    counts: Counter[Kind] = Counter()
    examples: dict[Kind, dict[str, None]] = {}
    touched = 0
    for document in documents:
        places = find(document)
        touched += bool(places)
        for place in places:
            counts[place.kind] += 1
            seen = examples.setdefault(place.kind, {})
            if len(seen) < EXAMPLES:
                seen[_veiled(document[place.start : place.end], place.kind)] = None
    return PersonalData(
        counts={kind: counts[kind] for kind in KINDS if counts[kind]},
        documents=touched,
        examples={kind: tuple(examples[kind]) for kind in KINDS if kind in examples},
    )


def my_number_checks(digits: str) -> bool:
    """Whether the last of twelve digits is the check digit of a My Number (Ordinance of the
    Ministry of Internal Affairs and Communications No. 85 of 2014, article 5)."""
    weights = (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)
    rest = sum(w * int(d) for w, d in zip(weights, digits[:11], strict=True)) % 11
    return int(digits[11]) == (0 if rest <= 1 else 11 - rest)


def luhn_checks(digits: str) -> bool:
    """Whether the last digit of a card number checks (ISO/IEC 7812-1, annex B)."""
    doubled = [int(d) * (1 + place % 2) for place, d in enumerate(reversed(digits))]
    return sum(d // 10 + d % 10 for d in doubled) % 10 == 0


def _places(plain: str) -> Iterator[Found]:
    if "@" in plain:
        for match in _E_MAIL.finditer(plain):
            yield Found("e_mail", *match.span())
    if not _DIGITS.search(plain):
        return
    for match in _CARD.finditer(plain):
        digits = _digits(match[0])
        if _ISSUERS[len(digits)].match(digits) and luhn_checks(digits):
            yield Found("card", *match.span())
    for match in _MY_NUMBER.finditer(plain):
        digits = _digits(match[0])
        if my_number_checks(digits) and len(set(digits)) > 1 and not _is_time(match[0]):
            yield Found("my_number", *match.span())
    for pattern, group in ((_PHONE, 0), (_IN_BRACKETS, 0), (_WITH_WORD, 1)):
        for match in pattern.finditer(plain):
            if len(_digits(match[group])) in (10, 11):
                yield Found("phone", *match.span(group))
    for match in _ABROAD.finditer(plain):
        digits = _digits(match[0])
        written = len(digits) < len(match[0]) - 1  # in groups
        if 8 + 2 * (not written) <= len(digits) <= 15 and not (
            _AMOUNT.fullmatch(match[0]) and len(digits) < 11
        ):
            yield Found("phone", *match.span())
    for match in _POSTAL.finditer(plain):
        yield Found("postal_code", *match.span())


def _digits(text: str) -> str:
    return "".join(_DIGITS.findall(text))


def _is_time(text: str) -> bool:
    """Whether digits are a time as machines write it, such as 202611251345."""
    try:
        year = datetime.strptime(text, "%Y%m%d%H%M").year
    except ValueError:
        return False
    return 1900 <= year < 2100


def _veiled(text: str, kind: Kind) -> str:
    """All but the first character, and signs that show the form, as dots."""
    shown = "@" if kind == "e_mail" else "+-() 〒"
    plain = text.translate(_WIDE)
    first = 0 if kind == "e_mail" else next(i for i, c in enumerate(plain) if c.isdigit())
    return "".join(c if i == first or c in shown else "•" for i, c in enumerate(plain))
