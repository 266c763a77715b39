"""A run's row and events as the live view shows them, without Gradio."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from app import components as ui
from app import notes
from app.components import StageLook
from app.numbers import count, duration, percent
from app.tables import part_of
from app.text import t
from engine.events import STAGES
from engine.runs.records import Run, RunEvent

Series = dict[str, list[tuple[float, float]]]

LOG_LINES = 60
"""Newest lines shown; the full log stays in the run's folder."""


@dataclass
class Seen:
    """What a visitor's page has read of a run's events, so that each event is read once."""

    run_id: str = ""
    seq: int = 0
    """Number of the last event read."""
    losses: dict[str, dict[float, float]] = field(default_factory=dict)
    """Readings by name and step. A resumed run reports some steps twice: the later one counts."""
    lines: deque[RunEvent] = field(default_factory=lambda: deque(maxlen=LOG_LINES))
    """Newest events that are lines of the log."""
    part: str = ""
    """The part of the comparison at work, as the engine names it."""

    def add(self, events: Iterable[RunEvent]) -> Seen:
        """Read further events; those read before are passed over. Returns itself."""
        for event in events:
            if event.seq <= self.seq:
                continue
            self.seq = event.seq
            if event.kind == "loss":
                self._add_losses(event)
            elif event.kind == "progress":
                self.part = str(event.values.get("part", ""))
            else:
                self.lines.append(event)
        return self

    def _add_losses(self, event: RunEvent) -> None:
        values = event.values
        control = values.get("track") == "control"
        names = {
            "transfer_loss": "transfer",
            "train_loss": "" if control else "train",
            "validation_loss": "control" if control else "validation",
            "teacher_loss": "teacher",
        }
        for name, key in names.items():
            value = values.get(name)
            if key and isinstance(value, int | float):
                self.losses.setdefault(key, {})[float(event.step)] = float(value)

    def series(self) -> Series:
        """Loss readings by name: transfer, train, validation, control, teacher; x is the step."""
        return {key: sorted(points.items()) for key, points in self.losses.items()}


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
            duration(run.timings[stage], lang=lang)
            if stage in run.timings
            else t(f"live.look.{look}", lang)
        )
        steps.append((t(f"stage.{stage}", lang), took, look))
    return ui.stages(steps)


def status(run: Run, lang: str, now: float | None = None, *, part: str = "") -> str:
    """State, stage strip, progress bar, elapsed time and time left, or why the run stopped.

    part: what the comparison is measuring, as the engine names it.
    """
    parts = [stage_strip(run, lang)]
    if run.working:
        parts.append(_bar(run, lang, time.time() if now is None else now, part))
    else:
        parts.append(_ending(run, lang))
    return "".join(parts)


def _bar(run: Run, lang: str, now: float, part: str) -> str:
    share = run.step / run.total if run.total else None
    lines = [t(f"state.{run.state}", lang)]
    if run.cancel_requested_at is not None:
        lines = [t("live.cancelling", lang)]
    if part and run.state == "comparing":
        lines.append(t("live.part", lang, part=part_of(part, lang)))
    if run.total:
        lines.append(t("live.step", lang, step=count(run.step), total=count(run.total)))
    if run.started_at:
        lines.append(t("live.elapsed", lang, time=duration(now - run.started_at, lang=lang)))
    left = run.eta_seconds(now)
    if left is not None:
        lines.append(t("live.left", lang, time=duration(left, lang=lang)))
    return ui.bar(share, t("live.progress", lang), lines)


def _ending(run: Run, lang: str) -> str:
    took = duration(sum(run.timings.values()), lang=lang) if run.timings else "–"
    if run.state == "done":
        return ui.notice("good", t("state.done", lang), t("live.done", lang, time=took))
    reason = notes.stopped(run.error_message, run.error_hint, lang)
    tone = "bad" if run.state == "failed" else "warn"
    return ui.notice(tone, t(f"state.{run.state}", lang), reason or t(f"live.{run.state}", lang))


def transfer_reading(points: Sequence[tuple[float, float]], run: Run, lang: str) -> str:
    """How far the mixers still are, or were in the end, from the original's attention output."""
    if not points:
        return ""
    when = "now" if run.working and run.stage in (None, "preparing", "transferring") else "ended"
    return t(f"live.reading.transfer.{when}", lang, error=percent(points[-1][1], lang=lang))


def reading(found: Series, run: Run, lang: str) -> str:
    """Where the student's best reading on held-back text, the one it keeps, is to the teacher."""
    validation, teacher = found.get("validation"), found.get("teacher")
    if not validation or not teacher:
        return t("live.reading.waiting" if run.working else "live.reading.none", lang)
    step, best = min(validation, key=lambda point: (point[1], point[0]))
    gap = best - teacher[-1][1]
    side, when = "above" if gap > 0 else "below", "now" if run.working else "ended"
    return t(
        f"live.reading.{side}.{when}", lang, student=f"{best:.3f}", step=count(int(step)),
        teacher=f"{teacher[-1][1]:.3f}", gap=f"{abs(gap):.3f}",
    )  # fmt: skip


def log(events: Iterable[RunEvent], lang: str) -> str:
    """Notes and warnings, newest first, with the time of day (UTC)."""
    lines = [
        (
            time.strftime("%H:%M:%S", time.gmtime(event.at)),
            t("live.warning", lang) if event.kind == "warning" else "",
            str(event.values.get("text", "")) if event.kind != "stage"
            else t("live.stage_began", lang, stage=t(f"stage.{event.stage}", lang)),
        )
        for event in events
    ]  # fmt: skip
    return ui.log(reversed(lines), name=t("live.log", lang))
