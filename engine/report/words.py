"""Words and numbers of a report in its language; the sentences live in `text/<lang>.json`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

from engine.dotted import flattened
from engine.evidence.rounding import significant

Lang = Literal["en", "ja"]
LANGS: tuple[Lang, ...] = get_args(Lang)

FOLDER = Path(__file__).parent / "text"
NONE = "–"
"""What stands where there is no number."""

_WHOLE = ("JPY", "KRW", "VND", "CLP")
"""Currencies without a smaller unit."""


@cache
def texts(lang: Lang) -> dict[str, str]:
    """All sentences of a language by dotted key, e.g. "risk.one_training"."""
    return flattened(json.loads((FOLDER / f"{lang}.json").read_text(encoding="utf-8")))


class Words:
    """The sentences and number forms of one language. All of it is plain text: each writer of a
    format escapes what it is given."""

    def __init__(self, lang: Lang) -> None:
        self.lang: Lang = lang
        self._texts = texts(lang)

    def __call__(self, key: str, /, **values: Any) -> str:
        """The sentence for `key`, with its {placeholders} filled in.

        Raises:
            KeyError: the key or a placeholder is missing: a mistake in our own code.
        """
        return self._texts[key].format(**values)

    def counted(self, key: str, n: int, /, **values: Any) -> str:
        """The sentence for a number: `key.one` or `key.other`, with {n} filled in."""
        return self(f"{key}.one" if n == 1 else f"{key}.other", n=self.count(n), **values)

    def below(self, section: str) -> tuple[str, ...]:
        """The sentences right below a section, in the file's order."""
        depth = section.count(".") + 1
        return tuple(
            text
            for key, text in self._texts.items()
            if key.startswith(f"{section}.") and key.count(".") == depth
        )

    def tokens(self, n: int) -> str:
        """A length with its unit."""
        return self.counted("unit.tokens", n)

    def number(self, value: float | None, decimals: int, *, sign: bool = False) -> str:
        """A number with so many decimals, grouped thousands and a true minus sign."""
        if value is None:
            return NONE
        text = f"{value:{'+' if sign else ''},.{decimals}f}"
        if not any(digit in text for digit in "123456789"):  # no "-0.0" and no "+0.0"
            text = text.lstrip("+-")
        return text.replace("-", "−")

    def perplexity(self, value: float | None) -> str:
        """Four significant digits, as everywhere."""
        return NONE if value is None else significant(value)

    def count(self, value: int | None) -> str:
        """A whole number with grouped thousands."""
        return NONE if value is None else f"{value:,}"

    def fraction(self, right: int | None, asked: int) -> str:
        """Right answers of those asked for."""
        return NONE if right is None else f"{self.count(right)} / {self.count(asked)}"

    def percent(self, value: float | None, decimals: int, *, sign: bool = False) -> str:
        """A number that is in percent already."""
        if value is None:
            return NONE
        return self("unit.percent", n=self.number(value, decimals, sign=sign))

    def points(self, value: float, *, sign: bool = True) -> str:
        """Percentage points."""
        return self("unit.points", n=self.number(value, 1, sign=sign))

    def times(self, ratio: float | None) -> str:
        """A ratio converted / original, with its unit."""
        return NONE if ratio is None else self("unit.times", n=self.ratio(ratio))

    def ratio(self, ratio: float) -> str:
        """The number alone; small ones keep two significant digits."""
        return f"{ratio:.2g}" if 0 < ratio < 0.1 else f"{ratio:,.2f}"

    def size(self, n_bytes: float | None) -> str:
        """Bytes in the unit that reads best; powers of 1,024."""
        if n_bytes is None:
            return NONE
        for unit, step in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
            if n_bytes >= step:
                return f"{n_bytes / step:,.2f}\N{NO-BREAK SPACE}{unit}"
        return f"{int(n_bytes)}\N{NO-BREAK SPACE}B"

    def money(self, amount: float | None, currency: str) -> str:
        """An amount with its currency; never converted."""
        if amount is None:
            return NONE
        # What one document costs can be far below the smallest coin.
        decimals = 0 if currency in _WHOLE and (abs(amount) >= 10 or not amount) else 2
        number = self.number(amount, decimals)
        return self("unit.yen" if currency == "JPY" else "unit.money", n=number, currency=currency)

    def seconds(self, value: float | None) -> str:
        """A time, with three significant digits or so."""
        if value is None:
            return NONE
        decimals = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 0.1 else 4
        return self("unit.seconds", n=self.number(value, decimals))

    def day(self, iso: str) -> str:
        """The date of an ISO timestamp; the text itself when it is none."""
        try:
            moment = datetime.fromisoformat(iso)
        except ValueError:
            return iso
        month = self(f"month.{moment.month}")
        return self("unit.day", year=moment.year, month=month, day=moment.day)

    def moment(self, iso: str) -> str:
        """The day and the time of an ISO timestamp; the text itself when it is none."""
        try:
            moment = datetime.fromisoformat(iso)
        except ValueError:
            return iso
        return f"{self.day(iso)} {moment:%H:%M:%S}"

    def listed(self, parts: Sequence[str]) -> str:
        """ "a, b and c" in the language's own way."""
        if len(parts) < 2:
            return "".join(parts)
        return self("list.and", first=self("list.comma").join(parts[:-1]), last=parts[-1])
