"""Controls on request as HTML: the table beside the converted model, and what each tells."""

from __future__ import annotations

import time

from app import components as ui
from app import notes
from app.numbers import count, duration, fraction, number, perplexity
from app.text import sentences, t, tn
from engine.evidence.control_parts import (
    QUESTION,
    ControlName,
    ControlResult,
    Controls,
    worth,
)
from engine.evidence.parts import ModelRecall
from engine.evidence.results import Comparison
from engine.evidence.stats import Interval
from engine.runs.control_progress import Progress


def name(control: ControlName, lang: str) -> str:
    """What a control is, in words."""
    return t(f"controls.name.{control}", lang)


def table(found: Controls, comparison: Comparison, lang: str) -> str:
    """All controls of a run with a sentence on each; a sentence alone where there are none."""
    if not found.controls:
        return ui.notice("info", t("controls.none", lang))
    columns = [t(f"controls.column.{column}", lang) for column in (
        "control", "steps", "perplexity", "facts", "lost", "interval", "facts_lost")]  # fmt: skip
    first = (
        t("party.converted", lang), "–", perplexity(comparison.quality.converted.perplexity),
        _facts(comparison.recall.converted), "–", "–", "–",
    )  # fmt: skip
    rows = [first, *(_row(one, lang) for one in found.controls)]
    said = [sentence(one, comparison.conversion.method, lang) for one in found.controls]
    return (
        ui.table(columns, rows, caption=t("controls.title", lang))
        + ui.bullets(said)
        + ui.inline([t("controls.how", lang)])
    )


def _row(control: ControlResult, lang: str) -> tuple[str, ...]:
    return (
        name(control.name, lang), count(control.steps), perplexity(control.quality.perplexity),
        _facts(control.recall), number(control.lost_nats), _range(control.lost_interval, lang),
        _points(control.lost_facts, lang),
    )  # fmt: skip


def _facts(recall: ModelRecall | None) -> str:
    return "–" if recall is None else fraction(*recall.total)


def _range(interval: Interval | None, lang: str) -> str:
    if interval is None:
        return "–"
    return t("controls.range", lang, low=number(interval.low), high=number(interval.high))


def _points(interval: Interval | None, lang: str) -> str:
    if interval is None:
        return "–"
    points = interval.mapped(lambda share: 100 * share)
    return t("controls.points", lang, points=number(points.estimate), range=_range(points, lang))


def sentence(control: ControlResult, method: str, lang: str) -> str:
    """What the thing left out, or the run's own method, is shown to be worth."""
    if control.lost_nats is None:
        return t("controls.reading.unknown", lang, control=name(control.name, lang))
    said = t(
        f"controls.reading.{QUESTION[control.name]}.{worth(control)}", lang,
        nats=number(abs(control.lost_nats)), method=method, rival=control.method,
    )  # fmt: skip
    interval = control.lost_interval
    if interval is None:
        return said
    low, high = number(interval.low), number(interval.high)
    return sentences(lang, [said, tn("inside.interval", lang, interval.n, low=low, high=high)])


def status(progress: Progress | None, lang: str, now: float | None = None) -> str:
    """Where the worker stands, or why it stopped; empty where there is nothing to say."""
    if progress is None or progress.state == "done":
        return ""
    if progress.state == "working":
        return _bar(progress, lang, time.time() if now is None else now)
    said = notes.stopped(progress.message, progress.hint, lang)
    tone = "bad" if progress.state == "failed" else "warn"
    return ui.notice(
        tone, t(f"state.{progress.state}", lang), said or t("controls.stopped", lang)
    )


def _bar(progress: Progress, lang: str, now: float) -> str:
    spent = now - progress.began_at
    lines = [_doing(progress.part, lang)]
    share = progress.step / progress.total if progress.total else None
    if progress.total:
        lines.append(
            t("live.step", lang, step=count(progress.step), total=count(progress.total))
        )
    lines.append(t("live.elapsed", lang, time=duration(spent, lang=lang)))
    return ui.bar(share, t("controls.title", lang), lines)


def _doing(part: str, lang: str) -> str:
    """What is at work, from the engine's "control: stage"."""
    control, _, stage = part.partition(": ")
    if not stage:
        return t("controls.waiting" if control == "waiting" else "controls.loading", lang)
    return t(
        "controls.at_work", lang, control=t(f"controls.name.{control}", lang),
        stage=t(f"controls.stage.{stage.replace(' ', '-')}", lang),
    )  # fmt: skip
