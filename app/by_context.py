"""Speed, waiting time and memory by the length of the input: measured points, the spread of the
repeats, where memory ran out and where the models change places."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args

from app.charts import Figure, band, figure, line
from app.components import Party
from app.lengths import byte_axis, time_axis, token_axis
from app.numbers import size
from app.over import crossing, over, ran_out, spread
from app.text import t
from engine.evidence import capacity
from engine.evidence.capacity import Fit, Part, Side
from engine.evidence.parts import SpeedPair, SpeedPoint
from engine.evidence.results import Comparison

BOTH: tuple[Side, Side] = ("original", "converted")
Phase = Literal["prefill", "decode"]
View = Literal["speed", "time"]
VIEWS: tuple[View, ...] = get_args(View)


def pair_of(comparison: Comparison, phase: Phase) -> SpeedPair:
    """Both models' points of one phase."""
    return comparison.speed.decode if phase == "decode" else comparison.speed.prefill


def crossover(comparison: Comparison, kind: str) -> int | None:
    """Tokens from which on the converted model is better; None where it is not one length."""
    return next((one.tokens for one in comparison.crossovers if one.kind == kind), None)


def milliseconds(point: SpeedPoint, tokens_per_s: float | None, phase: Phase) -> float | None:
    """What one speed means for one person who waits: the whole prompt, or one token."""
    if not tokens_per_s:
        return None
    return 1000 * (point.context_tokens if phase == "prefill" else 1) / tokens_per_s


def speed(comparison: Comparison, phase: Phase, view: View, lang: str) -> Figure:
    """Tokens/s or milliseconds by context length: medians, and p10-p90 of the repeats as bands.

    Args:
        comparison: of the run.
        phase: "prefill" or "decode".
        view: "speed" for tokens/s, "time" for ms: the prompt's, or a token's.
        lang: of the page.
    """
    pair, traces, marks = pair_of(comparison, phase), [], []
    unit = t("unit.tokens_per_s", lang) if view == "speed" else "ms"
    reached: list[float] = []
    for party in BOTH:
        points: tuple[SpeedPoint, ...] = getattr(pair, party)

        def read(point: SpeedPoint, value: float | None) -> float | None:
            return value if view == "speed" else milliseconds(point, value, phase)

        held = [p for p in points if p.p10 and p.p90]
        low = [read(p, p.p10 if view == "speed" else p.p90) or 0.0 for p in held]
        high = [read(p, p.p90 if view == "speed" else p.p10) or 0.0 for p in held]
        reached += [*low, *high]
        lengths = [p.context_tokens for p in points]
        traces.append(band(party, [p.context_tokens for p in held], low, high))
        traces.append(
            line(party, lengths, [read(p, p.tokens_per_s) for p in points], lang, unit=unit)
        )
        marks += ran_out(party, [p.context_tokens for p in points if p.out_of_memory], lang)
    # A prompt's time grows with its length: only in logarithms can short ones be read as well.
    yaxis = time_axis(reached) if view == "time" and phase == "prefill" else {}
    made = figure(
        [*traces, spread(lang)], t("axis.context_2", lang),
        t("axis.speed" if view == "speed" else f"axis.time.{phase}", lang),
        xaxis=token_axis([p.context_tokens for p in pair.original]), yaxis=yaxis,
    )  # fmt: skip
    return over(made, crossing(crossover(comparison, phase), lang), marks)


def memory(comparison: Comparison, lang: str) -> Figure:
    """Exact bytes kept by context length, on an even scale, so that twice as much is twice as
    high."""
    traces, marks, lengths = [], [], []
    most = max((p.cache_bytes or 0 for side in BOTH for p in getattr(comparison.memory, side)),
               default=0)  # fmt: skip
    unit, step = ("GiB", 2**30) if most >= 4 * 2**30 else ("MiB", 2**20)
    for party in BOTH:
        points = getattr(comparison.memory, party)
        lengths = [p.context_tokens for p in points]
        values = [None if p.cache_bytes is None else p.cache_bytes / step for p in points]
        traces.append(line(party, lengths, values, lang, unit=unit))
        gone = [p.context_tokens for p in points if p.cache_bytes is None]
        marks += ran_out(party, gone, lang)
    made = figure(
        traces, t("axis.context_2", lang), t("axis.kept", lang, unit=unit),
        xaxis=token_axis(lengths),
    )  # fmt: skip
    return over(made, crossing(crossover(comparison, "cache"), lang), marks)


def part_measured(comparison: Comparison) -> Part:
    """What is held against the device: the peak where both models' was measured, else the bytes
    kept."""
    points = [p for side in BOTH for p in getattr(comparison.memory, side)]
    ran = [p for p in points if p.cache_bytes is not None]
    return "peak" if ran and all(p.peak_bytes for p in ran) else "kept"


def room(comparison: Comparison, lang: str) -> Figure:
    """Memory needed in all by context length, drawn on to where the device is full."""
    part, here = part_measured(comparison), capacity.device_memory(comparison.environment)
    traces: list[dict[str, Any]] = []
    marks: list[dict[str, Any]] = []
    lengths: list[float] = []
    for party in BOTH:
        found = capacity.fit(comparison.memory, party, part, here or 0)
        known = [p.context_tokens for p in getattr(comparison.memory, party)]
        lengths += known
        x, y = ([point[i] for point in found.points] for i in (0, 1))
        traces.append(line(party, x, y, lang) | {
            "text": [size(value) for value in y], "hovertemplate": "%{text}"})  # fmt: skip
        if here and (beyond := _beyond(found)):
            traces.append(_drawn_on(party, found, beyond, here, lang))
            lengths.append(beyond)
        marks += ran_out(party, [found.ran_out_at] if found.ran_out_at else [], lang)
    heights = [value for trace in traces for value in trace["y"]]
    if here:
        traces.append(_line_of_the_device(lengths, here, lang))
        heights.append(here)
    known = comparison.memory.original_weights_bytes is not None
    made = figure(
        traces, t("axis.context_2", lang),
        t(f"axis.room.{part}" if known else f"axis.room_bare.{part}", lang),
        xaxis=token_axis(lengths), yaxis=byte_axis(heights),
    )  # fmt: skip
    return over(made, [], marks)


def _beyond(found: Fit) -> int | None:
    """The length at which the line drawn on ends; None where there is none."""
    if found.ran_out_at is not None or found.longest is None:
        return None
    return found.longest if found.longest > found.points[-1][0] else None


def _drawn_on(party: Party, found: Fit, beyond: int, here: int, lang: str) -> dict[str, Any]:
    drawn = line(party, [found.points[-1][0], beyond], [found.points[-1][1], here], lang,
                 name=t("chart.drawn_on", lang))  # fmt: skip
    symbol = f"{drawn['marker']['symbol']}-open"
    return drawn | {
        "line": {**drawn["line"], "dash": "dot", "width": 1.5}, "showlegend": party == "converted",
        "marker": {**drawn["marker"], "symbol": symbol, "opacity": [0, 1]},
        "text": ["", size(here)], "hovertemplate": "%{text}",
    }  # fmt: skip


def _line_of_the_device(lengths: Sequence[float], here: int, lang: str) -> dict[str, Any]:
    return {
        "type": "scatter", "mode": "lines", "x": [min(lengths), max(lengths)], "y": [here, here],
        "name": t("chart.device", lang, size=size(here)),
        "line": {"color": "#6B7280", "dash": "longdash", "width": 2}, "hoverinfo": "skip",
    }  # fmt: skip
