"""Which part of the converted attention does the work: a label, a sentence and the numbers."""

from __future__ import annotations

from app import components as ui
from app.numbers import count, fraction, number, percent, perplexity
from app.text import sentences, t, tn
from engine.evidence.inner_parts import IDLE_NATS, Ablation, idle_below
from engine.evidence.results import Comparison


def section(comparison: Comparison, lang: str) -> str:
    """The whole section as HTML; empty for a method without parts, and for older comparisons."""
    if comparison.ablation is None:
        return ""
    found = comparison.ablation
    return (
        ui.section(t("inside.title", lang), t("inside.text", lang), more=t("glossary.inside", lang))
        + ui.notice(
            "bad" if found.linear_branch == "idle" else "info",
            t(f"inside.linear.{found.linear_branch or 'unknown'}", lang),
            sentence(found, lang),
        )
        + ui.folded(t("compare.table", lang), _table(comparison, found, lang))
    )


def sentence(found: Ablation, lang: str) -> str:
    """What the linear part is worth, in quality and in facts."""
    if found.linear_nats is None:
        worth = t("inside.worth.unknown", lang)
    elif found.linear_nats <= 0:
        worth = t("inside.worth.none", lang, nats=number(found.linear_nats, 2))
    elif found.linear_share is None:
        worth = t("inside.worth.nats", lang, nats=number(found.linear_nats, 2))
    else:
        worth = t(
            "inside.worth.share", lang, share=percent(found.linear_share, 1, lang),
            nats=number(found.linear_nats, 2),
        )  # fmt: skip
    said = [worth]
    if found.linear_interval:
        low, high = found.linear_interval.low, found.linear_interval.high
        said.append(tn(
            "inside.interval", lang, found.linear_interval.n, low=number(low, 2),
            high=number(high, 2),
        ))  # fmt: skip
    if found.linear_branch == "undecided":
        documents = found.linear_interval.n if found.linear_interval else 0
        said.append(t(
            "inside.undecided", lang, idle=number(idle_below(documents), 1),
            works=number(IDLE_NATS, 1),
        ))  # fmt: skip
    if not found.questions:
        return sentences(lang, [*said, t("inside.facts.none", lang)])
    said.append(t(
        "inside.facts.some", lang, n=count(found.questions), full=count(found.recalled),
        without=count(found.recalled_without_linear),
        baseline=count(found.recalled_by_window_and_sinks),
    ))  # fmt: skip
    return sentences(lang, said)


def _table(comparison: Comparison, found: Ablation, lang: str) -> str:
    rows = [
        (t("inside.row.whole", lang), comparison.quality.converted, found.recalled),
        (t("inside.row.without_linear", lang), found.without_linear, found.recalled_without_linear),
        (t("inside.row.baseline", lang), found.window_and_sinks,
         found.recalled_by_window_and_sinks),
        (t("inside.row.without_window", lang), found.without_window, None),
        (t("inside.row.shuffled", lang), found.shuffled_features, None),
        (t("inside.row.without_both", lang), found.without_both, None),
    ]  # fmt: skip
    cells = [
        (name, perplexity(scores.perplexity),
         fraction(recalled if found.questions else None, found.questions))
        for name, scores, recalled in rows
        if scores is not None
    ]  # fmt: skip
    columns = [t("table.stage", lang), t("unit.perplexity", lang), t("inside.facts_column", lang)]
    return ui.table(columns, cells, caption=t("inside.title", lang))
