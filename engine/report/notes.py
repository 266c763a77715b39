"""What a result says of how it was measured, in the report's language.

The measurement writes notes of its own, in English. What they say is in the result's fields too, so
a report says it from those; only what no field holds is quoted, and marked so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine.evidence.data_parts import DataChecks
from engine.evidence.savings import WANTED_REPEATS, few_repeats
from engine.evidence.spoken import spoken
from engine.report.source import Source
from engine.report.words import Words

_BUSY = 0.1
"""Other work above this share of a machine is mentioned, as the measurement does."""
_STEPS = re.compile(r"Decode steps ran.*?\.(?= |$)", re.DOTALL)
_ATTENTION = re.compile(r"([\w-]+) in (\d+) layers?")
_RAN = re.compile(
    r"original: (?P<original>.+?); converted: training (?P<training>.+?), chunked prefill"
    r" (?P<prefill>.+?), recurrent decode (?P<decode>.+?); decode steps: (?P<steps>.+)"
)
_STEPS_KNOWN = {
    "one by one (no NVIDIA GPU)": "single", "as one CUDA graph": "graph", "not run": "not_run",
}  # fmt: skip

Quotes = tuple[tuple[str, str], ...]


def speed(source: Source, words: Words) -> tuple[str, ...]:
    """How the models were timed, and what was in the way."""
    found, asked = source.comparison.speed, source.config.get("comparison") or {}
    said = [_starts(source, words)]
    on_cpu = source.comparison.environment.device == "cpu"
    if steps := asked.get("decode_tokens"):
        key = "notes.speed.repeat" if on_cpu else "notes.speed.repeat_gpu"
        said.append(words(key, n=words.tokens(steps)))
    measured = {point.context_tokens for point in found.decode.converted}
    if left := sorted(set(asked.get("context_tokens") or ()) - measured):
        said.append(words("notes.speed.left_out", lengths=_listed(left, words)))
    said.append(_cache(source, words))
    said.append(_kept_cache(source, words))
    if on_cpu:
        said.append(words("notes.speed.steps_cpu"))
    wanted = asked.get("repeats")
    if cut := few_repeats(found.decode, wanted) if wanted else []:
        lengths = words.listed([f"{words.count(tokens)} ({n})" for tokens, n in cut])
        said.append(words("notes.speed.cut", repeats=words.count(wanted), lengths=lengths))
    elif wanted and wanted < WANTED_REPEATS:
        said.append(words("notes.speed.few", repeats=words.count(wanted)))
    said.append(_load("machine", found.other_load, words))
    if not on_cpu:
        said.append(_load("gpu", found.device_load, words))
    return tuple(one for one in said if one)


def speed_quotes(source: Source, words: Words) -> Quotes:
    """How the decode steps ran on a GPU, which only the measurement's own note tells."""
    ran = _STEPS.search(source.comparison.speed.note or "")
    if ran is None or source.comparison.environment.device == "cpu":
        return ()
    return ((words("quote.note"), ran.group()),)


def _starts(source: Source, words: Words) -> str:
    points = source.comparison.speed.decode.converted
    starts = max((len(set(point.starts)) for point in points), default=0)
    if starts > 1:
        return words("notes.speed.starts", n=words.count(starts))
    asked = (source.config.get("comparison") or {}).get("fresh_processes")
    if asked is None:
        return ""
    return words("notes.speed.own" if asked else "notes.speed.together")


def _cache(source: Source, words: Words) -> str:
    """With which cache the original decodes; older runs do not tell."""
    baselines = source.comparison.speed.baselines
    if not baselines:
        return ""
    if all(one.static_ms is None for one in baselines):
        return words("notes.speed.cache.none")
    static = [one.context_tokens for one in baselines if one.cache == "static"]
    if not static:
        return words("notes.speed.cache.growing")
    return words("notes.speed.cache.static", lengths=_listed(static, words))


def _kept_cache(source: Source, words: Words) -> str:
    """The same of the converted model's kept softmax layers, where theirs is preallocated."""
    baselines = source.comparison.speed.baselines
    static = [one.context_tokens for one in baselines if one.converted_cache == "static"]
    return words("notes.speed.cache.kept", lengths=_listed(static, words)) if static else ""


def _load(what: str, load: float | None, words: Words) -> str:
    if load is None:
        return words(f"notes.speed.{what}.unknown")
    if load < _BUSY:
        return ""
    return words(f"notes.speed.{what}.busy", share=words.percent(100 * load, 0))


def recall(source: Source, words: Words) -> tuple[str, ...]:
    """Why there are no numbers of recall, or what they cannot say."""
    found = source.comparison.recall
    if found.original is None:
        return (words("notes.no_questions"),)
    if named := left_out(source):
        names = words.listed([words(f"language.{code}") for code in named])
        return (words("risk.left_out", languages=names),)
    return (words("risk.recall_note"),) if original_fails(source) else ()


def left_out(source: Source) -> list[str]:
    """Languages that recall asked in and the original does not master, of those in the data: nobody
    misses a language that the data does not have."""
    held = spoken(source.comparison.likeness)
    unknown = _asked(source) - set(source.comparison.recall.languages)
    return sorted(code for code in unknown if held is None or code in held)


def original_fails(source: Source) -> bool:
    """Whether the original answers no language's questions: only then is nothing left out and
    something noted all the same."""
    found = source.comparison.recall
    return bool(found.note) and set(found.languages) >= _asked(source)


def _asked(source: Source) -> set[str]:
    """The languages of the questions; both in files of schema version 1, which do not hold them."""
    questions = source.comparison.recall.questions
    return {one.language for one in questions} or {"en", "ja"}


def maps(source: Source, words: Words) -> tuple[str, ...]:
    """Of which layers the attention maps are not the family's own."""
    found = source.comparison.fidelity
    heads = found.heads if found else ()
    known = {head.layer for head in heads if head.divergence is not None}
    foreign = sorted({head.layer for head in heads} - known)
    return (words("notes.outputs_only", layers=_listed(foreign, words)),) if foreign else ()


def task(source: Source, words: Words) -> tuple[str, ...]:
    """What was asked of the user's own task, and what was cut."""
    found = source.comparison.task
    if found is None:
        return ()
    key = "notes.task.asked_line" if found.one_line else "notes.task.asked"
    said = [words(key, n=words.count(found.documents), all=words.count(found.heldout_documents),
                  tokens=words.tokens(found.new_tokens))]  # fmt: skip
    if found.prompts_cut:
        said.append(words.counted("notes.task.cut", found.prompts_cut))
    if found.references_longer:
        said.append(words.counted("notes.task.longer", found.references_longer))
    return tuple(said)


def mqar(source: Source, words: Words) -> tuple[str, ...]:
    """Which numbers of pairs are judged."""
    found = source.comparison.mqar
    if found is None:
        return ()
    judged = [size.pairs for size in found.sizes if size.judged]
    if not judged:
        return (words("notes.mqar.none"),)
    return (words("notes.mqar.judged", pairs=_listed(judged, words)),)


def data(source: Source, words: Words) -> tuple[tuple[str, ...], Quotes]:
    """What is wrong with the data: what fields tell, and what only the check's own words do."""
    checks = source.comparison.data_checks
    said: list[str] = []
    quotes: list[tuple[str, str]] = []
    for warning in checks.warnings if checks else ():
        sentence = _warning(source, checks, warning.partition(":")[0], words) if checks else ""
        if sentence:
            said.append(sentence)
        else:
            quotes.append((words("quote.note"), warning))
    return tuple(said), tuple(quotes)


def _warning(source: Source, checks: DataChecks, kind: str, words: Words) -> str:
    counts, order = source.comparison.dataset, checks.order_interval
    if kind == "Leak" and checks.leaked:
        worst = checks.leaked[0]
        return words(
            "notes.data.leak", n=words.count(len(checks.leaked)),
            all=words.count(checks.heldout_documents), document=words.count(worst.document),
            share=words.percent(100 * worst.share, 0),
        )  # fmt: skip
    if kind == "Duplicates" and {"documents", "duplicates"} <= counts.keys():
        total = counts["documents"] + counts["duplicates"]
        return words("notes.data.copies", n=words.count(checks.copies), all=words.count(total))
    if kind == "Order" and order is not None:
        nats, low, high = (words.number(x, 3) for x in (order.estimate, order.low, order.high))
        return words("notes.data.order", nats=nats, range=words("unit.range", low=low, high=high),
                     documents=words.counted("unit.documents_only", order.n))  # fmt: skip
    return ""


def attention(told: str, words: Words) -> str:
    """The attention in use, e.g. "hybrid in 3 layers, softmax in 1 layer", in the report's words;
    what an older version wrote otherwise stays as it is."""
    parts = [_ATTENTION.fullmatch(part) for part in told.split(", ")]
    if not all(parts):
        return told
    return words("list.comma").join(
        words.counted("unit.attention", int(part[2]), method=part[1]) for part in parts if part
    )


def backend(told: str, words: Words) -> str:
    """Which code ran, in the report's words; what an older version wrote otherwise stays."""
    ran = _RAN.fullmatch(told)
    if ran is None:
        return told
    known = {words_of: words(f"notes.backend.{key}") for words_of, key in _STEPS_KNOWN.items()}
    return words("notes.backend.whole", **{
        part: known.get(text, text) for part, text in ran.groupdict().items()
    })  # fmt: skip


def _listed(numbers: Sequence[int], words: Words) -> str:
    return words.listed([words.count(n) for n in numbers])
