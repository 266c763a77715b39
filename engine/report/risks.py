"""What can still go wrong by this run's own numbers, and what was never tested."""

from __future__ import annotations

from engine.evidence.savings import larger_peaks, speed_sides
from engine.evidence.stats import LEVEL
from engine.evidence.verdict import FEW_DOCUMENTS
from engine.report import notes
from engine.report.headline import quality_change
from engine.report.judgement import remark
from engine.report.model import Section
from engine.report.source import Source
from engine.report.words import Words


def risks(source: Source, words: Words) -> Section:
    """From the run's numbers, the gravest first."""
    found = [*_data(source, words), *_gates(source, words), *_linear_part(source, words),
             *_quality(source, words), *_recall(source, words), *_speed(source, words),
             *_peak(source, words), *_money(source, words), *_votes(source, words),
             words("risk.one_training", seed=source.config.get("seed", 0))]  # fmt: skip
    return Section(title=words("risk.title"), bullets=tuple(found))


def untested(words: Words) -> Section:
    """What no run of this software measures."""
    return Section(title=words("untested.title"), bullets=words.below("untested.list"))


def _data(source: Source, words: Words) -> list[str]:
    checks = source.comparison.data_checks
    if checks is None or not checks.warnings:
        return []
    leaked, n = words.count(len(checks.leaked)), words.count(checks.heldout_documents)
    return [words("risk.leak" if checks.leaked else "risk.data", leaked=leaked, n=n)]


def _gates(source: Source, words: Words) -> list[str]:
    verdict = source.comparison.verdict
    if verdict is None:
        return [words("risk.no_gates")]
    if verdict.reason != "decided":
        return [words(f"verdict.overall.{verdict.reason}", gates="")]
    open_words = {"conditional", "not_enough_evidence"}
    return [
        words("risk.gate", gate=words(f"gate.name.{gate.gate}"), why=why)
        for gate in verdict.gates
        # Where it is slower is said below, for every length and both phases.
        if gate.verdict in open_words and gate.reason != "worse_at" or gate.gate == "memory"
        if (why := remark(gate, words))
    ]


def _linear_part(source: Source, words: Words) -> list[str]:
    found = source.comparison.ablation
    if found is None or found.linear_branch not in ("idle", "undecided"):
        return []
    return [words(
        f"risk.linear_{found.linear_branch}",
        whole=words.perplexity(source.comparison.quality.converted.perplexity),
        baseline=words.perplexity(found.window_and_sinks.perplexity),
    )]  # fmt: skip


def _quality(source: Source, words: Words) -> list[str]:
    quality = source.comparison.quality
    found = []
    _, _, interval = quality_change(source)
    if quality.converted.documents < FEW_DOCUMENTS:
        n = words.counted("unit.documents_only", quality.converted.documents)
        key = "risk.few_documents" if interval else "risk.few_documents_no_interval"
        found.append(words(key, n=n, level=words.percent(100 * LEVEL, 0)))
    if quality.control is None:
        found.append(words("risk.no_control"))
    elif quality.control.perplexity == quality.original.perplexity:
        found.append(words("risk.control_same"))
    return found


def _recall(source: Source, words: Words) -> list[str]:
    found = source.comparison.recall
    if found.original is None:
        return [words("risk.no_recall")]
    if notes.left_out(source):
        return list(notes.recall(source, words))
    if source.gate("recall") is None and notes.original_fails(source):
        return [words("risk.recall_note")]
    return []


def _speed(source: Source, words: Words) -> list[str]:
    found = []
    for phase in ("decode", "prefill"):
        pair = getattr(source.comparison.speed, phase)
        slower = [tokens for tokens, side in speed_sides(pair) if side == "slower"]
        if slower:
            lengths = words.listed([words.count(n) for n in slower])
            found.append(words(f"risk.slower_{phase}", lengths=lengths))
    points = source.comparison.speed.decode.converted
    beyond = [p.context_tokens for p in points if p.beyond_trained_context]
    if beyond:
        lengths = words.listed([words.count(n) for n in beyond])
        found.append(words("risk.beyond", lengths=lengths))
    if any(p.out_of_memory for p in points):
        found.append(words("risk.out_of_memory"))
    return found


def _peak(source: Source, words: Words) -> list[str]:
    """Memory needed in between, which the cache's bytes say nothing about."""
    larger = larger_peaks(source.comparison.memory)
    if not larger:
        return []
    lengths = words.listed([words.count(one.context_tokens) for one in larger])
    most = max(one.converted / one.original for one in larger)
    return [words("risk.peak", lengths=lengths, ratio=words.times(most))]


def _money(source: Source, words: Words) -> list[str]:
    if source.money is None:
        return []
    inputs = source.money.inputs
    found = [words("risk.prices", date=words.day(inputs.prices_date.isoformat()))]
    if source.money.dearer_at_tokens:
        lengths = words.listed([words.count(n) for n in source.money.dearer_at_tokens])
        found.append(words("risk.dearer", lengths=lengths))
    return found


def _votes(source: Source, words: Words) -> list[str]:
    if source.votes is None or source.votes.win_rate is None:
        return [words("risk.no_votes")]
    if source.votes.reading == "not_enough_votes":
        return [words("risk.few_votes")]
    return []
