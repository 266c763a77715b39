"""Numbers as a person reads them: rounded, grouped, always with a unit.

English and Japanese group digits alike; dates, money and words around a number differ, and there
Babel (the Unicode locale data) or the language decides.
"""

from __future__ import annotations

from datetime import date, datetime

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime
from babel.numbers import format_currency

from engine.evidence.rounding import significant

_EN = "en"


def number(value: float | None, digits: int = 3) -> str:
    """`value` with about `digits` significant digits and grouped thousands; "–" for None."""
    if value is None:
        return "–"
    if value != 0 and abs(value) < 1:
        return f"{value:.{digits}g}" if abs(value) >= 1e-3 else f"{value:.1e}"
    whole = len(str(int(abs(value))))
    return f"{value:,.{max(0, digits - whole)}f}"


def perplexity(value: float | None) -> str:
    """Four significant digits, as everywhere; "–" for None."""
    return "–" if value is None else significant(value)


def count(value: int | None) -> str:
    """A whole number with grouped thousands, e.g. "2,048"."""
    return "–" if value is None else f"{value:,}"


def fraction(right: int | None, asked: int) -> str:
    """Right answers of those asked for, e.g. "18/20"; "–" for None."""
    return "–" if right is None else f"{count(right)}/{count(asked)}"


def as_typed(value: object) -> str:
    """A setting as it would be typed into a form; empty for None."""
    if value is None:
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def size(n_bytes: float | None) -> str:
    """Bytes in the unit that reads best, e.g. "1.5 MiB"; powers of 1,024."""
    if n_bytes is None:
        return "–"
    for unit, step in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if n_bytes >= step:
            return f"{number(n_bytes / step)} {unit}"
    return f"{int(n_bytes)} B"


def duration(seconds: float | None, lang: str = _EN) -> str:
    """Seconds as "42 s", "3 min 05 s" or "2 h 10 min"; in Japanese "3 分 05 秒"."""
    if seconds is None:
        return "–"
    hour, minute, second = ("h", "min", "s") if lang == _EN else ("時間", "分", "秒")
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} {second}"
    if whole < 3600:
        return f"{whole // 60} {minute} {whole % 60:02d} {second}"
    return f"{whole // 3600} {hour} {whole % 3600 // 60:02d} {minute}"


def percent(share: float | None, digits: int = 0, lang: str = _EN) -> str:
    """A fraction, 0-1 or more, as "97 %"; in Japanese without the space."""
    if share is None:
        return "–"
    return f"{share * 100:,.{digits}f}" + (" %" if lang == _EN else "%")


def times(ratio: float, lang: str = _EN, digits: int = 2) -> str:
    """A ratio as "0.98×", "1.04×" or "3.2×"; in Japanese "3.2 倍". From 1 to 2 two decimals, as
    below 1: an interval from 0.93 to 1.04 that read "to 1.0" would look decided."""
    return number(ratio, max(digits, 3) if 1 <= ratio < 2 else digits) + (
        "×" if lang == _EN else " 倍"
    )


def money(amount: float | None, currency: str, lang: str = _EN) -> str:
    """An amount in a currency (ISO 4217) to its smallest unit, e.g. "¥1,234,568", "$8,123.46"."""
    if amount is None:
        return "–"
    # Japanese locale data write a full-width yen sign; the page shows one sign in both languages.
    return format_currency(amount, currency, locale=lang).replace("￥", "¥")


def day(when: str | date, lang: str = _EN) -> str:
    """A date, or that of an ISO timestamp, e.g. "2026-11-24" or "2026年11月24日"; the text itself
    when it is no timestamp."""
    try:
        found = datetime.fromisoformat(when) if isinstance(when, str) else when
    except ValueError:
        return str(when)
    return format_date(found, "yyyy-MM-dd" if lang == _EN else "long", locale=lang)


def moment(when: str | datetime, lang: str = _EN) -> str:
    """A time, or an ISO timestamp, as "2026-11-24 01:02" or "2026年11月24日 01:02"; the text itself
    when it is no timestamp."""
    try:
        found = datetime.fromisoformat(when) if isinstance(when, str) else when
    except ValueError:
        return str(when)
    form = "yyyy-MM-dd HH:mm" if lang == _EN else "y年M月d日 HH:mm"
    return format_datetime(found, form, locale=lang)


def language(code: str, lang: str = _EN) -> str:
    """A language's name from its code, e.g. "Japanese" or "日本語"; the code where it has none."""
    try:
        return Locale.parse(code).get_display_name(lang) or code
    except (UnknownLocaleError, ValueError):
        return code
