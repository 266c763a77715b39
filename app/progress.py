"""A run's row and events as the live view shows them, without Gradio."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from app import components as ui
from app import gauges, memory_meter, notes
from app.gauges import StageLook
from app.numbers import count, duration, percent
from app.tables import part_of
from app.text import t
from engine.events import STAGES
from engine.runs.records import Run, RunEvent

_TRANSFER_READINGS = 10
"""Each is of one batch: the mean of so many says how far it is."""

_TIMING_SHARE = 0.6
"""What the last part of a comparison, speed and memory, usually takes of all its time."""
_ALMOST_S = 2.0
"""Less than this to go is no time to count."""

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
    part_began_at: float = 0.0
    ends_at: float | None = None
    """When the comparison will be done, as the engine reckoned last; None where it did not."""
    began_at: float | None = None
    """When the first worker began its first stage; earlier events are of the run's creation."""
    again: set[int] = field(default_factory=set)
    """Numbers of the events by which a resumed run enters a stage once more."""
    memory: dict[str, Any] = field(default_factory=dict)
    """The last reading of the worker's memory, with the highest of the run on the same device
    (`engine.runs.in_use`); empty before the first."""
    _peaks: dict[str, int] = field(default_factory=dict)
    _stages: set[str] = field(default_factory=set)

    def add(self, events: Iterable[RunEvent]) -> Seen:
        """Read further events; those read before are passed over. Returns itself."""
        for event in events:
            if event.seq <= self.seq:
                continue
            self.seq = event.seq
            if event.kind == "stage" and self.began_at is None:
                self.began_at = event.at
            if event.kind == "stage" and event.stage in self._stages:
                self.again.add(event.seq)
            self._stages |= {event.stage} if event.kind == "stage" else set()
            if event.kind == "loss":
                self._add_losses(event)
            elif event.kind == "progress":
                part, left = str(event.values.get("part", "")), event.values.get("left_s")
                if part != self.part:
                    self.part, self.part_began_at = part, event.at
                self.ends_at = None if left is None else event.at + left
            elif event.kind == "memory":
                # A worker that is to use a GPU is read as any process until it does.
                device, peak = event.values["device"], event.values["peak_bytes"]
                self._peaks[device] = max(peak, self._peaks.get(device, 0))
                self.memory = {**event.values, "peak_bytes": self._peaks[device]}
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
    return gauges.stages(steps)


def status(run: Run, seen: Seen, lang: str, now: float | None = None) -> str:
    """State, stage strip, progress bar, elapsed time and time left, or why the run stopped."""
    parts = [stage_strip(run, lang)]
    if run.working:
        parts.append(_bar(run, seen, lang, time.time() if now is None else now))
        parts.append(memory_meter.now(seen.memory, lang))
    else:
        parts.append(_ending(run, lang))
        parts.append(memory_meter.highest(seen.memory, lang))
    return "".join(parts)


def _bar(run: Run, seen: Seen, lang: str, now: float) -> str:
    share = run.step / run.total if run.total else None
    left, comparing = run.eta_seconds(now), run.state == "comparing"
    lines = [t(f"state.{run.state}", lang)]
    if run.cancel_requested_at is not None:
        lines = [t("live.cancelling", lang)]
    if seen.part and comparing:
        lines.append(t("live.part", lang, part=part_of(seen.part, lang)))
    if run.total:
        step, total = count(run.step), count(run.total)
        lines.append(t("live.parts" if comparing else "live.step", lang, step=step, total=total))
    if run.started_at:
        # `started_at` is this worker's: a resumed run has worked before.
        resumed = seen.began_at is not None and seen.began_at < run.started_at
        spent = duration(now - run.started_at, lang=lang)
        lines.append(t("live.elapsed_again" if resumed else "live.elapsed", lang, time=spent))
    if comparing:
        left = None if seen.ends_at is None else max(0.0, seen.ends_at - now)
        last = 0 < run.total <= run.step + 1
        if last:
            share = _timed(left, now - seen.part_began_at)
        elif share is not None:
            share *= 1 - _TIMING_SHARE
        if left is None:
            lines.append(t("live.longest" if last else "live.longest_last", lang))
    if comparing and left is not None and left < _ALMOST_S:
        lines.append(t("live.almost", lang))
    elif left is not None:
        lines.append(t("live.left", lang, time=duration(left, lang=lang)))
    return ui.bar(share, t("live.progress", lang), lines)


def _timed(left: float | None, spent: float) -> float:
    """How far a comparison is whose last part has taken `spent` seconds and takes `left` more."""
    done = 0.0 if left is None else spent / max(spent + left, 1e-9)
    return 1 - _TIMING_SHARE * (1 - done)


def _ending(run: Run, lang: str) -> str:
    took = duration(sum(run.timings.values()), lang=lang) if run.timings else "–"
    if run.state == "done":
        return ui.notice("good", t("state.done", lang), t("live.done", lang, time=took))
    reason = notes.stopped(run.error_message, run.error_hint, lang)
    tone = "bad" if run.state == "failed" else "warn"
    if run.state == "cancelled" and not run.begun:
        reason = t("live.cancelled_early", lang)
    return ui.notice(tone, t(f"state.{run.state}", lang), reason or t(f"live.{run.state}", lang))


def transfer_reading(points: Sequence[tuple[float, float]], run: Run, lang: str) -> str:
    """How far the mixers still are, or were in the end, from the original's attention output."""
    if not points:
        return ""
    when = "now" if run.working and run.stage in (None, "preparing", "transferring") else "ended"
    last = [error for _, error in points[-_TRANSFER_READINGS:]]
    error = percent(fmean(last), lang=lang)
    return t(f"live.reading.transfer.{when}", lang, n=count(len(last)), error=error)


def reading(found: Series, run: Run, lang: str) -> str:
    """Where the student's best reading on held-back text, the one it keeps, is to the teacher."""
    validation, teacher = found.get("validation"), found.get("teacher")
    if not validation or not teacher:
        return t("live.reading.waiting" if run.working else "live.reading.none", lang)
    step, best = min(validation, key=lambda point: (point[1], point[0]))
    gap = best - teacher[-1][1]
    side, when = "above" if gap > 0 else "below", "now" if run.working else "ended"
    if f"{abs(gap):.3f}" == f"{0:.3f}":
        side = "level"
    return t(
        f"live.reading.{side}.{when}", lang, student=f"{best:.3f}", step=count(int(step)),
        teacher=f"{teacher[-1][1]:.3f}", gap=f"{abs(gap):.3f}",
    )  # fmt: skip


def log(seen: Seen, lang: str) -> str:
    """Notes, warnings and stages, newest first, with the time of day (UTC)."""
    lines = [
        (
            time.strftime("%H:%M:%S", time.gmtime(event.at)),
            t("live.warning", lang) if event.kind == "warning" else "",
            notes.told(str(event.values.get("text", "")), lang) if event.kind != "stage"
            else t("live.stage_again" if event.seq in seen.again else "live.stage_began", lang,
                   stage=t(f"stage.{event.stage}", lang)),
        )
        for event in seen.lines
    ]  # fmt: skip
    return gauges.log(reversed(lines), name=t("live.log", lang))
