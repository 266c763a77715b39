"""The lines an executive can say in the meeting: the run's own numbers, unfavourable ones first
where they are unfavourable, and always with what they do not cover."""

from __future__ import annotations

from engine.report.charts import recalled
from engine.report.headline import caches, decode_ratio, guessing_party, quality_change
from engine.report.judgement import range_in_words, value_in_words
from engine.report.model import Section
from engine.report.source import Source
from engine.report.words import Words


def lines(source: Source, words: Words) -> Section:
    """One line for the verdict, each measurement, money where prices were given, and the limits."""
    said = [
        _verdict(source, words),
        _quality(source, words),
        _recall(source, words),
        _memory(source, words),
        _speed(source, words),
        _money(source, words),
        _votes(source, words),
        words("line.limits", device=_device(source)),
    ]
    return Section(
        title=words("line.title"), paragraphs=(words("line.lead"),),
        bullets=tuple(words("line.quote", line=line) for line in said if line),
    )  # fmt: skip


def _device(source: Source) -> str:
    where = source.comparison.environment
    return where.cpu if where.device == "cpu" else where.device


def _verdict(source: Source, words: Words) -> str:
    verdict = source.comparison.verdict
    if verdict is None or verdict.reason != "decided":
        return words("line.verdict.none")
    gates = words.listed([words(f"gate.name.{gate}") for gate in verdict.decided_by])
    return words(f"line.verdict.{verdict.verdict}", gates=gates)


def _quality(source: Source, words: Words) -> str:
    party, value, interval = quality_change(source)
    if value is None and (guessing := guessing_party(source)):
        return words("line.quality.guessing", who=words(f"who.{guessing}"))
    if value is None:
        return words("line.quality.unknown")
    documents = words.counted(
        "unit.unseen_documents", source.comparison.quality.converted.documents
    )
    values = {"n": documents, "who": words(f"who.{party}"),
              "value": value_in_words("quality", value, words)}  # fmt: skip
    if interval is None:
        return words("line.quality.no_interval", **values)
    look = "worse" if interval.low > 0 else "better" if interval.high < 0 else "open"
    both = range_in_words("quality", interval.low, interval.high, words)
    return words(f"line.quality.{look}", range=both, **values)


def _recall(source: Source, words: Words) -> str:
    gate = source.gate("recall")
    (mine, n), (theirs, _) = recalled(source, "converted"), recalled(source, "original")
    if not n:
        return words("line.recall.unknown")
    if gate is not None and gate.reason == "original_fails":
        return words("line.recall.original_fails")
    values = {"n": words.counted("unit.asked", n), "converted": words.count(mine),
              "original": words.count(theirs)}  # fmt: skip
    said = words("line.recall.numbers", **values)
    if gate is not None and gate.interval is not None:
        low, high = gate.interval.low, gate.interval.high
        look = "lost" if low > 0 else "gained" if high < 0 else "open"
        said += words("list.sentence") + words(
            f"line.recall.{look}", range=range_in_words("recall", low, high, words),
            high=value_in_words("recall", high, words),
        )  # fmt: skip
    return said


def _memory(source: Source, words: Words) -> str:
    found = caches(source)
    if found is None:
        return words("line.memory.unknown")
    look = "smaller" if found.ratio < 1 else "larger" if found.ratio > 1 else "same"
    return words(
        f"line.memory.{look}", length=words.tokens(found.context_tokens),
        ratio=words.times(found.ratio), converted=words.size(found.converted),
        original=words.size(found.original),
    )  # fmt: skip


def _speed(source: Source, words: Words) -> str:
    ratio, interval, _ = decode_ratio(source)
    if ratio is None:
        return words("line.speed.unknown")
    values = {"ratio": words.times(ratio), "length": words.tokens(source.length or 0)}
    if interval is None:
        return words("line.speed.no_interval", **values)
    look = "faster" if interval.low > 1 else "slower" if interval.high < 1 else "open"
    both = range_in_words("speed", interval.low, interval.high, words)
    return words(f"line.speed.{look}", range=both, **values)


def _money(source: Source, words: Words) -> str:
    if source.money is None:
        return words("line.money.none")
    return words("line.money.given", sentence=money_sentence(source, words))


def money_sentence(source: Source, words: Words) -> str:
    """What the conversion saves or costs a month, and when it has paid for itself."""
    found = source.money
    assert found is not None
    if not found.cases:
        return words("money.outside", n=words.tokens(found.inputs.input_tokens))
    cases = {case.case: case for case in found.cases}
    base, currency = cases["base"], found.inputs.currency
    saving = base.saving_per_month
    if saving is None:
        return words("money.too_slow", limit=words.seconds(found.inputs.latency_limit_s))
    amount = words.money(abs(saving), currency)
    once = words.money(found.conversion_cost, currency)
    if saving < 0:
        said = words("money.dearer", amount=amount, once=once)
    elif saving == 0:
        said = words("money.nothing", once=once)
    else:
        months = words.number(base.payback_months, 1)
        said = words("money.saved", amount=amount, once=once, months=months)
    ends = [cases[name].saving_per_month for name in ("low", "high")]
    if None in ends:
        return said + words("list.sentence") + words("money.range_unknown")
    if ends[0] == ends[1]:
        return said + words("list.sentence") + words("money.same")
    low, high = (words.money(end, currency) for end in ends)
    return said + words("list.sentence") + words("money.range", low=low, high=high)


def _votes(source: Source, words: Words) -> str:
    votes = source.votes
    if votes is None or votes.win_rate is None:
        return ""
    rate = votes.win_rate
    low, share, high = (words.percent(100 * x, 0) for x in (rate.low, rate.estimate, rate.high))
    return words(f"line.votes.{votes.reading}", n=words.counted("unit.votes", rate.n), share=share,
                 low=low, high=high)  # fmt: skip
