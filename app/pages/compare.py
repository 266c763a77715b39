"""Step 5: the finished comparison, drawn from comparison.json and the run's row alone.

What is told in words and numbers comes first; the charts follow (`app.pages.drawing`).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import gradio as gr

from app import alike, inside, kpis, notes, risks, summary, tables, task, verdict
from app import components as ui
from app.blocks import ChartBlock, PairBlock, block, chart_block
from app.numbers import count, moment, size
from app.pages import duel, grid, history, inner, money, pace, standing, vote
from app.pages.duel import DuelPanel
from app.pages.grid import GridPanel
from app.pages.inner import InnerPanel
from app.pages.live import settings
from app.pages.money import MoneyPanel
from app.pages.pace import PacePanel
from app.pages.sample import sample_label
from app.pages.vote import VotePanel
from app.text import sentences, t, tn
from app.written import two_answers
from engine.evidence.results import Comparison
from engine.report.source import place_less
from engine.runs.records import Run


@dataclass(frozen=True)
class ComparePage:
    """Its components that events touch."""

    empty: gr.HTML
    column: gr.Column
    head: gr.HTML
    verdict: gr.HTML
    kpis: gr.HTML
    money: MoneyPanel
    tiles: gr.HTML
    position: ChartBlock
    recall: ChartBlock
    memory: ChartBlock
    room: ChartBlock
    pace: PacePanel
    grid: GridPanel
    inside: gr.HTML
    inner: InnerPanel
    standing: PairBlock
    answers: gr.HTML
    duel: DuelPanel
    vote: VotePanel
    risks: gr.HTML
    conditions: gr.HTML
    told: gr.Textbox
    """Changes whenever a comparison has been told anew: its charts are due."""

    def awaiting(self) -> list[gr.Column | gr.Dropdown | gr.Radio]:
        """What is hidden until its chart is drawn: till then it shows the run before."""
        blocks = (
            self.money.months, self.position, self.recall, self.grid.grid, self.inner,
            self.memory, self.room, self.pace.decode, self.pace.prefill, self.standing,
        )  # fmt: skip
        return [*(block.column for block in blocks), self.grid.choice, self.pace.view]

    def outputs(self) -> list[Any]:
        """What `values` fills, in order."""
        return [
            self.empty, self.column, self.head, self.verdict, self.kpis, *self.money.outputs(),
            self.tiles, self.inside, self.answers, *self.duel.outputs(), *self.vote.outputs(),
            self.risks, self.conditions, *self.awaiting(), self.told,
        ]  # fmt: skip


def build(lang: str) -> ComparePage:
    """Lay the page out, empty."""
    empty = block(ui.notice("info", t("compare.empty", lang), t("compare.empty_hint", lang)))
    with gr.Column(visible=False) as column:
        head = block()
        banner = block(elem_id="verdict")
        three = block(elem_id="kpis")
        worth = money.build(lang)
        block(ui.section(t("compare.figures", lang)))
        tiles = block(elem_id="tiles")
        block(ui.section(t("compare.quality", lang), t("compare.quality_text", lang)))
        with gr.Row(elem_classes="ts-charts"):
            position = chart_block(t("chart.position", lang), more=t("glossary.position", lang))
            recall = chart_block(t("chart.recall", lang), more=t("glossary.recall", lang))
        recalled = grid.build(lang)
        parts = block(elem_id="inside")
        heads = inner.build(lang)
        block(ui.section(t("compare.cost", lang), t("compare.cost_text", lang)))
        with gr.Row(elem_classes="ts-charts", elem_id="memory-chart"):
            memory = chart_block(t("chart.memory", lang), more=t("glossary.memory", lang))
            room = chart_block(t("chart.room", lang), more=t("glossary.room", lang))
        paced = pace.build(lang)
        among = standing.build(lang)
        block(ui.section(t("compare.answers", lang), t("compare.answers_text", lang)))
        written = block()
        live = duel.build(lang)
        ballot = vote.build(lang)
        block(ui.section(t("risk.title", lang), t("risk.text", lang)))
        with gr.Column(elem_classes="ts-panel"):
            risky = block(elem_id="risks")
        block(ui.section(t("compare.how", lang)))
        with gr.Column(elem_classes="ts-panel"):
            conditions = block()
        told = gr.Textbox("", visible="hidden")
    return ComparePage(
        empty, column, head, banner, three, worth, tiles, position, recall, memory, room, paced,
        recalled, parts, heads, among, written, live, ballot, risky, conditions, told,
    )  # fmt: skip


def values(page: ComparePage, run: Run, result: Comparison, lang: str) -> list[object]:
    """Values for `page.outputs()`."""
    return [
        gr.update(visible=False),
        gr.update(visible=True),
        head(run, result, lang),
        verdict.banner(result.verdict, lang),
        kpis.tiles(result, money.of_run(run, result), lang),
        *money.values(page.money, run, result, lang),
        summary.tiles(result, lang),
        task.section(result, lang) + alike.section(result, lang)
        + inside.section(result, lang),
        two_answers(result, lang),
        *duel.values(run, result, lang),
        *vote.values(run.id, lang),
        risks.table(run, result, lang),
        conditions(run, result, lang),
        *[gr.update(visible=False)] * len(page.awaiting()),
        str(time.monotonic_ns()),
    ]


def head(run: Run, result: Comparison, lang: str) -> str:
    """Which run this is, in its frozen settings."""
    title = t(
        "compare.title", lang, name=history.title(run, lang),
        model=place_less(str(run.config.get("model", ""))),
    )  # fmt: skip
    mark = ui.label(sample_label(result, lang)) if run.sample else ""
    conversion = result.conversion
    config = run.config
    about = tn(
        "compare.about",
        lang,
        len(conversion.layers_converted) + len(conversion.layers_kept),
        **{name: str(config.get(name, "–")) for name in ("data", "seed")},
        recipe_name=notes.recipe(config.get("recipe_name"), lang) or "–",
        method=conversion.method,
        converted=len(conversion.layers_converted),
    )
    checks = result.data_checks
    warned = [notes.told(warning, lang) for warning in checks.warnings] if checks else []
    unfit = ui.notice("bad", t("compare.unfit", lang), sentences(lang, warned)) if warned else ""
    use_case = str((config.get("goal") or {}).get("use_case") or "")
    return ui.section(title, use_case, level=1) + mark + ui.inline([about]) + unfit


def conditions(run: Run, result: Comparison, lang: str) -> str:
    """Machine, date and code, what was measured and what was computed, and where the time went."""
    env, conversion = result.environment, result.conversion
    total = len(conversion.layers_converted) + len(conversion.layers_kept)
    facts = [
        *settings(run.config, lang),
        (t("compare.layers", lang),
         t("compare.layers_value", lang, converted=len(conversion.layers_converted), total=total)),
        (t("compare.added", lang), count(conversion.parameters_added)),
        (t("env.date", lang), moment(env.date, lang=lang)),
        (t("env.machine", lang), f"{env.cpu}, {env.machine}"),
        (t("env.cores", lang), f"{env.cores} / {env.threads}"),
        (t("env.memory", lang), size(env.memory_bytes)),
        (t("env.device", lang), env.device),
        (t("env.dtype", lang), env.dtype),
        (t("env.backend", lang), notes.backend(env.backend, lang)),
        (t("env.versions", lang),
         t("env.versions_value", lang, torch=env.torch, transformers=env.transformers,
           python=env.python, engine=env.engine)),
    ]  # fmt: skip
    said = [
        tn("how.quality", lang, result.quality.original.documents,
           tokens=tn("unit.tokens", lang, result.quality.original.tokens)),
        t("how.control", lang), t("how.memory", lang), t("how.answers", lang),
        *(notes.told(note, lang)
          for note in (result.speed.note, result.recall.note, result.quality.converted.note)
          if note),
    ]  # fmt: skip
    return (
        ui.facts(facts)
        + ui.bullets(said)
        + ui.folded(t("compare.timing", lang), tables.timing(result.timing, lang))
        + ui.folded(t("compare.dataset", lang), tables.dataset(result.dataset, lang))
    )
