"""The frontier: quality against speed and memory over all runs of one model and data set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from app import charts, tables
from app.charts import Figure
from app.numbers import count, percent, times
from app.text import sentences, t, tn
from app.theme import CONVERTED, ORIGINAL
from engine.evidence.frontier import (
    Reading,
    Saving,
    Standing,
    Standings,
    quality_change,
    standings,
)
from engine.evidence.results import Comparison

_SAVINGS: tuple[Saving, Saving] = ("speed", "memory")


@dataclass(frozen=True)
class Peers:
    """The run on show among all finished runs of its model and data."""

    own: str
    """Id of the run on show."""
    names: Mapping[str, str]
    """What each run is called, by id."""
    results: Mapping[str, Comparison]
    """Their comparisons, by id."""

    def standings(self) -> tuple[Standings | None, Standings | None]:
        """By speed, and by memory."""
        by_speed, by_memory = (standings(self.results, saving) for saving in _SAVINGS)
        return by_speed, by_memory


def figures(peers: Peers, lang: str) -> tuple[Figure, Figure] | None:
    """Quality against speed, and quality against memory; None where nothing can be drawn."""
    by_speed, by_memory = peers.standings()
    if by_speed is None or by_memory is None:
        return None
    left, right = (
        _figure(peers, found, saving, lang)
        for saving, found in (("speed", by_speed), ("memory", by_memory))
    )
    right["layout"]["xaxis"]["type"] = "log"
    return left, right


def _figure(peers: Peers, found: Standings, saving: str, lang: str) -> Figure:
    own = [one for one in found.runs if one.run == peers.own]
    others = [one for one in found.runs if one.run != peers.own]
    traces = [_line(found, lang), *_points(peers, others, "others", lang)]
    traces += _points(peers, own, "own", lang)
    traces.append({
        "type": "scatter", "mode": "markers", "name": t("party.original", lang), "x": [1], "y": [0],
        "marker": {"color": ORIGINAL, "symbol": "circle", "size": 11},
        "hovertemplate": "%{x:.3g}×<br>%{y:.3g} %",
    })  # fmt: skip
    length = count(found.context_tokens)
    made = charts.figure(
        traces, t(f"frontier.axis.{saving}", lang, length=length), t("frontier.axis.quality", lang),
        xaxis={"rangemode": "tozero"}, yaxis={"rangemode": "normal"},
    )  # fmt: skip
    made["layout"] |= {"hovermode": "closest", "height": 350}
    return made


def _line(found: Standings, lang: str) -> dict[str, Any]:
    """Through the unbeaten, the original among them where it is."""
    places = [(one.saving.estimate, one.quality.estimate)
              for one in found.runs if one.look == "unbeaten"]  # fmt: skip
    if found.original_unbeaten:
        places.append((1.0, 0.0))
    places.sort()
    return {
        "type": "scatter", "mode": "lines", "name": t("frontier.line", lang),
        "x": [x for x, _ in places], "y": [100 * y for _, y in places],
        "line": {"color": "#6B7280", "dash": "dot", "width": 1.5}, "hoverinfo": "skip",
    }  # fmt: skip


def _points(peers: Peers, runs: list[Standing], which: str, lang: str) -> list[dict[str, Any]]:
    if not runs:
        return []
    own = which == "own"
    savings, changes = [one.saving for one in runs], [one.quality for one in runs]
    return [{
        "type": "scatter", "mode": "markers", "name": t(f"frontier.{which}", lang),
        "x": [one.estimate for one in savings], "y": [100 * one.estimate for one in changes],
        "error_x": _bars(savings), "error_y": _bars(changes, 100),
        # plotly reads markup in its texts; a run is called what its owner likes.
        "text": [
            f"{escape(peers.names[one.run])}<br>{_ratio(one.saving, lang)}<br>"
            f"{_change(one.quality, lang)}" for one in runs
        ],
        "marker": {"color": CONVERTED, "symbol": "square" if own else "square-open",
                   "size": 11 if own else 9},
        "hovertemplate": "%{text}<extra></extra>",
    }]  # fmt: skip


def _bars(readings: list[Reading], scale: float = 1) -> dict[str, Any]:
    """Intervals as plotly draws them; nothing where there is none."""
    return {
        "type": "data", "symmetric": False, "color": CONVERTED, "thickness": 1.3, "width": 5,
        "array": [scale * (of.high - of.estimate) if of.high is not None else 0
                  for of in readings],
        "arrayminus": [scale * (of.estimate - of.low) if of.low is not None else 0
                       for of in readings],
    }  # fmt: skip


def reading(peers: Peers, lang: str) -> str:
    """Whether another run beats this one, by speed and by memory."""
    said = []
    for saving, found in zip(_SAVINGS, peers.standings(), strict=True):
        own = [one for one in found.runs if one.run == peers.own] if found else []
        if not own or found is None:
            said.append(t(f"frontier.{saving}.unknown", lang))
            continue
        said.append(t(
            f"frontier.{saving}.{own[0].look}", lang, change=_change(own[0].quality, lang),
            ratio=_ratio(own[0].saving, lang), length=count(found.context_tokens),
        ))  # fmt: skip
    others = len(peers.results) - 1
    said.append(tn("frontier.among", lang, others) if others else t("frontier.alone", lang))
    return sentences(lang, said)


def _signed(change: float, lang: str, digits: int = 1) -> str:
    return ("+" if change >= 0 else "") + percent(change, digits, lang)


def _change(of: Reading, lang: str) -> str:
    """A change in perplexity with its interval, where there is one."""
    small = max(abs(x or 0.0) for x in (of.estimate, of.low, of.high)) < 0.01
    digits = 2 if small else 1
    said = _signed(of.estimate, lang, digits)
    if of.low is None or of.high is None:
        return said
    return t("frontier.with_interval", lang, value=said, low=_signed(of.low, lang, digits),
             high=_signed(of.high, lang, digits))  # fmt: skip


def _ratio(of: Reading, lang: str) -> str:
    """A ratio with its interval, where there is one; exact ones have none to tell."""
    said = times(of.estimate, lang, 3)
    if of.low is None or of.high is None or of.low == of.high:
        return said
    return t("frontier.with_interval", lang, value=said, low=times(of.low, lang, 3),
             high=times(of.high, lang, 3))  # fmt: skip


def table(peers: Peers, lang: str) -> str:
    """Every run with its numbers and the machine that they were measured on."""
    by_speed, by_memory = (
        {one.run: one for one in found.runs} if found else {} for found in peers.standings()
    )

    def saved(of: Standing | None) -> list[str]:
        if of is None:
            return ["–", "–"]
        return [_ratio(of.saving, lang), t(f"frontier.look.{of.look}", lang)]

    rows = []
    for run, result in peers.results.items():
        change = quality_change(result)
        rows.append([
            peers.names[run], "–" if change is None else _change(change, lang),
            *saved(by_speed.get(run)), *saved(by_memory.get(run)), result.environment.cpu,
        ])  # fmt: skip
    columns = [
        t(f"frontier.column.{name}", lang)
        for name in ("run", "quality", "speed", "look", "memory", "look", "machine")
    ]
    return tables.numbers(columns, rows, t("frontier.title", lang), lang)
