"""The annex on a hybrid's parts: which of them does the work."""

from __future__ import annotations

from engine.evidence.inner_parts import Ablation
from engine.report.model import Section, Table
from engine.report.source import Source
from engine.report.words import Words


def parts(source: Source, words: Words) -> Section | None:
    """The whole model and the model without each part; None for a method without parts."""
    found = source.comparison.ablation
    if found is None:
        return None
    scores = (
        ("whole", source.comparison.quality.converted, found.recalled),
        ("without_linear", found.without_linear, found.recalled_without_linear),
        ("baseline", found.window_and_sinks, found.recalled_by_window_and_sinks),
        ("without_window", found.without_window, None),
        ("shuffled", found.shuffled_features, None),
        ("without_both", found.without_both, None),
    )
    rows = tuple(
        (words(f"part.{name}"), words.perplexity(one.perplexity),
         words.fraction(recalled if found.questions else None, found.questions))
        for name, one, recalled in scores if one is not None
    )  # fmt: skip
    columns = tuple(words(f"column.{name}") for name in ("model", "perplexity", "facts"))
    return Section(
        title=words("annex.parts"),
        paragraphs=(words("annex.parts_how"), words("list.sentence").join(_said(found, words))),
        tables=(Table(words("table.parts"), columns, rows),),
    )


def _said(found: Ablation, words: Words) -> list[str]:
    """The label, and what it rests on."""
    said = [words(f"linear.label.{found.linear_branch or 'unknown'}")]
    if found.linear_nats is None:
        return [*said, words("linear.not_finite")]
    said.append(words("linear.worth", nats=words.number(found.linear_nats, 4)))
    if found.linear_share is not None and found.linear_nats > 0:
        said.append(words("linear.share", share=words.percent(100 * found.linear_share, 1)))
    if interval := found.linear_interval:
        low, high = (words.number(end, 4) for end in (interval.low, interval.high))
        said.append(words.counted("linear.interval", interval.n, low=low, high=high))
    return said
