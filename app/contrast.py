"""Two runs or more side by side: which settings differ, and what came out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app import components as ui
from app import notes, seed_words
from app.numbers import percent, perplexity, times
from app.text import t, texts
from engine.dotted import flattened
from engine.evidence.results import Comparison
from engine.evidence.savings import cache_sizes, speed_ratios
from engine.evidence.seeds import Trained, alike_but_seed, over_seeds
from engine.runs.records import Run

_WORDS = {
    "model": "convert.model", "data": "convert.data", "method.name": "convert.method",
    "kept.every": "convert.keep_every", "recipe_name": "convert.recipe", "seed": "convert.seed",
}  # fmt: skip
_UNREAD = ("gates_sha256",)


def differing(configs: Sequence[dict[str, Any]]) -> list[tuple[str, list[Any]]]:
    """Dotted names of the settings that are not the same in all, with each one's value."""
    flat = [flattened(config) for config in configs]
    names = dict.fromkeys(name for one in flat for name in one)
    rows = [(name, [one.get(name) for one in flat]) for name in names if name not in _UNREAD]
    return [(name, values) for name, values in rows if any(v != values[0] for v in values)]


def table(runs: Sequence[tuple[str, Run, Comparison | None]], lang: str) -> str:
    """Settings that differ and results, a column for each run, as HTML.

    Args:
        runs: what each is called, its row, and its comparison once it is done.
    """
    names = [name for name, _, _ in runs]
    rows = [
        (_label(name, lang), *(_shown(name, value, lang) for value in values))
        for name, values in differing([run.config for _, run, _ in runs])
    ]
    columns = [t("contrast.setting", lang), *names]
    settings = (
        ui.table(columns, rows, caption=t("contrast.settings", lang), words=True)
        if rows
        else ui.reading(t("contrast.same", lang))
    )
    results = [
        (t(f"contrast.{kind}", lang), *(_result(kind, one, lang) for _, _, one in runs))
        for kind in ("verdict", "perplexity", "change", "agreement", "memory", "speed")
    ]
    columns = [t("contrast.result", lang), *names]
    return (
        _seeds(runs, lang)
        + ui.section(t("contrast.settings", lang), level=3)
        + settings
        + ui.section(t("contrast.results", lang), t("contrast.results_text", lang), level=3)
        + ui.table(columns, results, caption=t("contrast.results", lang), words=True)
    )


def _seeds(runs: Sequence[tuple[str, Run, Comparison | None]], lang: str) -> str:
    """What those of the runs say together that differ by their seed alone."""
    trained = [
        Trained(name, run.config, comparison) for name, run, comparison in runs if comparison
    ]
    told = [
        ui.reading(seed_words.told(over_seeds(group), lang)) for group in alike_but_seed(trained)
    ]
    return ui.section(t("contrast.seeds", lang), level=3) + "".join(told) if told else ""


def _label(name: str, lang: str) -> str:
    """A setting in the page's words, where it has any."""
    keys = (_WORDS.get(name, ""), f"goal.field.{name.split('.')[-1]}")
    return next((texts(lang)[key] for key in keys if key in texts(lang)), name)


def _shown(name: str, value: Any, lang: str) -> str:
    if name == "recipe_name":
        return notes.recipe(value, lang) or "–"
    return "–" if value is None or value == "" or value == [] else str(value)


def _result(kind: str, comparison: Comparison | None, lang: str) -> str:
    if comparison is None:
        return "–"
    quality = comparison.quality
    mine, theirs = quality.converted.perplexity, quality.original.perplexity
    if kind == "verdict":
        found = comparison.verdict
        return t(f"verdict.word.{found.verdict}", lang) if found else t("verdict.none", lang)
    if kind == "perplexity":
        return perplexity(mine)
    if kind == "change":
        if not mine or not theirs or quality.guesses(quality.original):
            return "–"
        return percent(mine / theirs - 1, 1, lang=lang)
    if kind == "agreement":
        return percent(quality.top1_agreement, 1, lang=lang)
    if kind == "speed":
        ratios = speed_ratios(comparison.speed.decode)
        return times(ratios[-1][1], lang=lang) if ratios else "–"
    kept = cache_sizes(comparison.memory)
    return times(kept[-1].ratio, lang=lang) if kept else "–"
