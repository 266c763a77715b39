"""The annexes of the user's own task and of the capacity probe."""

from __future__ import annotations

from engine.evidence.stats import Interval
from engine.report import notes
from engine.report.model import Section, Table
from engine.report.source import Source
from engine.report.words import NONE, Words

_PARTIES = ("original", "control", "converted")


def task(source: Source, words: Words) -> Section | None:
    """Scores of the task and the change that the conversion makes; none without a task."""
    found = source.comparison.task
    if found is None:
        return None
    against = "control" if found.metrics[0].control is not None else "original"
    rows = [
        (
            words(f"score.{one.metric}"),
            *(words.number(getattr(one, party), 1) for party in _PARTIES),
            *_change(one.change if against == "original" else one.change_from_control, words),
            # sacrebleu's signatures are one long word, which no column could hold.
            one.settings.replace("|", " | "),
        )
        for one in found.metrics
    ]  # fmt: skip
    columns = (
        words("column.score"), *(words(f"party.{party}") for party in _PARTIES),
        words("column.change", party=words(f"party.{against}")), words("column.interval"),
        words("column.how"),
    )  # fmt: skip
    return Section(
        title=words("annex.task"),
        paragraphs=(words("annex.task_text" if found.judged else "annex.task_not_judged"),
                    *notes.task(source, words)),
        tables=(Table(words("table.task"), columns, tuple(rows)),),
    )  # fmt: skip


def mqar(source: Source, words: Words) -> Section | None:
    """Key-value pairs kept apart; none where it was not asked for."""
    found = source.comparison.mqar
    if found is None:
        return None
    rows = [
        (
            words.count(size.pairs),
            *(words.fraction(getattr(size, party), size.queries) for party in _PARTIES),
            *(_change(size.change, words) if size.judged else (words("not_judged"), NONE)),
        )
        for size in found.sizes
    ]  # fmt: skip
    columns = (
        words("column.pairs"), *(words(f"party.{party}") for party in _PARTIES),
        words("column.change", party=words("party.original")), words("column.interval"),
    )  # fmt: skip
    return Section(
        title=words("annex.mqar"), paragraphs=(words("annex.mqar_text"),
                                               *notes.mqar(source, words)),
        tables=(Table(words("table.mqar"), columns, tuple(rows)),),
    )  # fmt: skip


def _change(change: Interval | None, words: Words) -> tuple[str, str]:
    if change is None:
        return NONE, NONE
    low, high = (words.number(end, 1, sign=True) for end in (change.low, change.high))
    return words.number(change.estimate, 1, sign=True), words("interval_cell", low=low, high=high,
                                                              n=words.count(change.n))  # fmt: skip
