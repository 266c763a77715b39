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
from engine.evidence.frontier import Saving, Standing, Standings, quality_change, standings
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
    made["layout"]["hovermode"] = "closest"
    return made


def _line(found: Standings, lang: str) -> dict[str, Any]:
    """Through the unbeaten, the original among them where it is."""
    places = [(one.ratio, one.quality_change) for one in found.runs if one.unbeaten]
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
    return [{
        "type": "scatter", "mode": "markers", "name": t(f"frontier.{which}", lang),
        "x": [one.ratio for one in runs], "y": [100 * one.quality_change for one in runs],
        # plotly reads markup in its texts; a run is called what its owner likes.
        "text": [escape(peers.names[one.run]) for one in runs],
        "marker": {"color": CONVERTED, "symbol": "square" if own else "square-open",
                   "size": 13 if own else 10},
        "hovertemplate": "%{text}<br>%{x:.3g}×<br>%{y:.3g} %<extra></extra>",
    }]  # fmt: skip


def reading(peers: Peers, lang: str) -> str:
    """Whether another run beats this one, by speed and by memory."""
    said = []
    for saving, found in zip(_SAVINGS, peers.standings(), strict=True):
        own = [one for one in found.runs if one.run == peers.own] if found else []
        if not own or found is None:
            said.append(t(f"frontier.{saving}.unknown", lang))
            continue
        look = "unbeaten" if own[0].unbeaten else "beaten"
        said.append(t(
            f"frontier.{saving}.{look}", lang, change=_signed(own[0].quality_change, lang),
            ratio=times(own[0].ratio, lang), length=count(found.context_tokens),
        ))  # fmt: skip
    others = len(peers.results) - 1
    said.append(tn("frontier.among", lang, others) if others else t("frontier.alone", lang))
    return sentences(lang, said)


def _signed(change: float, lang: str) -> str:
    return ("+" if change >= 0 else "") + percent(change, 1, lang)


def table(peers: Peers, lang: str) -> str:
    """Every run with its numbers and the machine that they were measured on."""
    by_speed, by_memory = (
        {one.run: one for one in found.runs} if found else {} for found in peers.standings()
    )

    def saved(of: Standing | None) -> str:
        if of is None:
            return "–"
        return times(of.ratio, lang) + (f" {t('frontier.mark', lang)}" if of.unbeaten else "")

    rows = []
    for run, result in peers.results.items():
        change = quality_change(result)
        rows.append([
            peers.names[run], "–" if change is None else _signed(change, lang),
            saved(by_speed.get(run)), saved(by_memory.get(run)), result.environment.cpu,
        ])  # fmt: skip
    columns = [
        t(f"frontier.column.{name}", lang) for name in ("run", "quality", "speed", "memory",
                                                        "machine")
    ]  # fmt: skip
    return tables.numbers(columns, rows, t("frontier.title", lang), lang)
