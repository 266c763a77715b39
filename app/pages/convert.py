"""Step 4, before the start: how to convert, and the start itself."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from app import agreed, uploads
from app import components as ui
from app.blocks import block
from app.pages import data, goal, model
from app.text import DEFAULT_LANG, names, t
from engine.errors import BadRunConfig
from engine.runs import service

if TYPE_CHECKING:  # torch comes with it
    from engine.configs import RunConfig

METHODS = names("method", DEFAULT_LANG)
"""Offered methods, the default first: those described in the text file. The engine's own list
brings torch along, which takes seconds; a test holds the two against each other."""
RECIPES = names("recipe", DEFAULT_LANG)
AUTOMATIC = -1
KEEP_EVERY = (2, 3, 4, 8)


@dataclass(frozen=True)
class ConvertPage:
    """Its components that events touch."""

    column: gr.Column
    summary: gr.HTML
    method: gr.Radio
    keep_every: gr.Radio
    recipe: gr.Radio
    seed: gr.Number
    start: gr.Button
    problem: gr.HTML


def build(lang: str) -> ConvertPage:
    """Lay the form out with the defaults of `RunConfig`."""
    with gr.Column() as column:
        block(ui.section(t("convert.title", lang), t("convert.text", lang), level=1))
        summary = block()
        with gr.Column(elem_classes="ts-panel"):
            method = gr.Radio(
                [(t(f"method.{name}", lang), name) for name in METHODS], value=METHODS[0],
                label=t("convert.method", lang), info=t("convert.method_info", lang),
                elem_classes="ts-choices",
            )  # fmt: skip
            keep_every = gr.Radio(
                [(t("convert.keep_automatic", lang), AUTOMATIC), (t("convert.keep_none", lang), 0),
                 *((t("convert.keep", lang, n=n), n) for n in KEEP_EVERY)],
                value=AUTOMATIC, label=t("convert.keep_every", lang),
                info=t("convert.keep_info", lang),
            )  # fmt: skip
            recipe = gr.Radio(
                [(t(f"recipe.{name}", lang), name) for name in RECIPES], value=RECIPES[0],
                label=t("convert.recipe", lang), info=t("convert.recipe_info", lang),
                elem_classes="ts-choices",
            )  # fmt: skip
            with gr.Accordion(t("convert.advanced", lang), open=False, elem_classes="ts-fold"):
                seed = gr.Number(
                    0, label=t("convert.seed", lang), info=t("convert.seed_info", lang),
                    precision=0, minimum=0, maximum=2**31 - 1,
                )  # fmt: skip
        problem = block()
        with gr.Row(elem_classes="ts-actions"):
            start = gr.Button(t("convert.start", lang), variant="primary", size="lg")
    return ConvertPage(column, summary, method, keep_every, recipe, seed, start, problem)


@cache
def warm_up() -> None:
    """Import in the background, once, what the start needs: torch takes seconds."""
    threading.Thread(
        target=import_module, args=("engine.models.check",), daemon=True, name="warm-up"
    ).start()


def summarise(
    choice: str, hub_id: str, data_choice: str, upload: str | None, *goal_form: Any, lang: str
) -> str:
    """The chosen model and data and the acceptance gates, as HTML."""
    chosen_model = (hub_id or "").strip() if choice == model.HUB else choice
    chosen_model = chosen_model.removeprefix(model.FOLDER)
    chosen_data = data_choice
    chosen = data.Chosen(data_choice, upload, {})
    if chosen.own:
        waiting = data_choice == data.UPLOAD and uploads.found(upload) is None
        chosen_data = "" if waiting else data.chosen_file(chosen, lang).name
    missing = t("convert.not_chosen", lang)
    return ui.facts(
        [
            (t("convert.model", lang), chosen_model or missing),
            (t("convert.data", lang), chosen_data or missing),
            (t("goal.gates", lang), t("reading.list.join", lang).join(_gates(goal_form, lang))),
        ]
    )


def _gates(goal_form: Sequence[Any], lang: str) -> list[str]:
    limits = goal.read(goal_form, lang)["gates"]
    return agreed.gates(limits, lang) or [t("agreed.no_gate", lang)]


def create_and_start(*form: Any, lang: str) -> str:
    """Write the run and start its worker; returns the run's id.

    Args:
        form: as of `settings`.
        lang: the page's language.

    Raises:
        EngineError: the model, the data or the settings will not do; nothing was made then.
    """
    config, path = settings(*form, lang=lang)
    run_id = service.create_run(config, path)
    service.start(run_id)
    return run_id


def settings(model_choice: str, hub_id: str, *form: Any, lang: str) -> tuple[RunConfig, Path]:
    """The forms as the settings of a run, and the file with the text.

    Args:
        model_choice, hub_id: of the model's step.
        form: the data's step, then method, kept layers, recipe and seed, then the goal's step.
        lang: of the page.

    Raises:
        EngineError: the model, the data or the settings will not do.
    """
    # The vocabulary of settings brings torch along, which the pages themselves never need.
    from pydantic import ValidationError

    from engine.configs import RunConfig, default_kept, recipe_for
    from engine.models.check import check_model

    chosen = data.Chosen.of(form[: data.FIELDS])
    method, keep_every, recipe, seed, *goal_form = form[data.FIELDS :]
    wanted = goal.read(goal_form, lang)
    ref = model.reference(model_choice, hub_id, lang)
    path = data.chosen_file(chosen, lang)
    if keep_every == AUTOMATIC:
        keep_every = default_kept(method, check_model(ref).layers).every
    try:
        config = RunConfig.model_validate(
            {
                "model": ref,
                "data": path.name if chosen.own else chosen.choice,
                **chosen.settings,
                "method": {"name": method},
                "kept": {"every": keep_every},
                "recipe_name": recipe,
                "recipe": recipe_for(recipe, method),
                "seed": int(seed or 0),
                **wanted,
            }
        )
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise BadRunConfig(
            t("convert.bad_setting", lang, where=where, what=first["msg"]),
            t("convert.bad_setting_hint", lang),
        ) from error
    return config, path
