"""Money in words and a table: what serving costs with either model, and when converting pays."""

from __future__ import annotations

from app import components as ui
from app.numbers import count, day, duration, money, number
from app.readings import listed
from app.text import sentences, t, tn
from engine.evidence.roi import Payback, Roi

_DAY = 12 / 365
"""In months."""


def told(found: Roi | None, lang: str) -> str:
    """The whole section as HTML."""
    if found is None:
        return ui.notice("info", t("worth.none", lang), t("worth.none_text", lang))
    if not found.cases:
        return ui.notice("warn", t("worth.outside", lang), _outside(found, lang))
    base = _case(found, "base")
    tone = "good" if (base.saving_per_month or 0) > 0 else "warn"
    dearer = _dearer(found, lang)
    return (
        ui.notice(tone, headline(found, lang), sentences(lang, [_range(found, lang), dearer]))
        + _table(found, lang)
        + ui.reading(t("worth.cases", lang))
        + ui.folded(t("worth.assumptions", lang), ui.bullets(assumptions(found, lang)))
    )


def headline(found: Roi, lang: str) -> str:
    """The base case in one sentence: saved, dearer, the same, or too slow."""
    base, currency = _case(found, "base"), found.inputs.currency
    if base.saving_per_month is None:
        slow = "original" if base.original.instances is None else "converted"
        return t(
            "worth.too_slow", lang, party=t(f"party.{slow}", lang),
            limit=duration(found.inputs.latency_limit_s, lang),
        )  # fmt: skip
    if base.saving_per_month < 0:
        return t("worth.dearer", lang, amount=money(-base.saving_per_month, currency, lang))
    if base.payback_months is None:
        return tn("worth.nothing", lang, base.converted.instances or 0)
    return t(
        "worth.saves", lang, amount=money(base.saving_per_month, currency, lang),
        cost=money(found.conversion_cost, currency, lang),
        months=_months(base, lang),
    )  # fmt: skip


def _case(found: Roi, name: str) -> Payback:
    return next(case for case in found.cases if case.case == name)


def _range(found: Roi, lang: str) -> str:
    currency = found.inputs.currency
    low, high = _case(found, "low").saving_per_month, _case(found, "high").saving_per_month
    if low is None or high is None or low == high:
        return ""
    return t("worth.range", lang, low=money(low, currency, lang), high=money(high, currency, lang))


def _dearer(found: Roi, lang: str) -> str:
    if not found.dearer_at_tokens:
        return ""
    lengths = listed([count(tokens) for tokens in found.dearer_at_tokens], lang)
    return t("worth.dearer_at", lang, lengths=lengths)


def _outside(found: Roi, lang: str) -> str:
    if found.measured_tokens is None:
        return t("worth.unmeasured", lang)
    low, high = (count(end) for end in found.measured_tokens)
    return t("worth.reach", lang, length=count(found.inputs.input_tokens), low=low, high=high)


def _months(case: Payback, lang: str) -> str:
    if case.payback_months is None:
        return t("worth.never", lang)
    return months(case.payback_months, lang)


def _table(found: Roi, lang: str) -> str:
    currency = found.inputs.currency
    cases = [_case(found, name) for name in ("low", "base", "high")]

    def row(name: str, cells: list[str]) -> list[str]:
        return [name, *cells]

    rows = []
    for party in ("original", "converted"):
        name = t(f"party.{party}", lang)
        served = [getattr(case, party) for case in cases]
        rows.append(row(t("worth.row.document", lang, party=name),
                        [f"{number(one.seconds_per_document)} {t('unit.seconds', lang)}"
                         for one in served]))  # fmt: skip
        rows.append(row(t("worth.row.machines", lang, party=name),
                        [count(one.instances) for one in served]))  # fmt: skip
        rows.append(row(t("worth.row.thousand", lang, party=name),
                        [money(one.cost_per_1000_documents, currency, lang)
                         for one in served]))  # fmt: skip
    rows.append(row(t("worth.row.saving", lang),
                    [money(case.saving_per_month, currency, lang) for case in cases]))  # fmt: skip
    rows.append(row(t("worth.row.payback", lang), [_months(case, lang) for case in cases]))
    columns = [
        t("worth.column.figure", lang),
        *(t(f"worth.column.{name}", lang) for name in ("low", "base", "high")),
    ]
    return ui.table(columns, rows, caption=t("worth.title", lang))


def assumptions(found: Roi, lang: str) -> list[str]:
    """What the figures take for granted, and where each number comes from."""
    inputs, currency = found.inputs, found.inputs.currency
    return [
        t("worth.assume.prices", lang, day=day(inputs.prices_date, lang),
          price=money(inputs.instance_price_per_hour, currency, lang),
          hours=f"{inputs.instance_hours_per_month:,g}"),
        t("worth.assume.load", lang, month=f"{inputs.documents_per_month:,g}",
          peak=f"{inputs.peak_documents_per_hour:,.4g}",
          limit=duration(inputs.latency_limit_s, lang)),
        t("worth.assume.times", lang, read=count(inputs.input_tokens),
          written=count(inputs.output_tokens)),
        t("worth.assume.conversion", lang, hours=number(found.conversion_hours),
          price=money(inputs.conversion_price_per_hour, currency, lang),
          other=money(inputs.other_conversion_cost, currency, lang)),
        t("worth.assume.queue", lang),
        t("worth.assume.tax", lang),
    ]  # fmt: skip


def months(value: float, lang: str) -> str:
    """A span of months in words."""
    if value < _DAY:
        return t("worth.at_once", lang)
    return t("worth.months", lang, n=number(value, 2))
