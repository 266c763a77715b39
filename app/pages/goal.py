"""Step 1: what would convince you? The use, the acceptance gates, the load and the prices.

All of it is frozen into the run's settings when the run is made: gates that are set after the
result prove nothing.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import gradio as gr

from app import components as ui
from app.blocks import block
from app.text import t
from engine.errors import BadRunConfig

MOST_TOKENS = 1_000_000
_CURRENCY = re.compile("[A-Z]{3}")

DEFAULTS: dict[str, str] = {
    "use_case": "",
    "quality_loss_percent": "3", "quality_against": "control", "recall_loss_points": "5",
    "decode_speedup": "1", "cache_ratio": "0.5", "cost_ratio": "",
    "context_tokens": "", "output_tokens": "200", "documents_per_day": "",
    "days_per_month": "30", "peak_documents_per_hour": "", "latency_limit_s": "",
    "currency": "JPY", "prices_date": "", "instance_price_per_hour": "",
    "instance_hours_per_month": "730", "conversion_price_per_hour": "",
    "other_conversion_cost": "",
}  # fmt: skip
"""Every field of the form and what it holds at first. The engine's own defaults bring torch along,
which takes seconds; a test holds the two against each other."""

_LOAD = ("documents_per_day", "days_per_month", "peak_documents_per_hour", "latency_limit_s")
PRICES = (
    "currency", "prices_date", "instance_price_per_hour", "instance_hours_per_month",
    "conversion_price_per_hour", "other_conversion_cost",
)  # fmt: skip
_WHOLE = ("context_tokens", "output_tokens")


@dataclass(frozen=True)
class GoalPage:
    """Its components that events touch."""

    column: gr.Column
    frozen: gr.HTML
    fields: dict[str, Any]
    """The form's components by the name of their field, in the order of `DEFAULTS`."""
    problem: gr.HTML
    onward: gr.Button

    def form(self) -> list[Any]:
        """The components whose values `read` takes, in order."""
        return list(self.fields.values())


def build(lang: str) -> GoalPage:
    """Lay the step out with sensible gates and no price."""
    made: dict[str, Any] = {}
    frozen = block(elem_id="agreed")
    with gr.Column() as column:
        block(ui.section(t("goal.title", lang), t("goal.text", lang), level=1))
        with gr.Column(elem_classes="ts-panel"):
            made["use_case"] = gr.Textbox(
                label=t("goal.field.use_case", lang), info=t("goal.info.use_case", lang),
                placeholder=t("goal.example", lang), max_length=300, max_lines=2,
            )  # fmt: skip
        with gr.Column(elem_classes="ts-panel"):
            block(ui.section(t("goal.gates", lang), t("goal.gates_text", lang)))
            with gr.Row(elem_classes="ts-fields"):
                made["quality_loss_percent"] = number_field("quality_loss_percent", lang)
                made["quality_against"] = gr.Radio(
                    [(t(f"goal.against.{one}", lang), one) for one in ("control", "original")],
                    value=DEFAULTS["quality_against"], label=t("goal.field.quality_against", lang),
                    info=t("goal.info.quality_against", lang),
                )  # fmt: skip
            with gr.Row(elem_classes="ts-fields"):
                made["recall_loss_points"] = number_field("recall_loss_points", lang)
                made["decode_speedup"] = number_field("decode_speedup", lang)
            with gr.Row(elem_classes="ts-fields"):
                made["cache_ratio"] = number_field("cache_ratio", lang)
                made["cost_ratio"] = number_field("cost_ratio", lang)
        with gr.Column(elem_classes="ts-panel"):
            block(ui.section(t("goal.load", lang), t("goal.load_text", lang)))
            made |= load_fields(lang)
        with gr.Accordion(t("goal.prices", lang), open=False, elem_classes="ts-fold"):
            block(ui.reading(t("goal.prices_text", lang)))
            made |= price_fields(lang)
        problem = block()
    with gr.Row(elem_classes="ts-actions"):
        onward = gr.Button(t("goal.next", lang), variant="primary")
    return GoalPage(column, frozen, {name: made[name] for name in DEFAULTS}, problem, onward)


def number_field(name: str, lang: str) -> gr.Textbox:
    """A number of the form. A box for text, because Gradio's for numbers shows 0 where there is
    none, and refuses the full-width digits that a Japanese keyboard writes."""
    return gr.Textbox(
        DEFAULTS[name], label=t(f"goal.field.{name}", lang), info=t(f"goal.info.{name}", lang),
        max_lines=1, max_length=20,
    )  # fmt: skip


def load_fields(lang: str) -> dict[str, Any]:
    """How long the documents are and how many arrive."""
    made: dict[str, Any] = {}
    for row in (_WHOLE, _LOAD[:2], _LOAD[2:]):
        with gr.Row(elem_classes="ts-fields"):
            for name in row:
                made[name] = number_field(name, lang)
    return made


def price_fields(lang: str) -> dict[str, Any]:
    """The user's prices."""
    made: dict[str, Any] = {}
    with gr.Row(elem_classes="ts-fields"):
        # No list to choose from: one that also takes other codes stays open when it is left.
        made["currency"] = gr.Textbox(
            DEFAULTS["currency"], label=t("goal.field.currency", lang),
            info=t("goal.info.currency", lang), max_lines=1, max_length=3,
        )  # fmt: skip
        made["prices_date"] = gr.Textbox(
            label=t("goal.field.prices_date", lang), info=t("goal.info.prices_date", lang),
            placeholder="2026-11-25", max_lines=1, max_length=10,
        )  # fmt: skip
    for row in (PRICES[2:4], PRICES[4:]):
        with gr.Row(elem_classes="ts-fields"):
            for name in row:
                made[name] = number_field(name, lang)
    return made


def read(values: Sequence[str | None], lang: str) -> dict[str, Any]:
    """The form as the parts "goal" and "gates" of a run's settings, not yet validated.

    Args:
        values: of `GoalPage.form()`.

    Raises:
        BadRunConfig: something is no number or out of range; the field is named.
    """
    form = {name: str(value or "").strip() for name, value in zip(DEFAULTS, values, strict=True)}
    gates: dict[str, Any] = {
        "quality_loss_percent": _number(form, "quality_loss_percent", lang),
        "quality_against": form["quality_against"],
        "recall_loss_points": _number(form, "recall_loss_points", lang, most=100),
        "decode_speedup": _positive(form, "decode_speedup", lang),
        "cache_ratio": _positive(form, "cache_ratio", lang),
        "cost_ratio": _positive(form, "cost_ratio", lang),
        "context_tokens": _whole(form, "context_tokens", lang, least=16),
        # An emptied field of a number that has to be there is the default again.
        "output_tokens": _whole(form, "output_tokens", lang) or int(DEFAULTS["output_tokens"]),
    }
    goal: dict[str, Any] = {
        "use_case": form["use_case"],
        "documents_per_day": _positive(form, "documents_per_day", lang),
        "days_per_month": _positive(form, "days_per_month", lang, most=31)
        or float(DEFAULTS["days_per_month"]),
        "peak_documents_per_hour": _positive(form, "peak_documents_per_hour", lang),
        "latency_limit_s": _positive(form, "latency_limit_s", lang),
        "prices": _prices(form, lang),
    }
    return {"goal": goal, "gates": gates}


def _prices(form: dict[str, str], lang: str) -> dict[str, Any] | None:
    price = _positive(form, "instance_price_per_hour", lang)
    if price is None:
        return None  # nothing else is a price by itself
    currency = form["currency"].upper()
    if not _CURRENCY.fullmatch(currency):
        raise _wrong("currency", lang)
    try:
        valid_on = date.fromisoformat(form["prices_date"]) if form["prices_date"] else date.today()
    except ValueError as error:
        raise _wrong("prices_date", lang) from error
    return {
        "currency": currency,
        "prices_date": valid_on.isoformat(),
        "instance_price_per_hour": price,
        "instance_hours_per_month": _positive(form, "instance_hours_per_month", lang, most=744)
        or float(DEFAULTS["instance_hours_per_month"]),
        "conversion_price_per_hour": _number(form, "conversion_price_per_hour", lang),
        "other_conversion_cost": _number(form, "other_conversion_cost", lang) or 0.0,
    }


def _number(form: dict[str, str], name: str, lang: str, *, most: float = math.inf) -> float | None:
    """A number of at least 0; None for an empty field. Full-width digits and commas are read."""
    written = unicodedata.normalize("NFKC", form[name]).replace(",", "").strip()
    if not written:
        return None
    try:
        value = float(written)
    except ValueError as error:
        raise _wrong(name, lang) from error
    if not (math.isfinite(value) and 0 <= value <= most):
        raise _wrong(name, lang)
    return value


def _positive(
    form: dict[str, str], name: str, lang: str, *, most: float = math.inf
) -> float | None:
    value = _number(form, name, lang, most=most)
    if value == 0:
        raise _wrong(name, lang)
    return value


def _whole(form: dict[str, str], name: str, lang: str, *, least: int = 1) -> int | None:
    value = _number(form, name, lang, most=MOST_TOKENS)
    if value is not None and (value < least or value != int(value)):
        raise _wrong(name, lang)
    return None if value is None else int(value)


def _wrong(name: str, lang: str) -> BadRunConfig:
    field = t(f"goal.field.{name}", lang)
    return BadRunConfig(t("goal.wrong", lang, field=field), t(f"goal.info.{name}", lang))
