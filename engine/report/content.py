"""The one content of all formats: a run's config, comparison and verdict as a `Report`."""

from __future__ import annotations

from engine.report import ablation_annex, annexes, charts, provenance, task_annex
from engine.report.control_annex import controls
from engine.report.headline import figures
from engine.report.inner import attention
from engine.report.judgement import gate_rows, overall
from engine.report.lines import lines, money_sentence
from engine.report.model import Report, Section
from engine.report.risks import risks, untested
from engine.report.source import Source
from engine.report.words import Lang, Words


def content(source: Source, lang: Lang) -> Report:
    """Everything a report says, in one language."""
    words = Words(lang)
    mark, sentence, meaning = overall(source, words)
    where = source.comparison.environment
    date, facts = words.day(where.date), source.comparison.conversion
    pages = (
        annexes.quality(source, words),
        annexes.recall(source, words),
        task_annex.task(source, words),
        task_annex.mqar(source, words),
        ablation_annex.parts(source, words),
        controls(source, words),
        attention(source, words),
        annexes.speed(source, words),
        annexes.memory(source, words),
        annexes.answers(source, words),
        annexes.votes(source, words),
        annexes.money(source, words),
        provenance.measured(words),
        provenance.gates(source, words),
        provenance.settings(source, words),
        provenance.environment(source, words),
    )
    use_case = str((source.config.get("goal") or {}).get("use_case") or "")
    run = source.run_id if source.name is None else f"{source.name} ({source.run_id})"
    return Report(
        lang=lang,
        title=words("report.title", model=source.model),
        subtitle=words("report.subtitle", method=facts.method, converted=len(
            facts.layers_converted), layers=len(facts.layers_converted + facts.layers_kept)),
        facts=(
            *([(words("fact.use_case"), use_case)] if use_case else ()),
            (words("fact.run"), run),
            (words("fact.measured"), date),
            (words("fact.data"), str(source.comparison.dataset.get("name", ""))),
            (words("fact.on"), where.cpu if where.device == "cpu" else where.device),
        ),
        verdict=mark,
        sentence=sentence,
        meaning=meaning,
        figures=figures(source, words),
        gates=gate_rows(source, words),
        lines=lines(source, words),
        money=_money(source, words),
        charts=tuple(
            chart for chart in (charts.memory(source, words), charts.speed(source, words, "decode"))
            if chart
        ),
        risks=risks(source, words),
        untested=untested(words),
        annexes=tuple(page for page in pages if page is not None),
        footer=words("report.footer", run=source.run_id, version=where.engine),
    )  # fmt: skip


def _money(source: Source, words: Words) -> Section:
    title = words("money.title")
    if source.money is None:
        return Section(title=title, paragraphs=(words("money.none"),))
    inputs = source.money.inputs
    basis = words("money.basis", date=words.day(inputs.prices_date.isoformat()),
                  documents=words.number(inputs.documents_per_month, 0),
                  input_tokens=words.tokens(inputs.input_tokens),
                  output_tokens=words.tokens(inputs.output_tokens))  # fmt: skip
    cases = annexes.money_cases(source.money, words)
    later = (words("money.later"),) if source.money_later else ()
    return Section(title=title, paragraphs=(money_sentence(source, words), basis, *later),
                   tables=(cases,) if cases else ())  # fmt: skip
