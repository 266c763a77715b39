"""The annexes: every table of the comparison, the answers, the votes and the money."""

from __future__ import annotations

from collections.abc import Sequence

from engine.evidence.parts import SpeedPair
from engine.evidence.roi import Roi
from engine.evidence.savings import speed_ratio
from engine.report import charts, notes
from engine.report.lines import money_sentence
from engine.report.model import Chart, Section, Table
from engine.report.source import Source
from engine.report.words import NONE, Words

_FOUR = ("original", "control", "converted", "swapped_untrained")
_THREE = _FOUR[:3]
_TWO = ("original", "converted")


def _only(*found: Chart | None) -> tuple[Chart, ...]:
    return tuple(chart for chart in found if chart is not None)


def _parties(parties: Sequence[str], words: Words) -> tuple[str, ...]:
    return tuple(words(f"party.{party}") for party in parties)


def _ratio(mine: float | None, theirs: float | None, words: Words) -> str:
    return words.times(mine / theirs) if mine and theirs else NONE


def quality(source: Source, words: Words) -> Section:
    """Held-out quality of all models, as a whole and by position."""
    found = source.comparison.quality
    scores = {party: getattr(found, party) for party in _FOUR if getattr(found, party)}
    whole = [
        (words(f"party.{party}"), words.perplexity(one.perplexity),
         words.number(one.bits_per_byte, 4), words.count(one.documents), words.count(one.tokens))
        for party, one in scores.items()
    ]  # fmt: skip
    parties = [party for party in _THREE if party in scores]
    bins = zip(*(scores[party].perplexity_by_position for party in parties))
    by_position = [
        (f"{words.count(b[0].from_token)}–{words.count(b[0].to_token - 1)}",
         *(words.perplexity(one.perplexity) for one in b))
        for b in bins
    ]  # fmt: skip
    agreement = found.top1_agreement
    columns = ("model", "perplexity", "bits_per_byte", "documents", "tokens")
    return Section(
        title=words("annex.quality"),
        paragraphs=(
            words("annex.agreement", kl=words.number(found.kl, 4),
                  share=words.percent(None if agreement is None else 100 * agreement, 1)),
        ),
        charts=_only(charts.by_position(source, words)),
        tables=(
            Table(words("table.quality"), tuple(words(f"column.{c}") for c in columns),
                  tuple(whole)),
            Table(words("table.position"), (words("column.position"), *_parties(parties, words)),
                  tuple(by_position)),
        ),
    )  # fmt: skip


def recall(source: Source, words: Words) -> Section:
    """Facts recalled by distance, and by language."""
    found = source.comparison.recall
    parties = [party for party in _THREE if getattr(found, party)]
    said = notes.recall(source, words)
    if "original" not in parties:
        return Section(title=words("annex.recall"),
                       paragraphs=(words("line.recall.unknown"), *said))  # fmt: skip
    tables = []
    for table, field in (("recall", "by_distance"), ("language", "by_language")):
        points = zip(*(getattr(getattr(found, party), field) for party in parties))
        rows = [
            (*((words(f"language.{p[0].language}"),) if field == "by_language" else ()),
             words.count(p[0].distance_tokens), *(words.fraction(one.correct, one.n) for one in p))
            for p in points
        ]  # fmt: skip
        head = (words("column.language"),) if field == "by_language" else ()
        if rows:
            columns = (*head, words("column.distance"), *_parties(parties, words))
            tables.append(Table(words(f"table.{table}"), columns, tuple(rows)))
    return Section(title=words("annex.recall"), paragraphs=said,
                   charts=_only(charts.recall(source, words)), tables=tuple(tables))  # fmt: skip


def _speed(value: float | None, words: Words) -> str:
    return words.number(value, 0 if value is not None and value >= 1000 else 1)


def _speed_table(pair: SpeedPair, phase: str, words: Words, batch: int = 1) -> Table:
    rows = []
    for theirs, mine in zip(pair.original, pair.converted):
        cells = [
            words("out_of_memory") if p.out_of_memory else words(
                "speed_cell", median=_speed(p.tokens_per_s, words), low=_speed(p.p10, words),
                high=_speed(p.p90, words))
            for p in (theirs, mine)
        ]  # fmt: skip
        beyond = "*" if mine.beyond_trained_context else ""
        rows.append((words.count(mine.context_tokens) + beyond, *cells,
                     words.times(speed_ratio(mine, theirs)),
                     words.count(mine.repeats)))  # fmt: skip
    columns = (words("column.context"), *_parties(_TWO, words), words("column.ratio"),
               words("column.repeats"))  # fmt: skip
    title = words(f"table.{phase}")
    if batch > 1:
        title = words("table.batch", title=title, n=words.count(batch))
    return Table(title, columns, tuple(rows))


def speed(source: Source, words: Words) -> Section:
    """Decode and prefill by context length."""
    found = source.comparison.speed
    paragraphs = [words("annex.speed_cells")]
    if any(p.beyond_trained_context for p in found.decode.converted):
        paragraphs.append(words("annex.beyond"))
    return Section(
        title=words("annex.speed"), paragraphs=(*paragraphs, *notes.speed(source, words)),
        charts=_only(charts.speed(source, words, "prefill")),
        tables=(
            _speed_table(found.decode, "decode", words),
            _speed_table(found.prefill, "prefill", words),
            *(_speed_table(getattr(one.speed, phase), phase, words, one.batch_size)
              for one in source.comparison.batches for phase in ("decode", "prefill")),
        ),
        quotes=notes.speed_quotes(source, words),
    )  # fmt: skip


def memory(source: Source, words: Words) -> Section:
    """Cache and peak memory by context length."""
    found = source.comparison.memory
    rows = [
        (words.count(a.context_tokens), words.count(a.cache_bytes), words.count(b.cache_bytes),
         _ratio(b.cache_bytes, a.cache_bytes, words), words.size(a.peak_bytes),
         words.size(b.peak_bytes))
        for a, b in zip(found.original, found.converted)
    ]  # fmt: skip
    peaks = tuple(words("column.peak", party=name) for name in _parties(_TWO, words))
    columns = (words("column.context"), *_parties(_TWO, words), words("column.ratio"), *peaks)
    return Section(title=words("annex.memory"),
                   tables=(Table(words("table.memory"), columns, tuple(rows)),))  # fmt: skip


def answers(source: Source, words: Words) -> Section:
    """One prompt, both answers word for word, and which weights wrote them."""
    found = source.comparison.answers
    quotes = [(words("quote.prompt", n=words.tokens(found.prompt_tokens)), found.prompt_tail)]
    if found.expected is not None:
        quotes.append((words("quote.expected"), found.expected))
    rows = []
    for party in _TWO:
        one = getattr(found, party)
        quotes.append((words("quote.answer", party=words(f"party.{party}")), one.text))
        rows.append((words(f"party.{party}"), notes.attention(one.attention, words),
                     one.weights_sha256))  # fmt: skip
    columns = (words("column.model"), words("column.attention"), words("column.weights"))
    return Section(
        title=words("annex.answers"), paragraphs=(words("annex.answers_text"),),
        tables=(Table(words("table.weights"), columns, tuple(rows), words=True),),
        quotes=tuple(quotes),
    )  # fmt: skip


def votes(source: Source, words: Words) -> Section | None:
    """The count of the blind votes."""
    found = source.votes
    if found is None:
        return None
    rows = [
        (words(f"votes.{name}"), words.count(getattr(found, name)))
        for name in ("pairs", "same_answers", "converted", "original", "tie", "both_bad")
    ]
    columns = (words("column.votes"), words("column.count"))
    said = words(f"votes.reading.{found.reading}")
    if found.win_rate is None:
        said = words("votes.reading.none")
    return Section(title=words("annex.votes"), paragraphs=(said,),
                   tables=(Table(words("table.votes"), columns, tuple(rows)),))  # fmt: skip


def money_cases(found: Roi, words: Words) -> Table | None:
    """Cost, machines, saving and payback in the three cases."""
    if not found.cases:
        return None
    currency = found.inputs.currency
    rows = [
        (
            words(f"case.{case.case}"),
            *(words.money(getattr(case, party).cost_per_1000_documents, currency)
              for party in _TWO),
            *(words.count(getattr(case, party).instances) for party in _TWO),
            words.money(case.saving_per_month, currency),
            words("never") if case.payback_months is None
            else words("unit.months", n=words.number(case.payback_months, 1)),
        )
        for case in found.cases
    ]  # fmt: skip
    columns = ("case", "cost_original", "cost_converted", "machines_original",
               "machines_converted", "saving", "payback")  # fmt: skip
    return Table(words("table.money"), tuple(words(f"column.{c}") for c in columns), tuple(rows))


def money(source: Source, words: Words) -> Section | None:
    """The user's prices and load, and both models' time per document by length."""
    found = source.money
    if found is None:
        return None
    inputs = [
        (words(f"input.{name}"), words.day(value.isoformat()) if name == "prices_date"
         else value if name == "currency" else f"{value:,.10g}")
        for name, value in found.inputs
    ]  # fmt: skip
    by_input = [
        (words.count(one.input_tokens), words.seconds(one.original_s),
         words.seconds(one.converted_s), _ratio(one.converted_s, one.original_s, words))
        for one in found.by_input
    ]  # fmt: skip
    return Section(
        title=words("annex.money"),
        paragraphs=(money_sentence(source, words), words("annex.money_how")),
        tables=(
            *([cases] if (cases := money_cases(found, words)) else []),
            Table(words("table.inputs"), (words("column.input"), words("column.value")),
                  tuple(inputs)),
            Table(words("table.by_input"),
                  (words("column.input_tokens"), *_parties(_TWO, words), words("column.ratio")),
                  tuple(by_input)),
        ),
    )  # fmt: skip
