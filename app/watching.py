"""Both models answering at once, as the page shows it: panes, a chart of bytes, a sentence."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from app import answers, apart, charts, notes, problems, readings, tables
from app import components as ui
from app.answers import Legend, LiveView
from app.charts import Figure
from app.components import Party
from app.numbers import count, duration, number, size, times
from app.text import sentences, t, tn
from engine.errors import EngineError
from engine.runs import live

Shown = tuple[str, str, Figure | None, str, str]
"""Sentence, panes and chart, the chart's own sentence and its numbers."""

REDRAW_S = 0.4
"""Turns take milliseconds; a page redrawn for each would be slower than the models."""
SIDES: tuple[Party, Party] = ("original", "converted")


@dataclass
class Watched:
    """What one model has done so far."""

    weights_sha256: str
    attention: str
    turn: dict[str, Any] = field(default_factory=dict)
    pieces: list[str] = field(default_factory=list)
    """What each token added to the answer; "" for one that only begins a character."""
    points: list[tuple[int, int]] = field(default_factory=list)
    """Tokens in the cache, and its bytes."""

    def add(self, turn: dict[str, Any]) -> None:
        """Take in a further turn."""
        self.turn = turn
        if turn["tokens_written"] > len(self.pieces):
            self.pieces.append(turn["piece"])
        elif self.pieces:
            self.pieces[-1] += turn["piece"]  # what the end of the text still brought
        self.points.append((turn["tokens_read"] + turn["tokens_written"], turn["cache_bytes"]))


@dataclass
class Seen:
    """What has been seen so far: whoever stops it shows the last of it."""

    both: dict[Party, Watched] = field(default_factory=dict)
    said: str = ""
    under_way: bool = True


def watch(
    run_id: str, text: str, whole: bool, lang: str, seen: Seen, expected: str | None = None
) -> Iterator[Shown]:
    """What the page shows, again and again until both models have ended; the numbers come then: a
    table that is redrawn would close under one's eyes.

    Args:
        run_id: of the models.
        text: what both go on from.
        whole: all of it, even beyond the trained context.
        lang: of the page.
        seen: filled on the way; `stopped` takes it.
        expected: the right answer, where it is known.
    """
    yield ui.notice("info", t("watch.loading", lang)), "", None, "", ""
    both, drawn = seen.both, 0.0
    try:
        with problems.guard():
            for event in live.watch(run_id, text, whole=whole):
                if not seen.under_way:  # what comes late would wipe away what Stop has shown
                    return
                if event["kind"] == "models":
                    both |= {side: Watched(**event[side]) for side in SIDES}
                    seen.said = fit(event, lang)
                    continue
                both[event["side"]].add(event)
                if time.monotonic() - drawn >= REDRAW_S:
                    drawn = time.monotonic()
                    yield seen.said, panes(both, lang), chart(both, lang), "", ""
    except EngineError as error:
        if seen.under_way:
            seen.under_way = False
            said = problems.box(error, lang)
            yield (
                said, panes(both, lang), chart(both, lang), kept_so_far(both, lang),
                numbers(both, lang),
            )  # fmt: skip
        return
    if not seen.under_way:
        return
    seen.under_way = False
    yield (
        seen.said + ui.reading(reading(both, lang, expected)), panes(both, lang), chart(both, lang),
        kept(both, lang), numbers(both, lang),
    )  # fmt: skip


def stopped(seen: Seen | None, lang: str) -> Shown | None:
    """What the page shows once a person has stopped both; None where nothing was under way, so
    that all stays as it is."""
    if seen is None or not seen.under_way:
        return None
    seen.under_way = False
    both = seen.both
    so_far = kept_so_far(both, lang)
    return (
        seen.said or ui.notice("info", t("watch.stopped_loading", lang)),
        panes(both, lang, stopped=True), chart(both, lang),
        sentences(lang, [t("watch.stopped", lang), so_far]) if so_far else "",
        numbers(both, lang),
    )  # fmt: skip


def fit(event: dict[str, Any], lang: str) -> str:
    """How the input lies in the original's context, as HTML: said, never faked."""
    tokens = tn("unit.tokens", lang, event["tokens"])
    context = count(event["context_tokens"])
    if event["beyond"]:
        return ui.notice("warn", t("watch.beyond", lang, tokens=tokens, context=context),
                         t("watch.beyond_text", lang))  # fmt: skip
    if event["dropped"]:
        text = t("watch.dropped_text", lang, dropped=count(event["dropped"]))
        return ui.notice("warn", t("watch.dropped", lang, tokens=tokens, context=context), text)
    return ui.notice("info", t("watch.fits", lang, tokens=tokens, context=context))


def panes(both: dict[Party, Watched], lang: str, *, stopped: bool = False) -> str:
    """The two answers side by side."""
    if not both:
        return ""
    views = []
    for side, other in zip(SIDES, reversed(SIDES), strict=True):
        mine, turn = both[side], both[side].turn
        speed = turn.get("tokens_per_s")
        first = turn.get("first_token_ms")
        views.append(
            LiveView(
                side, t(f"party.{side}", lang), _status(turn, lang, stopped),
                apart.spans(mine.pieces, both[other].pieces,
                            ended=both[other].turn.get("phase") == "done"),
                (
                    (t("answer.first_token", lang),
                     "–" if first is None else duration(first / 1000, lang)
                     if first >= 10_000 else f"{number(first)} ms"),
                    (t("answer.speed", lang),
                     "–" if speed is None else f"{number(speed)} {t('unit.tokens_per_s', lang)}"),
                    (t("answer.cache", lang), size(turn.get("cache_bytes"))),
                    (t("answer.attention", lang), notes.attention(mine.attention, lang)),
                    (t("answer.weights", lang), ui.Short(mine.weights_sha256)),
                ),
            )
        )  # fmt: skip
    return answers.live_panes(views, legend(lang))


def legend(lang: str, note: str = "") -> Legend:
    """What the marks in the answers mean."""
    return Legend(t("apart.here", lang), t("apart.first", lang), t("apart.differs", lang), note)


def _status(turn: dict[str, Any], lang: str, stopped: bool) -> str:
    if not turn:
        return t("watch.stopped_waiting" if stopped else "watch.waiting", lang)
    reads = turn["phase"] == "reading"
    done = count(turn["tokens_read" if reads else "tokens_written"])
    if stopped and turn["phase"] != "done":
        return t("watch.stopped_reading" if reads else "watch.stopped_writing", lang, n=done)
    return t(f"watch.{turn['phase']}", lang, n=done)


def chart(both: dict[Party, Watched], lang: str) -> Figure | None:
    """Bytes kept against tokens in the cache: the moving picture of flat against climbing."""
    if not any(one.points for one in both.values()):
        return None
    traces = [
        charts.line(side, [x for x, _ in both[side].points],
                    [y / 2**20 for _, y in both[side].points], lang, unit="MiB", markers=False)
        for side in SIDES
    ]  # fmt: skip
    return charts.figure(traces, t("axis.cached", lang), t("axis.memory", lang))


def numbers(both: dict[Party, Watched], lang: str) -> str:
    """The chart's numbers; few of many in the table, all of them in its file."""
    read = [dict(both[side].points) for side in SIDES] if both else []
    rows = [
        [count(tokens), *(size(points.get(tokens)) for points in read)]
        for tokens in sorted({tokens for points in read for tokens in points})
    ]
    if not rows:
        return ""
    columns = [t("axis.cached", lang), *(t(f"party.{side}", lang) for side in SIDES)]
    return tables.numbers(
        columns, tables.thinned(rows), t("watch.chart", lang), lang, saved=rows
    )


def _ended(both: dict[Party, Watched]) -> bool:
    return bool(both) and all(one.turn.get("phase") == "done" for one in both.values())


def reading(both: dict[Party, Watched], lang: str, expected: str | None = None) -> str:
    """Where the answers part, and whether each is right where that is known, in sentences."""
    if not _ended(both):
        return ""
    ours, theirs = both["converted"].pieces, both["original"].pieces
    alike = apart.first_difference(ours, theirs)
    if ours == theirs:
        shared = t("reading.answers.same", lang)
    elif alike:
        shared = tn("reading.answers.differ", lang, alike)
    else:
        shared = t("reading.answers.apart", lang)
    if expected is None:
        return shared
    found = readings.right_or_wrong(expected, "".join(theirs), "".join(ours), lang)
    return sentences(lang, [shared, found])


def kept(both: dict[Party, Watched], lang: str) -> str:
    """What each model kept at the end, in a sentence."""
    if not _ended(both):
        return ""
    theirs, ours = (both[side].turn["cache_bytes"] for side in SIDES)
    return t("watch.kept", lang, original=size(theirs), converted=size(ours),
             ratio=times(theirs / max(1, ours), lang=lang))  # fmt: skip


def kept_so_far(both: dict[Party, Watched], lang: str) -> str:
    """What each model kept when it got no further, in a sentence each: they need not have come
    equally far, so nothing is divided by anything."""
    last = {side: one.points[-1] for side, one in both.items() if one.points}
    return sentences(lang, [
        t("watch.kept_original" if side == "original" else "watch.kept_converted", lang,
          tokens=tn("unit.tokens", lang, tokens), size=size(kept))
        for side, (tokens, kept) in last.items()
    ])  # fmt: skip
