"""The last annexes: how each number was measured, the frozen settings, the data, the machine."""

from __future__ import annotations

from typing import Any

from engine.dotted import flattened
from engine.report import notes
from engine.report.model import Section, Table
from engine.report.source import Source, place_less
from engine.report.words import NONE, Words


def measured(words: Words) -> Section:
    """How each number was measured, and what the intervals do not cover."""
    return Section(title=words("annex.measured"), bullets=words.below("how"))


def gates(source: Source, words: Words) -> Section:
    """The gates as frozen, and whether their seal is whole."""
    frozen = source.config.get("gates")
    if frozen is None:
        return Section(title=words("annex.gates"), paragraphs=(words("annex.no_gates"),))
    verdict = source.comparison.verdict
    state = verdict.gates_state if verdict else "not_frozen"
    rows = [
        (words(f"setting.{key}"), words(f"party.{value}") if key == "quality_against"
         else _shown(value, words))
        for key, value in frozen.items()
    ]  # fmt: skip
    seal = source.config.get("gates_sha256") or NONE
    return Section(
        title=words("annex.gates"),
        paragraphs=(words(f"annex.seal.{state}"), words("annex.seal.sha256", sha256=seal)),
        tables=(_two(words("table.gates"), rows, words),),
    )


def settings(source: Source, words: Words) -> Section:
    """All other settings of the run, by their names in the configuration file."""
    flat = flattened({k: v for k, v in source.config.items() if not k.startswith("gates")})
    rows = [
        (
            key,
            place_less(value)
            if key in ("model", "data")
            else str(value)
            if key.endswith("seed")
            else _shown(value, words),
        )
        for key, value in flat.items()
    ]
    columns = (words("column.setting"), words("column.value"))
    return Section(
        title=words("annex.settings"), paragraphs=(words("annex.settings_text"),),
        tables=(Table(words("table.settings"), columns, tuple(rows), words=True),),
    )  # fmt: skip


def environment(source: Source, words: Words) -> Section:
    """The data, its hash, the machine, the versions and the time each stage took."""
    where, data = source.comparison.environment, source.comparison.dataset
    split = data.get("splits", {})
    facts = [
        (words("fact.data"), str(data.get("name", NONE))),
        (words("fact.sha256"), str(data.get("sha256", NONE))),
        (words("fact.encoding"), f"{data.get('format', NONE)}, {data.get('encoding', NONE)}"),
        *(
            (words(f"fact.{name}"), words("fact.split", documents=words.count(one["documents"]),
                                          tokens=words.count(one["tokens"])))
            for name in ("train", "validation", "heldout")
            if (one := split.get(name))
        ),
        (words("fact.machine"), f"{where.machine}, {where.cpu}"),
        (words("fact.cores"), words("fact.threads", cores=where.cores, threads=where.threads)),
        (words("fact.memory"), words.size(where.memory_bytes)),
        (words("fact.device"), f"{where.device}, {where.dtype}"),
        (words("fact.backend"), notes.backend(where.backend, words)),
        (words("fact.versions"), f"T2R Studio {where.engine}, Python {where.python}, torch"
                                 f" {where.torch}, transformers {where.transformers}"),
        (words("fact.date"), words.moment(where.date)),
        (words("fact.layers"), words(
            "fact.layers_text", method=source.comparison.conversion.method,
            converted=_layers(source.comparison.conversion.layers_converted),
            kept=_layers(source.comparison.conversion.layers_kept),
            added=words.count(source.comparison.conversion.parameters_added))),
    ]  # fmt: skip
    said, quotes = notes.data(source, words)
    stages = [
        (words(f"stage.{stage}"), words.seconds(spent))
        for stage, spent in source.comparison.timing.items()
        if ":" not in stage
    ]
    return Section(
        title=words("annex.environment"),
        tables=(
            _two(words("table.environment"), facts, words),
            Table(words("table.timing"), (words("column.stage"), words("column.time")),
                  tuple(stages)),
        ),
        paragraphs=said,
        quotes=quotes,
    )  # fmt: skip


def _two(caption: str, rows: list[tuple[str, str]], words: Words) -> Table:
    columns = (words("column.item"), words("column.value"))
    return Table(caption, columns, tuple(rows), words=True)


def _layers(numbers: tuple[int, ...]) -> str:
    return ", ".join(map(str, numbers)) or NONE


def _shown(value: Any, words: Words) -> str:
    if value is None or value == "":
        return words("unset")
    if isinstance(value, bool):
        return words("yes" if value else "no")
    if isinstance(value, list | tuple):
        return ", ".join(f"{one:,}" if isinstance(one, int) else str(one) for one in value) or NONE
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, int):
        return words.count(value)
    return str(value)
