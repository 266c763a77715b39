"""Step 3: what the run would take, by a dry run of a few steps on the chosen model and data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from app import components as ui
from app import notes, problems
from app.numbers import count, duration, money, size
from app.pages import convert
from app.text import t, tn
from engine.errors import EngineError, RunBusy
from engine.runs import estimating


def estimated(*form: Any, lang: str) -> Iterator[list[Any]]:
    """The button, and what is said below it, while the dry run goes and after it.

    Args:
        form: as of `convert.create_and_start`.
        lang: the page's language.
    """
    off, on = gr.update(interactive=False), gr.update(interactive=True)
    name = t("estimate.title", lang)
    yield [off, ui.bar(None, name, [t("estimate.part.starting", lang)])]
    try:
        with problems.guard():
            config, path = convert.settings(*form, lang=lang)
            for said in estimating.watch(config, path):
                if said["kind"] == "estimate":
                    yield [on, told(said, lang)]
                else:
                    yield [off, ui.bar(None, name, [t(f"estimate.part.{said['part']}", lang)])]
    except RunBusy:
        yield [on, ui.notice("warn", t("estimate.busy", lang), t("estimate.busy_text", lang))]
    except EngineError as error:
        yield [on, problems.box(error, lang)]


def told(found: dict[str, Any], lang: str) -> str:
    """The estimate as HTML: a row for each recipe, and what it is based on."""
    dry, rows = found["dry"], []
    for name, one in found["recipes"].items():
        cost, currency = one["money"], one["currency"]
        rows.append((
            t(f"recipe.name.{name}", lang),
            _between([duration(one["total_s"][end], lang) for end in ("low", "high")], lang),
            _between([size(one["memory_bytes"][end]) for end in ("low", "high")], lang),
            t("estimate.no_prices", lang) if cost is None else _between(
                [money(cost[end], currency, lang) for end in ("low", "high")], lang),
        ))  # fmt: skip
    columns = ("recipe", "time", "memory", "money")
    basis = t(
        "estimate.basis", lang, took=duration(dry["took_s"], lang), device=dry["device"],
        steps=count(dry["steps"]), layers=f"{dry['converted_layers']} / {dry['layers']}",
        method=dry["method"], parameters=count(dry["parameters"]),
        tokens=tn("unit.tokens", lang, dry["train_tokens"]),
    )  # fmt: skip
    once = [
        (t("estimate.once", lang), money(one["once"], one["currency"], lang))
        for one in found["recipes"].values() if one.get("once")
    ][:1]  # whatever the recipe
    return (
        "".join(
            ui.notice("warn", t("estimate.doubt", lang), notes.told(text, lang))
            for text in dry.get("warnings", ())
        )
        + ui.notice("good", t("estimate.fits", lang))
        + ui.table(
            [t(f"estimate.column.{column}", lang) for column in columns], rows,
            caption=t("estimate.title", lang), words=True,
        )
        + (ui.facts(once) if once else "")
        + ui.reading(basis)
    )  # fmt: skip


def _between(ends: list[str], lang: str) -> str:
    low, high = ends
    return low if low == high else t("estimate.between", lang, low=low, high=high)
