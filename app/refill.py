"""An earlier run's settings as the forms would have been filled in to make it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.numbers import as_typed
from app.pages import convert, data, goal, history, model
from app.text import t
from engine.data.ingest import bundled_datasets
from engine.models.catalogue import bundled_models, folder_models
from engine.report.source import place_less
from engine.runs.records import Run


@dataclass(frozen=True)
class Forms:
    """What each field of the forms should hold."""

    goal: dict[str, str]
    model: str
    hub_id: str
    data: str
    data_choices: list[tuple[str, str]]
    encoding: str
    mask: bool
    columns: dict[str, str]
    method: str
    keep_every: int
    recipe: str
    seed: int


def forms(run: Run, lang: str) -> Forms:
    """The forms for a run like this one; its own copy of a file of the user's can be chosen."""
    config = run.config
    ref, name = str(config.get("model", "")), str(config.get("data", ""))
    chosen_model, hub_id = _model(ref)
    choices = data.choices(lang)
    chosen = name
    if name not in bundled_datasets():
        chosen = data.OF_RUN + run.id
        words = t("data.of_run", lang, name=name, run=history.title(run, lang))
        choices = [*choices[:-1], (words, chosen), choices[-1]]
    method = str((config.get("method") or {}).get("name", ""))
    every = int((config.get("kept") or {}).get("every", 0))
    recipe = str(config.get("recipe_name", ""))
    return Forms(
        goal=_goal(config),
        model=chosen_model,
        hub_id=hub_id,
        data=chosen,
        data_choices=choices,
        encoding=str(config.get("encoding") or data.FOUND),
        mask=bool(config.get("mask_personal_data")),
        columns={one: str(config.get(one) or data.FOUND) for one in data.COLUMNS},
        method=method if method in convert.METHODS else convert.METHODS[0],
        keep_every=every if every in (0, *convert.KEEP_EVERY) else convert.AUTOMATIC,
        recipe=recipe if recipe in convert.RECIPES else convert.RECIPES[0],
        seed=int(config.get("seed", 0)),
    )


def _model(ref: str) -> tuple[str, str]:
    """The choice and the Hub id that stand for a run's model; no id for a folder that is not among
    the operator's any more."""
    if ref in {one.name for one in bundled_models()}:
        return ref, ""
    for one in folder_models():
        if str(one.folder) == ref:
            return model.FOLDER + one.name, ""
    return model.HUB, ref if place_less(ref) == ref else ""


def _goal(config: dict[str, Any]) -> dict[str, str]:
    """The goal's form; a run from before there were goals leaves the defaults."""
    limits, wanted = config.get("gates"), config.get("goal")
    prices = (wanted or {}).get("prices") or {}
    known = {**(limits or {}), **(wanted or {}), **prices}
    return {
        name: default if name not in known else as_typed(known[name])
        for name, default in goal.DEFAULTS.items()
    }
