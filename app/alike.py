"""How alike original and converted model behave: word by word, in whole texts, on other text."""

from __future__ import annotations

from app import components as ui
from app import notes
from app.numbers import count, number, percent, perplexity
from app.text import sentences, t, tn
from engine.evidence.behaviour_parts import Likeness, LikenessReport
from engine.evidence.results import Comparison


def section(comparison: Comparison, lang: str) -> str:
    """The whole section as HTML; empty for comparisons of earlier versions."""
    report = comparison.likeness
    if report is None:
        return ""
    parts = [_words(report, lang), _texts(comparison, lang), _other(comparison, lang)]
    return (
        ui.section(t("alike.title", lang), t("alike.text", lang), more=t("glossary.alike", lang))
        + ui.bullets([part for part in parts if part])
        + ui.folded(t("compare.table", lang), _table(report, lang))
    )


def _words(report: LikenessReport, lang: str) -> str:
    """All tokens together, and the class of tokens where the models differ most."""
    whole = report.overall
    if whole.kl is None:
        return t("alike.unknown", lang)
    sentence = t(
        "alike.words", lang, top1=percent(whole.top1, 1, lang),
        top5=percent(whole.top5, 1, lang),
        p95=number(whole.kl_p95, 2), kl=number(whole.kl, 2),
    )  # fmt: skip
    if not report.by_class:
        return sentence
    worst = min(report.by_class, key=lambda group: group.top1 or 0.0)
    return sentences(lang, [sentence, tn(
        "alike.worst", lang, worst.tokens, kind=t(f"alike.class.{worst.token_class}", lang),
        top1=percent(worst.top1, 1, lang),
    )])  # fmt: skip


def _texts(comparison: Comparison, lang: str) -> str:
    """Whole continuations, with the control's for scale."""
    found = comparison.continuations
    if found is None:
        return ""
    sentence = tn(
        "alike.texts", lang, len(found.documents), new=count(found.new_tokens),
        prefix=number(found.converted.mean_prefix_tokens, 2),
        rouge=percent(found.converted.mean_rouge_l, lang=lang),
    )  # fmt: skip
    if found.control is None:
        return sentence
    return sentences(lang, [sentence, t(
        "alike.control", lang, prefix=number(found.control.mean_prefix_tokens, 2),
        rouge=percent(found.control.mean_rouge_l, lang=lang),
    )])  # fmt: skip


def _other(comparison: Comparison, lang: str) -> str:
    """Text that is not the user's."""
    found = comparison.forgetting
    if found is None:
        return ""
    if found.original is None or found.converted is None:
        return t("alike.other.none", lang, note=notes.told(found.note, lang))
    return t(
        "alike.other.some", lang, note=notes.told(found.note, lang),
        original=perplexity(found.original.perplexity),
        converted=perplexity(found.converted.perplexity),
        control=perplexity(found.control.perplexity if found.control else None),
    )  # fmt: skip


def _table(report: LikenessReport, lang: str) -> str:
    rows: list[tuple[str, Likeness]] = [(t("alike.all", lang), report.overall)]
    rows += [
        (f"{count(of.from_token)}–{count(of.to_token - 1)}", of) for of in report.by_position
    ]
    rows += [(t(f"alike.class.{of.token_class}", lang), of) for of in report.by_class]
    cells = [
        (name, number(of.kl), number(of.kl_p95), percent(of.top1, 1, lang),
         percent(of.top5, 1, lang),
         count(of.tokens))
        for name, of in rows
    ]  # fmt: skip
    columns = [
        t("alike.group", lang), t("alike.kl", lang), t("alike.kl_p95", lang),
        t("alike.top1", lang), t("alike.top5", lang), t("table.scored", lang),
    ]  # fmt: skip
    return ui.table(columns, cells, caption=t("alike.title", lang))
