"""Attention maps of both models side by side, and which tokens an output token drew on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from app import charts, heat, tables
from app.charts import Figure
from app.components import Party
from app.numbers import count, percent
from app.text import t
from app.theme import CONVERTED, ORIGINAL
from engine.evidence.fidelity_parts import AttentionMaps, HeadMap, MapSide

_BEFORE = (-2, -1)
"""Where the sums over the first tokens and over all others before the passage stand."""
_TICK_EVERY = 6
_LONGEST = 10
_SOURCES = 8
"""Most tokens of the passage that an attribution names; the rest are summed."""
_TICKS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0)


def word(maps: AttentionMaps, place: int, lang: str) -> str:
    """A token of the passage: its number in the text, and what it adds."""
    if place in _BEFORE:
        return t("maps.first" if place == _BEFORE[0] else "maps.earlier", lang)
    number = count(maps.from_token + place)
    return f"{number} {_shown(maps.tokens[place])}" if maps.tokens else number


def _shown(text: str) -> str:
    visible = text.replace("\n", "⏎").replace(" ", "␣") or "·"
    return visible if len(visible) <= _LONGEST else visible[: _LONGEST - 1] + "…"


def head_choices(maps: AttentionMaps, lang: str) -> list[tuple[str, str]]:
    """The heads that can be shown: name and key, worst first."""
    return [
        (t("maps.head", lang, layer=count(one.layer), head=count(one.head)), str(i))
        for i, one in enumerate(maps.heads)
    ]


def token_choices(maps: AttentionMaps, lang: str) -> list[tuple[str, str]]:
    """The tokens that can be asked about: name and key, in order."""
    return [(word(maps, i, lang), str(i)) for i in range(len(maps.mean_original.passage))]


def head_figures(maps: AttentionMaps, head: HeadMap, lang: str) -> tuple[Figure, Figure]:
    """Both models' maps of a head, in one scale."""
    both = (head.original, head.converted)
    top = max(max(map(max, _rows(side))) for side in both)
    return (
        _map(maps, head.original, "original", top, lang),
        _map(maps, head.converted, "converted", top, lang),
    )


def _rows(side: MapSide) -> list[list[float]]:
    return [
        [first, earlier, *own]
        for first, earlier, own in zip(side.first, side.earlier, side.passage, strict=True)
    ]


def _map(maps: AttentionMaps, side: MapSide, party: Party, top: float, lang: str) -> Figure:
    rows = _rows(side)
    size = len(rows)
    places = [*_BEFORE, *range(size)]
    names = [escape(word(maps, place, lang)) for place in places]
    marked = [place for place in range(size) if place % _TICK_EVERY == 0]
    numbers = [count(maps.from_token + place) for place in marked]
    trace: dict[str, Any] = {
        "type": "heatmap", "x": places, "y": list(range(size)),
        # A square root, so that the many small weights can be seen beside the few large ones.
        "z": [[math.sqrt(max(0.0, w)) for w in row] + [None] * (size + 2 - len(row))
              for row in rows],
        "text": [[f"{names[i + 2]} → {names[k]}: {percent(w, 1, lang)}" for k, w in enumerate(row)]
                 for i, row in enumerate(rows)],
        "zmin": 0, "zmax": math.sqrt(top) or 1.0, "colorscale": heat.SCALE, "hoverongaps": False,
        "hovertemplate": "%{text}<extra></extra>",
        "colorbar": {"thickness": 10, "outlinewidth": 0,
                     "tickvals": [math.sqrt(x) for x in _TICKS if x <= top],
                     "ticktext": [percent(x, lang=lang) for x in _TICKS if x <= top]},
    }  # fmt: skip
    made = charts.figure(
        [trace], t("maps.x", lang), t("maps.y", lang),
        xaxis={"showgrid": False, "tickvals": [-1.5, *marked[2::2]],
               "ticktext": [t("maps.before", lang), *numbers[2::2]], "tickfont": {"size": 11}},
        yaxis={"showgrid": False, "tickvals": marked, "ticktext": numbers,
               "tickfont": {"size": 11}, "autorange": "reversed"},
    )  # fmt: skip
    made["layout"] |= {"height": 460, "hovermode": "closest"}
    return heat.of_party(made, party, lang)


def head_reading(head: HeadMap, lang: str) -> str:
    """How much of a head's attention stays within the passage, and how much lies before it."""
    shares = {
        f"{name}_{party}": percent(_mean(of), lang=lang)
        for party, side in (("original", head.original), ("converted", head.converted))
        for name, of in (("first", side.first), ("earlier", side.earlier))
    }
    return t("maps.reading", lang, layer=count(head.layer), head=count(head.head), **shares)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def head_table(maps: AttentionMaps, head: HeadMap, lang: str) -> str:
    """For every token of the passage: what lies before it, in it, and on the token itself."""
    both = [_rows(side) for side in (head.original, head.converted)]
    rows = [
        [word(maps, i, lang),
         *(percent(x, 1, lang) for rows in both
           for x in (rows[i][0], rows[i][1], sum(rows[i][2:]), rows[i][-1]))]
        for i in range(len(both[0]))
    ]  # fmt: skip
    columns = [t("maps.token", lang)]
    for party in ("original", "converted"):
        columns += [f"{t(f'party.{party}', lang)}: {t(f'maps.{name}', lang)}"
                    for name in ("first", "earlier", "within", "itself")]  # fmt: skip
    return tables.numbers(columns, rows, t("maps.title", lang), lang)


@dataclass(frozen=True)
class Source:
    """What an output token drew on: a place in the text, and both models' weight on it."""

    name: str
    original: float
    converted: float


def sources(maps: AttentionMaps, token: int, lang: str) -> list[Source]:
    """All places that a token of the passage could draw on, in order; means over heads."""
    theirs, mine = _rows(maps.mean_original)[token], _rows(maps.mean_converted)[token]
    places = [*_BEFORE, *range(token + 1)]
    return [
        Source(word(maps, place, lang), a, b)
        for place, a, b in zip(places, theirs, mine, strict=True)
    ]


def attribution(maps: AttentionMaps, token: int, lang: str) -> Figure:
    """The places that matter most to either model as bars, in the order of the text."""
    every = sources(maps, token, lang)
    before, own = every[:2], every[2:]
    kept = sorted(own, key=lambda s: max(s.original, s.converted), reverse=True)[:_SOURCES]
    shown = [*before, *(one for one in own if one in kept)]
    if rest := [one for one in own if one not in kept]:
        shown.append(Source(t("maps.rest", lang), sum(s.original for s in rest),
                            sum(s.converted for s in rest)))  # fmt: skip
    names = [escape(one.name) for one in shown]
    traces: list[dict[str, Any]] = [
        {
            "type": "bar", "orientation": "h", "name": t(f"party.{party}", lang), "y": names,
            "x": [100 * getattr(one, party) for one in shown],
            # Filled and hollow, so that a grey print tells them apart.
            "marker": {"color": colour if party == "original" else "rgba(213,94,0,0.18)",
                       "line": {"color": colour, "width": 2}},
            "hovertemplate": "%{x:.1f} %",
        }
        for party, colour in (("original", ORIGINAL), ("converted", CONVERTED))
    ]  # fmt: skip
    made = charts.figure(
        traces, t("maps.share", lang), "",
        xaxis={"rangemode": "tozero"},
        yaxis={"autorange": "reversed", "type": "category", "showgrid": False},
    )  # fmt: skip
    made["layout"] |= {"height": 90 + 34 * len(shown), "barmode": "group", "bargap": 0.3,
                       "hovermode": "closest"}  # fmt: skip
    return made


def attribution_reading(maps: AttentionMaps, token: int, lang: str) -> str:
    """The place that each model drew on most."""
    every = sources(maps, token, lang)
    theirs, mine = max(every, key=lambda s: s.original), max(every, key=lambda s: s.converted)
    return t(
        "maps.drew", lang, token=word(maps, token, lang), original=theirs.name,
        converted=mine.name, original_share=percent(theirs.original, lang=lang),
        converted_share=percent(mine.converted, lang=lang),
    )  # fmt: skip


def attribution_table(maps: AttentionMaps, token: int, lang: str) -> str:
    """Every place with both models' weight."""
    rows = [
        [one.name, percent(one.original, 1, lang), percent(one.converted, 1, lang)]
        for one in sources(maps, token, lang)
    ]
    columns = [t("maps.source", lang), t("party.original", lang), t("party.converted", lang)]
    return tables.numbers(columns, rows, t("maps.attribution", lang), lang)
