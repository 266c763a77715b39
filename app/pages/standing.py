"""The frontier on the last step: this run among all finished runs of its model and data."""

from __future__ import annotations

import gradio as gr

from app import frontier, problems
from app.blocks import PairBlock, pair_block
from app.frontier import Peers
from app.pages import data, history
from app.text import t
from engine.errors import EngineError
from engine.evidence.results import Comparison
from engine.runs import service
from engine.runs.records import Run

MOST_RUNS = 40
"""Each is a file to read while the page waits: the newest so many."""


def build(lang: str) -> PairBlock:
    """Lay the section out, empty."""
    return pair_block(t("frontier.title", lang), more=t("glossary.frontier", lang))


def values(panel: PairBlock, run: Run, result: Comparison, lang: str) -> list[object]:
    """Values for `panel.outputs()`."""
    try:
        with problems.guard():
            peers = peers_of(run, result, lang)
    except EngineError as error:
        return [gr.update(visible=True), None, None, problems.box(error, lang)]
    found = frontier.figures(peers, lang)
    return panel.update(found, frontier.reading(peers, lang), frontier.table(peers, lang))


def peers_of(run: Run, result: Comparison, lang: str) -> Peers:
    """All finished runs of the same weights on the same file, read and split alike; this one
    first."""
    names, results = {run.id: history.title(run, lang)}, {run.id: result}
    others = [other for other in service.list_runs() if _may_belong(other, run)]
    for other in others[:MOST_RUNS]:
        content = service.comparison(other.id)
        if content and content["dataset"].get("sha256") == result.dataset.get("sha256"):
            names[other.id] = history.title(other, lang)
            results[other.id] = Comparison.model_validate(content)
    return Peers(run.id, names, results)


def _may_belong(other: Run, run: Run) -> bool:
    same = ("model", "weights_sha256", "revision", "data_seed", *data.READING)
    return (
        other.id != run.id and other.state == "done"
        # A run from before a setting existed has none of it.
        and all((other.config.get(name) or None) == (run.config.get(name) or None) for name in same)
    )  # fmt: skip
