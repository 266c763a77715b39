"""What was agreed before a run, as the page shows it: use, gates, load and prices."""

from __future__ import annotations

from typing import Any

from app import components as ui
from app.numbers import count, day, money, number, percent, times
from app.text import t


def gates(settings: dict[str, Any], lang: str) -> list[str]:
    """The acceptance gates of a run's settings, one short line each; empty where none is set."""
    found = []
    if (limit := settings.get("quality_loss_percent")) is not None:
        against = t(f"goal.against.{settings.get('quality_against', 'control')}", lang)
        found.append(
            t("agreed.quality", lang, limit=percent(limit / 100, 1, lang=lang), against=against)
        )
    if (limit := settings.get("recall_loss_points")) is not None:
        found.append(t("agreed.recall", lang, limit=number(limit, 2)))
    for name, key in (
        ("decode_speedup", "speed"),
        ("cache_ratio", "memory"),
        ("cost_ratio", "cost"),
    ):
        if (limit := settings.get(name)) is not None:
            found.append(t(f"agreed.{key}", lang, limit=times(limit, lang=lang)))
    return found


def whole(config: dict[str, Any], lang: str) -> str:
    """All that was agreed before a run, as HTML, from its frozen settings."""
    goal, limits = config.get("goal") or {}, config.get("gates")
    parts = [ui.section(t("agreed.title", lang), t("agreed.text", lang), level=1)]
    if goal.get("use_case"):
        parts.append(ui.notice("info", t("goal.field.use_case", lang), goal["use_case"]))
    if limits is None:
        parts.append(ui.notice("warn", t("agreed.none", lang), t("agreed.none_text", lang)))
        return "".join(parts)
    parts.append(ui.section(t("goal.gates", lang), level=3))
    parts.append(ui.bullets(gates(limits, lang) or [t("agreed.no_gate", lang)]))
    parts.append(ui.section(t("goal.load", lang), level=3))
    parts.append(ui.facts(_load(goal, limits, lang)))
    if prices := goal.get("prices"):
        parts.append(ui.section(t("agreed.prices", lang), level=3))
        parts.append(ui.facts(_prices(prices, lang)))
    return "".join(parts)


def _load(goal: dict[str, Any], limits: dict[str, Any], lang: str) -> list[tuple[str, str]]:
    length = limits.get("context_tokens")
    facts = [
        (
            t("goal.field.context_tokens", lang),
            t("agreed.longest", lang) if length is None else count(length),
        ),
        (t("goal.field.output_tokens", lang), count(limits.get("output_tokens"))),
    ]
    for name in ("documents_per_day", "peak_documents_per_hour", "latency_limit_s"):
        if (value := goal.get(name)) is not None:
            facts.append((t(f"goal.field.{name}", lang), f"{value:,g}"))
    return facts


def _prices(prices: dict[str, Any], lang: str) -> list[tuple[str, str]]:
    currency = prices["currency"]
    facts = [(t("goal.field.prices_date", lang), day(prices["prices_date"], lang))]
    for name in ("instance_price_per_hour", "conversion_price_per_hour", "other_conversion_cost"):
        if (value := prices.get(name)) is not None:
            facts.append((t(f"goal.field.{name}", lang), money(value, currency, lang)))
    facts.append(
        (t("goal.field.instance_hours_per_month", lang), f"{prices['instance_hours_per_month']:,g}")
    )
    return facts
