"""The user's own task and the capacity probe (MQAR): a sentence and a table each."""

from __future__ import annotations

from app import components as ui
from app.numbers import count, fraction
from app.text import sentences, t, tn
from engine.data.ingest import Corpus
from engine.evidence.mqar_parts import Mqar
from engine.evidence.results import Comparison
from engine.evidence.stats import Interval
from engine.evidence.task_parts import TaskMetric, TaskScore

_SHOWN_ANSWERS = 3


def section(comparison: Comparison, lang: str) -> str:
    """Both sections as HTML; empty where neither was measured."""
    task, mqar = comparison.task, comparison.mqar
    return (_task(task, lang) if task else "") + (_mqar(mqar, lang) if mqar else "")


def facts(corpus: Corpus, lang: str) -> list[tuple[str, str]]:
    """How the data page says that the rows are tasks; nothing where they are text."""
    if corpus.task is None:
        return []
    columns = {"prompt": corpus.task.prompt_column, "reference": corpus.task.reference_column}
    return [(t("task.fact", lang), t("task.fact_value", lang, **columns))]


def _task(found: TaskScore, lang: str) -> str:
    return (
        ui.section(t("task.title", lang), t("task.text", lang))
        + ui.reading(reading(found, lang))
        + _scores(found, lang)
        + ui.bullets(_remarks(found, lang))
        + ui.folded(t("task.answers", lang), _answers(found, lang))
    )


def reading(found: TaskScore, lang: str) -> str:
    """What the conversion costs on the task, in one sentence: ROUGE-L against the control, or the
    original where there is none."""
    metric = next(one for one in found.metrics if one.metric == "rouge_l")
    party = "original" if metric.control is None else "control"
    change = metric.change if metric.control is None else metric.change_from_control
    values = {
        "who": t(f"task.who.{party}", lang), "mine": _points(metric.converted),
        "theirs": _points(metric.original if metric.control is None else metric.control),
    }  # fmt: skip
    if not found.judged:
        return t("task.reading.not_judged", lang)
    if change is None:
        return tn("task.reading.few", lang, found.documents, **values)
    look = "worse" if change.high < 0 else "better" if change.low > 0 else "open"
    ends = {"low": _signed(change.low), "high": _signed(change.high)}
    return tn(f"task.reading.{look}", lang, change.n, **values, **ends)


def _scores(found: TaskScore, lang: str) -> str:
    def row(metric: TaskMetric) -> list[str]:
        change = metric.change if metric.control is None else metric.change_from_control
        return [
            t(f"task.metric.{metric.metric}", lang), _points(metric.original),
            _points(metric.control), _points(metric.converted), _interval(change, lang),
        ]  # fmt: skip

    columns = [
        t("task.column.score", lang), t("party.original", lang), t("party.control", lang),
        t("party.converted", lang), t("task.column.change", lang),
    ]  # fmt: skip
    return ui.table(columns, [row(one) for one in found.metrics], caption=t("task.title", lang))


def _remarks(found: TaskScore, lang: str) -> list[str]:
    said = [
        tn("task.asked", lang, found.documents, heldout=count(found.heldout_documents),
           new=count(found.new_tokens)),
        t(f"task.tokens.{found.tokens}", lang),
    ]  # fmt: skip
    if found.prompts_cut:
        said.append(tn("task.cut", lang, found.prompts_cut))
    if found.references_longer:
        said.append(tn("task.longer", lang, found.references_longer))
    return [*said, t("task.how", lang)]


def _answers(found: TaskScore, lang: str) -> str:
    rows = [
        (one.prompt_tail, one.reference, one.original, one.control or "–", one.converted)
        for one in found.answers[:_SHOWN_ANSWERS]
    ]
    columns = [
        t("task.column.prompt", lang), t("task.column.reference", lang), t("party.original", lang),
        t("party.control", lang), t("party.converted", lang),
    ]  # fmt: skip
    return ui.table(columns, rows, caption=t("task.answers", lang), prose=True)


def _mqar(found: Mqar, lang: str) -> str:
    rows = [
        (
            count(size.pairs), fraction(size.original, size.queries),
            fraction(size.control, size.queries), fraction(size.converted, size.queries),
            _interval(size.change, lang) if size.judged else t("mqar.not_judged", lang),
        )
        for size in found.sizes
    ]  # fmt: skip
    columns = [
        t("mqar.pairs", lang), t("party.original", lang), t("party.control", lang),
        t("party.converted", lang), t("mqar.change", lang),
    ]  # fmt: skip
    return (
        ui.section(t("mqar.title", lang), t("mqar.text", lang))
        + ui.reading(mqar_reading(found, lang))
        + ui.table(columns, rows, caption=t("mqar.title", lang))
    )


def mqar_reading(found: Mqar, lang: str) -> str:
    """Up to how many pairs each model answers at least half of what the original can."""
    judged = [size for size in found.sizes if size.judged]
    if not judged:
        return t("mqar.reading.none", lang)
    most = judged[-1]
    kept = [size.pairs for size in judged if 2 * size.converted >= size.queries]
    said = t("mqar.reading.original", lang, pairs=count(most.pairs))
    mine = t("mqar.reading.converted", lang, pairs=count(kept[-1])) if kept else (
        t("mqar.reading.lost", lang))  # fmt: skip
    return sentences(lang, [said, mine])


def _points(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"


def _signed(value: float) -> str:
    return f"{value:+.1f}".replace("-", "−")


def _interval(change: Interval | None, lang: str) -> str:
    if change is None:
        return "–"
    return t(
        "task.interval", lang, change=_signed(change.estimate), low=_signed(change.low),
        high=_signed(change.high),
    )  # fmt: skip
