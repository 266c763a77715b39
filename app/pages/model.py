"""Step 3: which model to convert. Visitors name a bundled model, one of the operator's folders or a
Hub id, never a path."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import gradio as gr

from app import components as ui
from app import problems
from app.blocks import block
from app.numbers import count, size
from app.pages import shelf
from app.text import t, tn
from engine.errors import EngineError, ModelNotFound
from engine.models.catalogue import (
    DEFAULT_MODEL,
    BundledModel,
    bundled_models,
    folder_model,
    folder_models,
    hub_models,
)

HUB = "hub"
"""The choice that makes the id box count."""
FOLDER = "folder:"
"""Begins the choice of a model in the operator's directory; its name follows."""
EXAMPLE = "HuggingFaceTB/SmolLM2-135M"

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")


@dataclass(frozen=True)
class ModelPage:
    """Its components that events touch."""

    box: gr.Column
    frozen: gr.HTML
    choice: gr.Radio
    hub_box: gr.Column
    hub_id: gr.Dropdown
    check: gr.Button
    estimate: gr.Button
    facts: gr.HTML
    estimated: gr.HTML
    catalogue: gr.HTML
    onward: gr.Button


def build(lang: str) -> ModelPage:
    """Lay the step out, the default bundled model chosen."""
    models = bundled_models()
    names = [model.name for model in models]
    chosen = DEFAULT_MODEL if DEFAULT_MODEL in names else HUB
    frozen = block()
    with gr.Column() as column_box:
        block(ui.section(t("model.title", lang), t("model.text", lang), level=1))
        with gr.Column(elem_classes="ts-panel"):
            choice = gr.Radio(
                choices(lang), value=chosen, label=t("model.choice", lang),
                elem_classes="ts-choices",
            )  # fmt: skip
            with gr.Column(visible=chosen == HUB) as hub_box:
                hub_id = gr.Dropdown(
                    [model.id for model in hub_models()], value=None, filterable=True,
                    label=t("model.hub_id", lang), info=t("model.hub_info", lang),
                    allow_custom_value=True, elem_id="hub-id",
                )  # fmt: skip
            facts = block(describe(chosen, lang))
            with gr.Row(elem_classes="ts-actions"):
                check = gr.Button(t("model.check", lang))
                estimate = gr.Button(t("estimate.button", lang))
            estimated = block(elem_id="estimated")
        block(ui.section(t("shelf.title", lang), t("shelf.text", lang), level=3))
        catalogue = block(shelf.table(lang), elem_id="catalogue")
    with gr.Row(elem_classes="ts-actions"):
        onward = gr.Button(t("model.next", lang), variant="primary")
    return ModelPage(
        column_box, frozen, choice, hub_box, hub_id, check, estimate, facts, estimated, catalogue,
        onward,
    )  # fmt: skip


def choices(lang: str) -> list[tuple[str, str]]:
    """What is offered: words and value of each choice."""
    return [
        *((t("model.bundled", lang, name=one.name), one.name) for one in bundled_models()),
        *((t("model.folder", lang, name=one.name), FOLDER + one.name) for one in folder_models()),
        (t("model.hub", lang), HUB),
    ]


def _bundled(name: str) -> BundledModel | None:
    return next((model for model in bundled_models() if model.name == name), None)


def describe(choice: str, lang: str) -> str:
    """What is known about a choice without looking further, as HTML."""
    model = _bundled(choice)
    if choice.startswith(FOLDER):
        return ui.notice("info", t("model.folder_notice", lang), t("model.folder_text", lang))
    if model is None:
        return ui.notice("info", t("model.hub_notice", lang), t("model.hub_notice_text", lang))
    return ui.facts(
        [
            (t("model.fact.title", lang), model.title),
            (t("model.fact.parameters", lang), count(model.parameters)),
            (t("model.fact.context", lang), tn("unit.tokens", lang, model.context_tokens)),
            (t("model.fact.languages", lang), shelf.spoken(model.languages, lang)),
            (t("model.fact.licence", lang), model.licence or "–"),
        ]
    )


def reference(choice: str, hub_id: str, lang: str) -> str:
    """The model reference for a run: a bundled name, a Hub id, or the folder that a name in the
    operator's directory stands for.

    Raises:
        ModelNotFound: there is no such folder, or the text is no Hub id. Paths end here: the engine
            would open a folder of this machine, which a visitor of the page must not choose.
    """
    if _bundled(choice) is not None:
        return choice
    if choice.startswith(FOLDER):
        return str(folder_model(choice.removeprefix(FOLDER)).folder)
    wanted = (hub_id or "").strip()
    if not _HUB_ID.fullmatch(wanted) or ".." in wanted or Path(wanted).exists():
        raise ModelNotFound(
            t("model.no_id", lang, id=repr(wanted[:80])),
            t("model.no_id_hint", lang, example=EXAMPLE),
        )
    return wanted


def check(choice: str, hub_id: str, lang: str) -> str:
    """Look at the model without loading it; what was found, or why it cannot be converted."""
    # transformers is imported by the check: seconds that a page without it need not wait.
    from engine.models.check import check_model

    try:
        with problems.guard():
            report = check_model(reference(choice, hub_id, lang))
    except EngineError as error:
        return problems.box(error, lang)
    facts = [
        (t("model.fact.architecture", lang), report.architecture),
        (t("model.fact.parameters", lang), count(report.parameters)),
        (t("model.fact.layers", lang), count(report.layers)),
        (t("model.fact.context", lang), tn("unit.tokens", lang, report.context_tokens)),
        (t("model.fact.size", lang), size(report.weight_bytes)),
        (t("model.fact.memory", lang), size(report.needed_bytes)),
        (t("model.fact.free", lang), size(report.available_bytes)),
    ]
    if model := _bundled(choice):
        facts.append((t("model.fact.licence", lang), model.licence or "–"))
    elif report.source.folder is None:
        gated = t("shelf.access.gated" if report.source.gated else "shelf.access.open", lang)
        facts.append((t("shelf.column.access", lang), gated))
    return ui.notice("good", t("model.convertible", lang), t("model.checked", lang)) + ui.facts(
        facts
    )
