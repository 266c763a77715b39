"""Money on the last step: by the run's own goal, or by other numbers tried out on the spot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from app import components as ui
from app import problems, worth
from app.blocks import block
from app.pages import goal
from app.text import t
from engine.errors import EngineError
from engine.evidence.pricing import money_inputs
from engine.evidence.results import Comparison
from engine.evidence.roi import MoneyInputs, Roi, roi
from engine.goal import Goal
from engine.runs.records import Run

FIELDS = (
    "context_tokens", "output_tokens", "documents_per_day", "days_per_month",
    "peak_documents_per_hour", "latency_limit_s", "currency", "prices_date",
    "instance_price_per_hour", "instance_hours_per_month", "conversion_price_per_hour",
    "other_conversion_cost",
)  # fmt: skip


@dataclass(frozen=True)
class MoneyPanel:
    """Its components that events touch."""

    told: gr.HTML
    fields: dict[str, Any]
    try_out: gr.Button

    def outputs(self) -> list[Any]:
        """What `values` fills, in order."""
        return [self.told, *self.fields.values()]


def build(lang: str) -> MoneyPanel:
    """Lay the section out, empty."""
    block(ui.section(t("worth.title", lang), t("worth.text", lang), more=t("glossary.money", lang)))
    told = block(elem_id="money")
    with gr.Accordion(t("worth.try", lang), open=False, elem_classes="ts-fold"):
        block(ui.reading(t("worth.try_text", lang)))
        made = {**goal.load_fields(lang), **goal.price_fields(lang)}
        with gr.Row(elem_classes="ts-actions"):
            try_out = gr.Button(t("worth.calculate", lang))
    return MoneyPanel(told, {name: made[name] for name in FIELDS}, try_out)


def inputs_of(run: Run, comparison: Comparison) -> MoneyInputs | None:
    """Load and prices that the run was made with; None where the goal gives too little."""
    wanted = Goal.model_validate(run.config.get("goal") or {})
    limits = run.config.get("gates") or {}
    length = limits.get("context_tokens") or _judged(comparison)
    return money_inputs(
        wanted, input_tokens=length, output_tokens=limits.get("output_tokens") or 200
    )


def of_run(run: Run, comparison: Comparison) -> Roi | None:
    """Money by what the run was made with."""
    inputs = inputs_of(run, comparison)
    return None if inputs is None else roi(comparison.speed, comparison.timing, inputs)


def _judged(comparison: Comparison) -> int | None:
    """The length that the verdict speaks of, where the goal names none."""
    found = comparison.verdict
    lengths = [g.context_tokens for g in found.gates if g.context_tokens] if found else []
    return lengths[0] if lengths else None


def values(panel: MoneyPanel, run: Run, comparison: Comparison, lang: str) -> list[object]:
    """Values for `panel.outputs()`: the run's own figures and numbers."""
    wanted, limits = run.config.get("goal") or {}, run.config.get("gates") or {}
    known = {**limits, **wanted, **(wanted.get("prices") or {})}
    known["context_tokens"] = limits.get("context_tokens") or _judged(comparison)
    shown = [_written(known.get(name), goal.DEFAULTS[name]) for name in panel.fields]
    return [worth.told(of_run(run, comparison), lang), *shown]


def _written(value: Any, default: str) -> str:
    if value is None or value == "":
        return default
    return f"{value:g}" if isinstance(value, float) else str(value)


def tried(comparison: Comparison | None, form: Sequence[str | None], lang: str) -> str:
    """The figures by the numbers in the form, as HTML; nothing is stored."""
    try:
        with problems.guard():
            filled = {**goal.DEFAULTS, **dict(zip(FIELDS, form, strict=True))}
            wanted = goal.read(list(filled.values()), lang)
            gates = wanted["gates"]
            inputs = money_inputs(
                Goal.model_validate(wanted["goal"]),
                input_tokens=gates["context_tokens"], output_tokens=gates["output_tokens"],
            )  # fmt: skip
    except EngineError as error:
        return problems.box(error, lang)
    if inputs is None or comparison is None:
        return worth.told(None, lang)
    found = roi(comparison.speed, comparison.timing, inputs)
    return ui.label(t("worth.tried", lang)) + worth.told(found, lang)
