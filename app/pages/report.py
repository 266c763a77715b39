"""Step 5, the report: one click makes it, and the browser downloads it under the run's id."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_args

import gradio as gr

from app import components as ui
from app import downloads, problems
from app.blocks import block
from app.numbers import size
from app.pages import money
from app.text import PATHS, t
from engine import report
from engine.errors import BadRunConfig, EngineError
from engine.evidence.results import Comparison
from engine.report import Format, Lang
from engine.runs import service
from engine.runs.records import Run

FORMATS: tuple[Format, ...] = get_args(Format)


@dataclass(frozen=True)
class ReportPanel:
    """Its components that events touch."""

    column: gr.Column
    jump: gr.Button
    lang: gr.Radio
    tried: gr.Checkbox
    """Whether to take the numbers that stand under Money instead of the run's own."""
    buttons: dict[Format, gr.Button]
    said: gr.HTML
    address: gr.Textbox
    """Where the browser finds the file that was just made; its change starts the download."""

    def outputs(self) -> list[Any]:
        """What `made` fills, in order."""
        return [self.said, self.address, *self.buttons.values()]

    def shown(self, there: bool) -> dict[Any, Any]:
        """The section for a run with a comparison, or none of it."""
        return {
            self.column: gr.update(visible=there), self.jump: gr.update(visible=there),
            self.said: "", self.address: "", self.tried: gr.update(visible=False, value=False),
        }  # fmt: skip


def jump(lang: str) -> gr.Button:
    """The button for the top of the step that leads to the section."""
    return gr.Button(t("report.jump", lang), size="sm", visible=False, elem_id="to-report")


def build(lang: str, link: gr.Button) -> ReportPanel:
    """Lay the section out, hidden; `link` is what `jump` made."""
    with gr.Column(visible=False, elem_id="report") as column:
        block(ui.section(t("report.title", lang), t("report.text", lang)))
        with gr.Column(elem_classes="ts-panel"):
            chosen = gr.Radio(
                [(t("language.name", one), one) for one in PATHS], value=lang,
                label=t("report.lang", lang), elem_id="report-lang",
            )  # fmt: skip
            tried = gr.Checkbox(
                False, label=t("report.tried", lang), info=t("report.tried_info", lang),
                visible=False, elem_id="report-tried",
            )  # fmt: skip
            with gr.Row(elem_classes="ts-actions"):
                buttons: dict[Format, gr.Button] = {
                    one: gr.Button(
                        t(f"report.format.{one}", lang), elem_id=f"report-{one}",
                        variant="primary" if one == "pdf" else "secondary",
                    )
                    for one in FORMATS
                }  # fmt: skip
            said = block(elem_id="report-said")
            address = gr.Textbox("", visible="hidden", elem_id="report-address")
    return ReportPanel(column, link, chosen, tried, buttons, said, address)


def made(
    run_id: str, chosen: str, tried: bool = False, *form: str | None, wanted: Format, lang: str
) -> Iterator[list[Any]]:
    """Values for `ReportPanel.outputs()`: that it is being made, then where it is, or why not.

    Args:
        run_id: of the run on show. Nothing else decides which file is read or written.
        chosen: the report's language.
        tried: whether money goes by `form`.
        form: the fields under Money.
        wanted: its format.
        lang: the page's language.
    """
    busy, free = ([gr.update(interactive=on)] * len(FORMATS) for on in (False, True))
    name = t(f"report.format.{wanted}", lang)
    yield [ui.bar(None, name, [t("report.busy", lang, name=name)]), "", *busy]
    try:
        with problems.guard():
            run, spoken = service.get(run_id), _language(chosen, lang)
            inputs = money.entered(form, lang) if tried else _money(run)
            out, mark = downloads.own(run, wanted, spoken) if tried else (None, "")
            path = report.write(run, wanted, spoken, money=inputs, out=out)
            address = downloads.address(run.id, wanted, chosen, mark)
            said = ui.facts(
                [(t("report.ready", lang), ui.Link(address, path.name)),
                 (t("report.size", lang), size(path.stat().st_size))]
            )  # fmt: skip
    except EngineError as error:
        yield [problems.box(error, lang), "", *free]
        return
    yield [said, address, *free]


def _language(chosen: str, lang: str) -> Lang:
    for one in report.LANGS:
        if one == chosen:
            return one
    raise BadRunConfig(t("report.no_lang", lang), t("report.no_lang_hint", lang))


def _money(run: Run) -> Any:
    """Load and prices that the run was made with."""
    content = service.comparison(run.id)
    return None if content is None else money.inputs_of(run, Comparison.model_validate(content))
