"""Besides the speed charts: the original's cache, several inputs at once, and energy."""

from __future__ import annotations

from app import components as ui
from app.numbers import count, number, size, times
from app.text import t, tn
from engine.evidence.batch_parts import BatchTiming
from engine.evidence.parts import Speed, SpeedPair
from engine.evidence.results import Comparison
from engine.evidence.savings import speed_ratio
from engine.evidence.timing_parts import Energy


def section(comparison: Comparison, lang: str) -> str:
    """All of it as HTML; empty for comparisons of earlier versions."""
    speed = comparison.speed
    if not speed.baselines:
        return ""
    inner = ui.bullets(_caches(speed, lang))
    inner += "".join(_batch(one, lang) for one in comparison.batches)
    if speed.energy is None:
        inner += ui.bullets([t("timing.energy_none", lang)])
    else:
        inner += _energy(speed.energy, lang)
    return ui.folded(t("timing.title", lang), inner)


def _caches(speed: Speed, lang: str) -> list[str]:
    """With which cache each model decodes where."""
    join = t("reading.list.join", lang).join
    static = [count(one.context_tokens) for one in speed.baselines if one.cache == "static"]
    kept = [count(x.context_tokens) for x in speed.baselines if x.converted_cache == "static"]
    said = [t("timing.baseline.dynamic", lang)]
    if static:
        said = [t("timing.baseline.static", lang, lengths=join(static))]
    if kept:
        said.append(t("timing.baseline.converted", lang, lengths=join(kept)))
    return said


def _batch(found: BatchTiming, lang: str) -> str:
    rows = [
        *_rows(found.speed.decode, "decode", lang), *_rows(found.speed.prefill, "prefill", lang),
    ]  # fmt: skip
    kept = zip(found.memory.original, found.memory.converted, strict=True)
    for theirs, mine in kept:
        ratio = mine.cache_bytes / theirs.cache_bytes if (
            mine.cache_bytes and theirs.cache_bytes) else None  # fmt: skip
        rows.append((
            t("timing.cache", lang), count(mine.context_tokens),
            *(size(p.cache_bytes) if p.cache_bytes is not None else t("table.out_of_memory", lang)
              for p in (theirs, mine)),
            _times(ratio, lang),
        ))  # fmt: skip
    columns = [
        t("timing.phase", lang), t("axis.context", lang), t("party.original", lang),
        t("party.converted", lang), t("timing.ratio", lang),
    ]  # fmt: skip
    title = tn("timing.batch", lang, found.batch_size)
    return ui.section(title, level=3) + ui.table(columns, rows, caption=title)


def _rows(pair: SpeedPair, phase: str, lang: str) -> list[tuple[str, ...]]:
    return [
        (
            t(f"timing.{phase}", lang), count(mine.context_tokens),
            *(t("table.out_of_memory", lang) if p.out_of_memory else number(p.tokens_per_s)
              for p in (theirs, mine)),
            _times(speed_ratio(mine, theirs), lang),
        )
        for theirs, mine in zip(pair.original, pair.converted, strict=True)
    ]  # fmt: skip


def _energy(found: Energy, lang: str) -> str:
    rows = [
        (count(point.context_tokens), number(point.original_prefill),
         number(point.converted_prefill), number(point.original_decode),
         number(point.converted_decode))
        for point in found.points
    ]  # fmt: skip
    title = t("timing.energy", lang)
    names = [
        t(f"timing.{phase}_of", lang, party=t(f"party.{party}", lang))
        for phase in ("reading", "writing")
        for party in ("original", "converted")
    ]
    table = ui.table([t("axis.context", lang), *names], rows, caption=title)
    return ui.section(title, found.source, level=3) + table


def _times(ratio: float | None, lang: str) -> str:
    return "–" if ratio is None else times(ratio, lang=lang)
