"""The numbers behind each chart as tables: for screen readers, for checking, for copying."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app import by_context, csv_file, notes
from app import components as ui
from app.by_context import Phase, View
from app.numbers import count, duration, number, percent, perplexity, size
from app.text import t, texts, tn
from engine.events import STAGES
from engine.evidence import capacity
from engine.evidence.results import Comparison

_MOST_ROWS = 60


def numbers(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    caption: str,
    lang: str,
    *,
    saved: Sequence[Sequence[str]] | None = None,
) -> str:
    """A folded table, with the same numbers, or with more of them (`saved`), to take along."""
    table = ui.table(columns, rows, caption=caption)
    address = csv_file.csv_address(columns, rows if saved is None else saved)
    taken = ui.download(address, f"{caption}.csv", t("compare.download", lang))
    return ui.folded(t("compare.table", lang), table + taken)


def _name(party: str, lang: str) -> str:
    return t(f"party.{party}", lang)


def position(comparison: Comparison, lang: str) -> str:
    """Perplexity by position."""
    quality = comparison.quality
    parties = ("original", "control", "converted", "swapped_untrained")
    present = [(party, getattr(quality, party)) for party in parties if getattr(quality, party)]
    rows = []
    for i, bin_ in enumerate(quality.original.perplexity_by_position):
        cells = []
        for _, scores in present:
            bins = scores.perplexity_by_position
            cells.append(perplexity(bins[i].perplexity) if i < len(bins) else "–")
        span = f"{count(bin_.from_token)}–{count(bin_.to_token - 1)}"
        rows.append([span, *cells, count(bin_.tokens)])
    columns = [t("axis.position", lang), *(_name(party, lang) for party, _ in present)]
    return numbers([*columns, t("table.scored", lang)], rows, t("chart.position", lang), lang)


def speed(comparison: Comparison, phase: Phase, view: View, lang: str) -> str:
    """Speed or time by context length: median, and the slow and the fast tenth of the repeats."""
    pair = by_context.pair_of(comparison, phase)
    rows = []
    for theirs, mine in zip(pair.original, pair.converted, strict=False):
        cells = []
        for point in (theirs, mine):
            if point.tokens_per_s is None:
                cells += [t("table.out_of_memory", lang), "–"]
                continue
            read = [point.tokens_per_s, point.p10, point.p90]
            if view == "time":
                read = [by_context.milliseconds(point, value, phase) for value in read]
            cells += [number(read[0]), f"{number(read[1])}–{number(read[2])}"]
        beyond = t("table.timing_only", lang) if mine.beyond_trained_context else ""
        rows.append([count(mine.context_tokens), *cells, count(mine.repeats), beyond])
    unit = t("unit.tokens_per_s", lang) if view == "speed" else "ms"
    spread = t("table.spread", lang)
    columns = [
        t("axis.context", lang), f"{_name('original', lang)} ({unit})", spread,
        f"{_name('converted', lang)} ({unit})", spread, t("table.repeats", lang),
        t("table.remark", lang),
    ]  # fmt: skip
    return numbers(columns, rows, t(f"chart.{phase}", lang), lang)


def memory(comparison: Comparison, lang: str) -> str:
    """Cache by context length: measured, and from the formula."""
    rows = []
    for theirs, mine in zip(comparison.memory.original, comparison.memory.converted, strict=False):
        cells = []
        for point in (theirs, mine):
            kept = point.cache_bytes
            cells += [t("table.out_of_memory", lang) if kept is None else size(kept),
                      size(point.analytic_bytes)]  # fmt: skip
        rows.append([count(mine.context_tokens), *cells])
    columns = [t("axis.context", lang)]
    for party in ("original", "converted"):
        for kind in ("measured", "computed"):
            columns.append(t(f"table.{kind}", lang, party=_name(party, lang)))
    return numbers(columns, rows, t("chart.memory", lang), lang)


def room(comparison: Comparison, lang: str) -> str:
    """Peak while reading, and with the weights, by context length; then how far that reaches."""
    found, here = comparison.memory, capacity.device_memory(comparison.environment)
    rows = []
    for theirs, mine in zip(found.original, found.converted, strict=False):
        cells = []
        for point, weights in (
            (theirs, found.original_weights_bytes), (mine, found.converted_weights_bytes),
        ):  # fmt: skip
            peak, gone = point.peak_bytes, point.cache_bytes is None
            whole = None if peak is None or weights is None else peak + weights
            cells += [t("table.out_of_memory", lang) if gone else size(peak), size(whole)]
        rows.append([count(mine.context_tokens), *cells])
    part = by_context.part_measured(comparison)
    for number_of, party in enumerate(by_context.BOTH):
        fits = capacity.fit(found, party, part, here or 0)
        if here and fits.longest is not None and fits.ran_out_at is None:
            cells = ["–"] * 4
            cells[2 * number_of + 1] = size(here)
            rows.append([t("table.drawn_on", lang, n=count(fits.longest)), *cells])
    columns = [t("axis.context", lang)]
    for party in ("original", "converted"):
        for kind in ("peak", "needed"):
            columns.append(t(f"table.{kind}", lang, party=_name(party, lang)))
    return numbers(columns, rows, t("chart.room", lang), lang)


def thinned(rows: Sequence[Sequence[str]]) -> list[Sequence[str]]:
    """Few of many rows, evenly chosen, always with the last one."""
    shown = list(rows[:: -(-len(rows) // _MOST_ROWS) or 1])
    return shown if shown[-1:] == list(rows[-1:]) else [*shown, rows[-1]]


def curves(
    series: Mapping[str, Sequence[tuple[float, float]]], caption: str, lang: str
) -> str:
    """Curves of a training by step; the table shows few of many steps, the file has them all.

    Args:
        series: step and reading by name: transfer, train, validation, control or teacher.
        caption: of the chart.
        lang: of the page.
    """
    read = {name: dict(points) for name, points in series.items() if points}
    steps = sorted({step for points in read.values() for step in points})
    rows = [
        [count(int(step)), *(number(points.get(step)) for points in read.values())]
        for step in steps
    ]
    if not rows:
        return ""
    columns = [t("axis.step", lang), *(t(f"live.{name}_loss", lang) for name in read)]
    return numbers(columns, thinned(rows), caption, lang, saved=rows)


def recall(comparison: Comparison, lang: str) -> str:
    """Recall by distance: right answers of questions asked."""
    parties = ("original", "control", "converted")
    scored = [
        (party, scores)
        for party in parties
        if (scores := getattr(comparison.recall, party)) is not None
    ]
    if not scored:
        return ""
    rows = [
        [
            count(point.distance_tokens),
            *(
                f"{percent(scores.by_distance[i].accuracy, lang=lang)} "
                f"({scores.by_distance[i].correct}/{scores.by_distance[i].n})"
                for _, scores in scored
                if i < len(scores.by_distance)
            ),
        ]
        for i, point in enumerate(scored[0][1].by_distance)
    ]
    columns = [t("axis.distance", lang), *(_name(party, lang) for party, _ in scored)]
    return numbers(columns, rows, t("chart.recall", lang), lang)


def _part(name: str, lang: str) -> str:
    """A part of the comparison in words; one that is new to the page shows as it is."""
    slug = name.replace(" ", "-")
    return t(f"part.{slug}", lang) if f"part.{slug}" in texts(lang) else name


def part_of(name: str, lang: str) -> str:
    """A part as the engine reports it, "what" or "what, whose", in the page's words."""
    what, _, whose = name.partition(", ")
    party = {"untrained": "swapped_untrained"}.get(whose, whose)
    words = _part(what, lang)
    return f"{words}: {_name(party, lang)}" if f"party.{party}" in texts(lang) else words


def timing(seconds: dict[str, float], lang: str) -> str:
    """Where the run's time went; the parts of the comparison below it, as they are in its sum."""
    rows = []
    for name, value in seconds.items():
        if ": " not in name:
            rows.append(
                [t(f"stage.{name}", lang) if name in STAGES else name, duration(value, lang=lang)]
            )
    for name, value in seconds.items():
        if ": " in name:
            rows.append(["– " + _part(name.split(": ")[1], lang), duration(value, lang=lang)])
    columns = [t("table.stage", lang), t("table.time", lang)]
    return ui.table(columns, rows, caption=t("compare.timing", lang))


def dataset(counts: dict[str, Any], lang: str) -> str:
    """The counts of the data set as named facts, in words."""
    facts: list[tuple[str, str | ui.Short]] = []
    for name, value in counts.items():
        if name == "splits":
            facts += [(_label(split, lang), _split(of, lang)) for split, of in value.items()]
        elif name == "sha256":
            facts.append((_label(name, lang), ui.Short(str(value))))
        elif name == "encoding":
            facts.append((_label(name, lang), notes.encoding(str(value), lang)))
        else:
            facts.append((_label(name, lang), count(value) if type(value) is int else str(value)))
    return ui.facts(facts)


def _label(name: str, lang: str) -> str:
    """A count's name in words; later versions of the engine may write counts not known here."""
    if f"dataset.{name}" in texts(lang):
        return t(f"dataset.{name}", lang)
    return name.replace("_", " ")


def _split(of: dict[str, int], lang: str) -> str:
    words = [
        tn("unit.documents", lang, of["documents"]),
        tn("unit.tokens", lang, of["tokens"]),
    ]
    if unknown := of.get("unknown_tokens"):
        words.append(tn("unit.unknown", lang, unknown))
    return ", ".join(words)
