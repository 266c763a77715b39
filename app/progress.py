"""A run's row and events as the live view shows them: pure functions, no Gradio."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from app import components as ui
from app.components import StageLook
from app.numbers import count, duration, percent
from app.text import t
from engine.events import STAGES
from engine.runs.records import Run, RunEvent

Series = dict[str, list[tuple[float, float]]]

LOG_LINES = 60
"""Newest lines shown; the full log stays in the run's folder."""


def stage_strip(run: Run, lang: str) -> str:
    """The four working stages with the time each took."""
    reached = STAGES.index(run.stage) if run.stage in STAGES else -1
    steps: list[tuple[str, str, StageLook]] = []
    for i, stage in enumerate(STAGES):
        look: StageLook = "ahead"
        if run.state == "done" or i < reached:
            look = "past"
        elif i == reached:
            look = "now" if run.working else "stopped"
        took = (
            duration(run.timings[stage]) if stage in run.timings else t(f"live.look.{look}", lang)
        )
        steps.append((t(f"stage.{stage}", lang), took, look))
    return ui.stages(steps)


def status(run: Run, lang: str, now: float | None = None) -> str:
    """State, stage strip, progress bar, elapsed time and time left, or why the run stopped."""
    parts = [stage_strip(run, lang)]
    if run.working:
        parts.append(_bar(run, lang, time.time() if now is None else now))
    else:
        parts.append(_ending(run, lang))
    return "".join(parts)


def _bar(run: Run, lang: str, now: float) -> str:
    share = run.step / run.total if run.total else None
    lines = [t(f"state.{run.state}", lang)]
    if run.cancel_requested_at is not None:
        lines = [t("live.cancelling", lang)]
    if run.total:
        lines.append(t("live.step", lang, step=count(run.step), total=count(run.total)))
    if run.started_at:
        lines.append(t("live.elapsed", lang, time=duration(now - run.started_at)))
    left = run.eta_seconds(now)
    if left is not None:
        lines.append(t("live.left", lang, time=duration(left)))
    return ui.bar(share, t("live.progress", lang), lines)


def _ending(run: Run, lang: str) -> str:
    took = duration(sum(run.timings.values())) if run.timings else "–"
    if run.state == "done":
        return ui.notice("good", t("state.done", lang), t("live.done", lang, time=took))
    reason = " ".join(part for part in (run.error_message, run.error_hint) if part)
    tone = "bad" if run.state == "failed" else "warn"
    return ui.notice(tone, t(f"state.{run.state}", lang), reason or t(f"live.{run.state}", lang))


def series(events: Iterable[RunEvent]) -> Series:
    """Loss readings by name: transfer, train, validation, control, teacher; x is the step.

    A resumed run reports some steps twice; the later reading counts.
    """
    found: dict[str, dict[float, float]] = {}
    for event in events:
        if event.kind != "loss":
            continue
        values = event.values
        control = values.get("track") == "control"
        names = {
            "transfer_loss": "transfer",
            "train_loss": "" if control else "train",
            "validation_loss": "control" if control else "validation",
            "control_loss": "control",
            "teacher_loss": "teacher",
        }
        for name, key in names.items():
            value = values.get(name)
            if key and isinstance(value, int | float):
                found.setdefault(key, {})[float(event.step)] = float(value)
    return {key: sorted(points.items()) for key, points in found.items()}


def transfer_reading(points: Sequence[tuple[float, float]], lang: str) -> str:
    """How much of the teacher's attention output the mixers still miss."""
    return t("live.reading.transfer", lang, error=percent(points[-1][1])) if points else ""


def reading(found: Series, lang: str) -> str:
    """Where the student stands against the teacher on held-back text."""
    validation, teacher = found.get("validation"), found.get("teacher")
    if not validation or not teacher:
        return t("live.reading.waiting", lang)
    gap = validation[-1][1] - teacher[-1][1]
    return t(
        "live.reading.above" if gap > 0 else "live.reading.below", lang,
        student=f"{validation[-1][1]:.3f}", teacher=f"{teacher[-1][1]:.3f}", gap=f"{abs(gap):.3f}",
    )  # fmt: skip


def log(events: Sequence[RunEvent], lang: str) -> str:
    """Notes and warnings, newest first, with the time of day (UTC)."""
    lines = [
        (
            time.strftime("%H:%M:%S", time.gmtime(event.at)),
            t("live.warning", lang) if event.kind == "warning" else "",
            str(event.values.get("text", "")) if event.kind != "stage"
            else t("live.stage_began", lang, stage=t(f"stage.{event.stage}", lang)),
        )
        for event in events
        if event.kind in ("note", "warning", "stage")
    ]  # fmt: skip
    return ui.log(reversed(lines[-LOG_LINES:]), name=t("live.log", lang))
