"""Step 4, after the start: the run as it works. Everything is read from the store."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from app import charts, notes, progress, tables
from app import components as ui
from app.blocks import ChartBlock, block, chart_block
from app.pages import history
from app.progress import Seen
from app.text import t
from engine.report.source import place_less
from engine.runs.records import Run


@dataclass(frozen=True)
class LivePage:
    """Its components that events touch."""

    column: gr.Column
    title: gr.HTML
    status: gr.HTML
    cancel: gr.Button
    resume: gr.Button
    compare: gr.Button
    another: gr.Button
    problem: gr.HTML
    transfer: ChartBlock
    loss: ChartBlock
    log: gr.HTML

    def fast(self) -> list[gr.HTML | gr.Button]:
        """What every tick fills, in the order of `fast_values`."""
        return [self.status, self.cancel, self.resume, self.compare]

    def slow(self) -> list[gr.Column | gr.Plot | gr.HTML]:
        """What new events fill, in the order of `slow_values`."""
        return [self.log, *self.transfer.outputs(), *self.loss.outputs()]


def build(lang: str) -> LivePage:
    """Lay the view out, empty and hidden."""
    with gr.Column(visible=False) as column:
        title = block()
        with gr.Column(elem_classes="ts-panel"):
            status = block(elem_id="status")
            problem = block()
            with gr.Row(elem_classes="ts-actions"):
                compare = gr.Button(t("live.see", lang), variant="primary", visible=False)
                resume = gr.Button(t("live.resume", lang), variant="primary", visible=False)
                cancel = gr.Button(t("live.cancel", lang), visible=False)
                another = gr.Button(t("live.another", lang))
        with gr.Row():
            transfer = chart_block(
                t("live.transfer", lang), t("live.transfer_text", lang),
                t("glossary.transfer", lang),
            )  # fmt: skip
            loss = chart_block(
                t("live.loss", lang), t("live.loss_text", lang), t("glossary.loss", lang)
            )
        block(ui.section(t("live.log", lang), t("live.log_text", lang), level=3))
        with gr.Column(elem_classes="ts-panel"):
            log = block()
    return LivePage(
        column, title, status, cancel, resume, compare, another, problem, transfer, loss, log
    )


def heading(run: Run, lang: str) -> str:
    """What the run was asked to do, from its frozen settings, as HTML."""
    name = history.title(run, lang)
    title = t("live.title_sample" if run.sample else "live.title", lang, name=name)
    return ui.section(title, level=1) + ui.facts(settings(run.config, lang))


def settings(config: dict[str, object], lang: str) -> list[tuple[str, str]]:
    """The frozen settings that tell runs apart."""
    method, kept = config.get("method"), config.get("kept")
    every = kept.get("every", 0) if isinstance(kept, dict) else 0
    return [
        (t("convert.model", lang), place_less(str(config.get("model", "")))),
        (t("live.weights", lang), _weights(config, lang)),
        (t("convert.data", lang), str(config.get("data", ""))),
        (t("convert.method", lang), _name_of(method)),
        (t("convert.keep_every", lang),
         t("convert.keep", lang, n=every) if every else t("convert.keep_none", lang)),
        (t("convert.recipe", lang), notes.recipe(config.get("recipe_name"), lang)),
        (t("convert.seed", lang), str(config.get("seed", ""))),
    ]  # fmt: skip


def _weights(config: dict[str, object], lang: str) -> str:
    """The beginning of the hash, or the commit, of the weights that the run was created with."""
    known = config.get("weights_sha256") or config.get("revision")
    return f"{str(known)[:12]}…" if known else t("live.weights_unknown", lang)


def _name_of(method: object) -> str:
    return str(method.get("name", "")) if isinstance(method, dict) else ""


def fast_values(run: Run, seen: Seen, lang: str) -> list[object]:
    """Values for `LivePage.fast()`."""
    stopped = run.state in ("cancelled", "interrupted", "failed") and not run.sample
    asked = run.cancel_requested_at is not None
    return [
        progress.status(run, seen, lang),
        gr.update(visible=run.working, interactive=not asked),
        gr.update(visible=stopped),
        gr.update(visible=run.state == "done"),
    ]


def slow_values(page: LivePage, run: Run, seen: Seen, lang: str) -> list[object]:
    """Values for `LivePage.slow()`, from what was read of the run's events."""
    found = seen.series()
    transfer = found.pop("transfer", [])
    ended = not run.working  # a table that is redrawn with every tick would close under one's eyes
    return [
        progress.log(seen, lang),
        *page.transfer.update(
            charts.transfer_curve(transfer, lang) if transfer else None,
            progress.transfer_reading(transfer, run, lang),
            tables.curves({"transfer": transfer}, t("live.transfer", lang), lang) if ended else "",
        ),
        *page.loss.update(
            charts.loss_curve(found, lang) if found else None,
            progress.reading(found, run, lang),
            tables.curves(found, t("live.loss", lang), lang) if ended else "",
        ),
    ]  # fmt: skip
