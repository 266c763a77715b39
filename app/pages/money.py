"""Money on the last step: by the run's own goal, or by other numbers tried out on the spot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from app import break_even, problems, worth
from app import components as ui
from app.blocks import ChartBlock, block, chart_block
from app.numbers import as_typed
from app.pages import goal
from app.text import t
from engine.errors import EngineError
from engine.evidence.pricing import money_inputs
from engine.evidence.results import Comparison
from engine.evidence.roi import MoneyInputs, Roi, roi
from engine.goal import Goal
from engine.runs import service
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
    months: ChartBlock
    fields: dict[str, Any]
    try_out: gr.Button

    def figures(self) -> list[Any]:
        """What other numbers change, in order."""
        return [self.told, *self.months.outputs()]

    def outputs(self) -> list[Any]:
        """What `values` fills, in order."""
        return [self.told, *self.fields.values()]


def build(lang: str) -> MoneyPanel:
    """Lay the section out, empty."""
    block(ui.section(t("worth.title", lang), t("worth.text", lang), more=t("glossary.money", lang)))
    told = block(elem_id="money")
    months = chart_block(t("breakeven.title", lang), more=t("glossary.breakeven", lang))
    with gr.Accordion(t("worth.try", lang), open=False, elem_classes="ts-fold"):
        block(ui.reading(t("worth.try_text", lang)))
        made = {**goal.load_fields(lang), **goal.price_fields(lang)}
        with gr.Row(elem_classes="ts-actions"):
            try_out = gr.Button(t("worth.calculate", lang))
    return MoneyPanel(told, months, {name: made[name] for name in FIELDS}, try_out)


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
    """Values for `panel.outputs()`: the run's own figures and numbers, without the chart."""
    wanted, limits = run.config.get("goal") or {}, run.config.get("gates") or {}
    known = {**limits, **wanted, **(wanted.get("prices") or {})}
    known["context_tokens"] = limits.get("context_tokens") or _judged(comparison)
    shown = [as_typed(known.get(name)) or goal.DEFAULTS[name] for name in panel.fields]
    return [worth.told(of_run(run, comparison), lang), *shown]


def months(panel: MoneyPanel, found: Roi | None, lang: str) -> list[object]:
    """Values for `panel.months.outputs()`."""
    chart = break_even.chart(found, lang)
    if found is None or chart is None:
        return panel.months.update(None, "", "")
    return panel.months.update(
        chart, break_even.reading(found, lang), break_even.table(found, lang)
    )


def try_out(
    run_id: str, *form: str | None, panel: MoneyPanel, lang: str
) -> list[object]:
    """Values for `panel.figures()` and whether there are any, by other numbers than the run's;
    nothing is stored."""
    try:
        with problems.guard():
            content = service.comparison(run_id)
            comparison = None if content is None else Comparison.model_validate(content)
    except EngineError as error:
        return [problems.box(error, lang), *[gr.skip()] * len(panel.months.outputs()), gr.skip()]
    return tried(panel, comparison, form, lang)


def tried(
    panel: MoneyPanel, comparison: Comparison | None, form: Sequence[str | None], lang: str
) -> list[object]:
    """Values for `panel.figures()` by the numbers in the form, and the report's choice to take
    them, which is there once they give figures."""
    none = [*panel.months.update(None, "", ""), gr.update(visible=False, value=False)]
    try:
        with problems.guard():
            inputs = entered(form, lang)
    except EngineError as error:
        return [problems.box(error, lang), *none]
    if inputs is None or comparison is None:
        return [worth.told(None, lang), *none]
    found = roi(comparison.speed, comparison.timing, inputs)
    label = ui.label(t("worth.tried", lang)) + worth.told(found, lang)
    label += ui.inline([t("worth.to_report", lang)])
    return [label, *months(panel, found, lang), gr.update(visible=True, value=True)]


def entered(form: Sequence[str | None], lang: str) -> MoneyInputs | None:
    """Load and prices as they stand in the form; None where too little is given.

    Raises:
        BadRunConfig: something is no number or out of range; the field is named.
    """
    filled = {**goal.DEFAULTS, **dict(zip(FIELDS, form, strict=True))}
    wanted = goal.read(list(filled.values()), lang)
    gates = wanted["gates"]
    return money_inputs(
        Goal.model_validate(wanted["goal"]),
        input_tokens=gates["context_tokens"], output_tokens=gates["output_tokens"],
    )  # fmt: skip
