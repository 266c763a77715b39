"""Command-line arguments to a `RunConfig`, with errors that list what could have been written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from engine.configs import (
    AcceptanceGates,
    ComparisonSettings,
    RunConfig,
    default_kept,
    recipe_for,
)
from engine.errors import BadRunConfig
from engine.goal import Goal, Prices
from engine.methods import METHODS

SECTIONS = ("method", "kept", "recipe", "comparison", "gates", "goal")
"""What `--set` may reach into."""
UNJUDGED = ("batch_sizes", "mqar_per_size", "needles_per_cell", "task_documents", "answer_tokens")
"""Settings of a comparison that no acceptance gate depends on."""
PLAIN = ("encoding", "mask_personal_data")
"""What it may set besides; the rest has options of its own."""


def build_config(
    model: str,
    data: str,
    *,
    layers: int,
    method: str = "hybrid",
    keep_every: int | None = None,
    recipe: str = "quick",
    seed: int = 0,
    data_seed: int = 0,
    text_column: str | None = None,
    prompt_column: str | None = None,
    reference_column: str | None = None,
    assignments: Sequence[str] = (),
) -> RunConfig:
    """The settings of a run.

    Args:
        model, data, seed, data_seed, text_column, prompt_column, reference_column: as in
            `RunConfig`.
        layers: attention layers of the model.
        method, recipe: names; their settings start from the defaults.
        keep_every: keep one softmax layer in this many; None takes the method's default.
        assignments: "section.key=value" each, e.g. "method.feature_dim=64".

    Raises:
        BadRunConfig: a setting that does not exist, or a value that is out of range.
    """
    kept = default_kept(method, layers).model_dump()
    if keep_every is not None:
        kept["every"] = keep_every
    values: dict[str, Any] = {
        "model": model,
        "data": data,
        "text_column": text_column,
        "prompt_column": prompt_column,
        "reference_column": reference_column,
        "seed": seed,
        "data_seed": data_seed,
        "recipe_name": recipe,
        "method": METHODS[method]().model_dump(),
        "kept": kept,
        "recipe": recipe_for(recipe, method).model_dump(),
        "comparison": ComparisonSettings().model_dump(),
        "gates": AcceptanceGates().model_dump(),
        "goal": Goal().model_dump(),
        "encoding": None,
        "mask_personal_data": False,
    }
    parsed = [_split(assignment) for assignment in assignments]
    if any(keys[:2] == ["goal", "prices"] for keys, _ in parsed):
        # Without prices there is no place for one; those that must be given are asked for.
        fields = Prices.model_fields.items()
        values["goal"]["prices"] = {
            name: None if field.is_required() else field.default for name, field in fields
        }
    # Choosing a method replaces all settings beside it, so it comes before them.
    for keys, value in sorted(parsed, key=lambda item: item[0][-1] != "name"):
        _assign(values, keys, value)
    if any(keys[0] == "recipe" for keys, _ in parsed):
        values["recipe_name"] = "custom"
    return validated(values)


def comparison_changes(assignments: Sequence[str]) -> dict[str, Any]:
    """What a finished run shall be measured with instead of its own settings, by name.

    Args:
        assignments: "comparison.key=value" each; the values are checked where they are used.

    Raises:
        BadRunConfig: no such setting, or one that training or the gates have settled.
    """
    defaults = ComparisonSettings().model_dump()
    values: dict[str, Any] = {section: {} for section in SECTIONS}
    values["comparison"] = {name: defaults[name] for name in UNJUDGED}
    names: list[str] = []
    for keys, value in map(_split, assignments):
        if keys[0] != "comparison":
            raise BadRunConfig(
                f"{'.'.join(keys)} is settled for a run that is there.",
                "Only comparison.… can be set to measure it again; make a new run for the rest.",
            )
        if len(keys) > 1 and keys[1] in defaults and keys[1] not in UNJUDGED:
            raise BadRunConfig(
                f"{'.'.join(keys)} decides what the acceptance gates are judged on, and was settled"
                " before the run.",
                f"Of a run that is there, only {', '.join(UNJUDGED)} can be changed.",
            )
        _assign(values, keys, value)
        names.append(keys[1])
    return {name: values["comparison"][name] for name in names}


def validated(values: dict[str, Any]) -> RunConfig:
    """`RunConfig` of the values, with the first thing wrong said in one line.

    Raises:
        BadRunConfig: a value is out of range or of the wrong kind.
    """
    try:
        return RunConfig.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        raise BadRunConfig(
            f"{_dotted(values, first['loc'])}={first['input']}: {first['msg']}.",
            "Change that setting or leave it out for its default.",
        ) from error


def _split(assignment: str) -> tuple[list[str], str]:
    dotted, equals, value = assignment.partition("=")
    if not equals or not dotted.strip():
        raise BadRunConfig(
            f"--set {assignment!r} is not of the form key=value.",
            "Write for example --set method.feature_dim=64.",
        )
    return dotted.strip().split("."), value.strip()


def _assign(values: dict[str, Any], keys: list[str], value: str) -> None:
    """Put a value where the dotted key points, if there is such a setting."""
    settable = {key: values[key] for key in (*SECTIONS, *PLAIN) if key in values}
    place: Any = values if keys[0] in PLAIN else settable
    for depth, key in enumerate(keys):
        if not isinstance(place, dict) or key not in place:
            _refuse(keys, depth, place)
        if depth == len(keys) - 1:
            break
        place = place[key]
    leaf = keys[-1]
    if leaf == "encoding":
        value = value.lower().replace("_", "-")  # as hints and other programs write them
    if isinstance(place[leaf], dict):
        _refuse(keys, len(keys), place[leaf])
    if leaf == "name" and value in METHODS:
        place.clear()
        place.update(METHODS[value]().model_dump())
    elif isinstance(place[leaf], tuple):
        place[leaf] = [part.strip() for part in value.strip("[]()").split(",") if part.strip()]
    else:
        place[leaf] = None if value.lower() in ("", "none", "detect") else value


def _refuse(keys: list[str], depth: int, place: Any) -> None:
    """Say what there is at the place that the first `depth` keys lead to."""
    where, asked = ".".join(keys[:depth]), ".".join(keys)
    if not isinstance(place, dict):
        raise BadRunConfig(f"{where} is a single value; there is no {asked}.", f"Set {where}=...")
    inside = {key: f"{key}.…" if isinstance(value, dict) else key for key, value in place.items()}
    known = ", ".join(f"{where}.{key}" if where else inside[key] for key in place)
    what = f"There is no setting {asked!r}." if depth < len(keys) else f"{asked} is no one setting."
    raise BadRunConfig(what, f"There is: {known}.")


def _dotted(values: dict[str, Any], location: Sequence[int | str]) -> str:
    """A pydantic error's place as the user writes it: without the names of union members."""
    keys: list[str] = []
    place: Any = values
    for part in location:
        if isinstance(place, dict) and part in place:
            keys.append(str(part))
            place = place[part]
    return ".".join(keys)
