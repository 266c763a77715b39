"""What takes a moment to know of the data: lengths, whether it is enough, personal data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import median
from typing import Any

import gradio as gr

from app import components as ui
from app import length_chart, problems
from app.data_view import corpus_of
from app.numbers import count, number
from app.pages import convert, data
from app.pages.data import Chosen, DataPage
from app.text import sentences, t, tn
from engine.data.lengths import token_lengths
from engine.data.personal import PersonalData, survey
from engine.errors import EngineError
from engine.models.catalogue import bundled_models

BYTES_PER_TOKEN = 4
"""A rule of thumb for a model whose tokenizer is not here: English has about four letters a token,
Japanese a character, of three bytes, or a little more."""
USUAL_CONTEXT = 2048
"""Of such a model: no recipe trains on longer pieces."""


@dataclass(frozen=True)
class Lengths:
    """How long the documents are.

    Attributes:
        tokens: of each document.
        shown: what the picture shows of each document: tokens, or characters where no tokenizer is
            here.
        estimated: whether some of `tokens` are estimates.
        context_tokens: the model's trained context; None where it is not known.
        model: whose context it is.
    """

    tokens: Sequence[int]
    shown: Sequence[int]
    estimated: bool
    context_tokens: int | None
    model: str = ""


def lengths_of(documents: Sequence[str], model: str) -> Lengths:
    """Lengths as the chosen model's tokenizer counts them, where it is one that comes along."""
    known = next((one for one in bundled_models() if one.name == model), None)
    if known is None:
        sizes = [len(text.encode("utf-8", "replace")) for text in documents]
        guessed = [max(2, size // BYTES_PER_TOKEN) for size in sizes]
        return Lengths(guessed, [len(text) for text in documents], True, None)
    tokens, estimated = token_lengths(documents, known.folder / "tokenizer.json")
    return Lengths(tokens, tokens, estimated, known.context_tokens, known.name)


@lru_cache(maxsize=4)
def _measured(documents: tuple[str, ...], model: str) -> tuple[Lengths, PersonalData]:
    return lengths_of(documents, model), survey(documents)


def measured(page: DataPage, form: tuple[Any, ...], model: str, lang: str) -> dict[Any, Any]:
    """Values for `page.measured()`; nothing where the data cannot be read, which the preview says.

    Args:
        page: the step's components.
        form: values of `DataPage.form()`.
        model: a bundled name, or anything else for a model that is not here.
        lang: of the page.
    """
    nothing = [gr.update(visible=False), "", "", *page.lengths.update(None, "", "")]
    empty = dict(zip(page.measured(), nothing, strict=True))
    chosen = Chosen.of(form)
    try:
        with problems.guard():
            corpus = corpus_of(data.chosen_file(chosen, lang), chosen.reading)
            lengths, personal = _measured(corpus.documents, model)
    except EngineError:
        return empty
    said = told(personal, bool(chosen.settings.get("mask_personal_data")), lang)
    chart = length_chart.length_figure(
        lengths.shown, lengths.context_tokens, lang, model=lengths.model
    )
    table = length_chart.table(lengths.shown, lengths.context_tokens, lang)
    below = page.lengths.update(chart, reading(lengths, lang), table)
    shown, waiting = gr.update(visible=True), ui.notice("info", t("data.counting", lang))
    return dict(zip(page.measured(), [shown, waiting, said, *below], strict=True))


def judged(form: tuple[Any, ...], model: str, lang: str) -> str:
    """The light, as HTML; empty where the data cannot be read. For the arguments see `measured`."""
    chosen = Chosen.of(form)
    try:
        with problems.guard():
            corpus = corpus_of(data.chosen_file(chosen, lang), chosen.reading)
            return enough(corpus.documents, _measured(corpus.documents, model)[0], lang)
    except EngineError:
        return ""


def reading(lengths: Lengths, lang: str) -> str:
    """What the picture shows."""
    unit = "tokens" if lengths.context_tokens else "characters"
    parts = [
        t(f"data.reading.{unit}", lang, n=count(len(lengths.shown)),
          median=count(round(median(lengths.shown))), longest=count(max(lengths.shown)))
    ]  # fmt: skip
    if (context := lengths.context_tokens) is not None:
        longer = sum(1 for length in lengths.shown if length > context)
        if longer:
            parts.append(
                tn("data.reading.longer", lang, longer, context=count(context), model=lengths.model)
            )
        else:
            parts.append(t("data.reading.fit", lang, context=count(context), model=lengths.model))
        parts.append(t("data.reading.model", lang, model=lengths.model))
        if lengths.estimated:
            parts.append(t("data.reading.estimated", lang))
    return sentences(lang, parts)


def enough(documents: Sequence[str], lengths: Lengths, lang: str) -> str:
    """The light: a sign, a word, what it rests on and what to do, as HTML."""
    # The settings bring torch along, which the pages themselves never need.
    from engine.configs import ComparisonSettings, recipe_for
    from engine.evidence.verdict import FEW_DOCUMENTS, FEWEST
    from engine.services.sufficiency import MIN_TRAIN_TOKENS, MOST_PASSES, sufficiency

    method, name = convert.METHODS[0], convert.RECIPES[0]
    context, comparison = lengths.context_tokens or USUAL_CONTEXT, ComparisonSettings()
    found = {
        recipe: sufficiency(
            documents, lengths.tokens, recipe_for(recipe, method), comparison,
            context_tokens=context,
        )
        for recipe in convert.RECIPES
    }  # fmt: skip
    first = found[name]
    about = tn("unit.tokens", lang, _rounded(first.train_tokens))
    scored = tn("unit.documents", lang, first.scored_documents)
    recipe_names = {one: t(f"recipe.name.{one}", lang) for one in found}
    values = {
        "train": about, "scored": scored, "recipe": recipe_names[name],
        "least": count(MIN_TRAIN_TOKENS), "fewest": count(FEWEST["documents"]),
        "few": count(FEW_DOCUMENTS), "cap": count(comparison.heldout_tokens),
        "heldout": tn("unit.documents", lang, first.heldout_documents), "most": f"{MOST_PASSES:g}",
        "passes": number(first.passes, 2),
    }  # fmt: skip
    said = [t(f"data.lack.{lack}", lang, **values) for lack in first.lacks]
    tone, sign = {
        "enough": ("good", "✓"), "little": ("warn", "!"), "too_little": ("bad", "✕"),
    }[first.light]  # fmt: skip
    title = f"{sign} {t(f'data.light.{first.light}', lang)}"
    text = sentences(lang, said or [t("data.enough", lang, **values)])
    passes = t("reading.list.join", lang).join(
        t("data.passes", lang, recipe=recipe_names[one], passes=number(each.passes, 2))
        for one, each in found.items()
    )
    facts = [
        (t("data.fact.train", lang), about),
        (t("data.fact.scored", lang), f"{count(first.scored_documents)} / "
         f"{count(first.heldout_documents)}"),
        (t("data.fact.passes", lang), passes),
    ]  # fmt: skip
    return (
        ui.section(t("data.enough_title", lang), level=3, more=t("data.enough_more", lang))
        + ui.notice(tone, title, text)  # pyright: ignore[reportArgumentType]
        + ui.facts(facts)
    )


def told(personal: PersonalData, masked: bool, lang: str) -> str:
    """What personal data was found, as HTML; what is not looked for is said in any case."""
    title = ui.section(t("data.personal.title", lang), level=3)
    limits = ui.inline([t("data.personal.limits", lang)])
    if masked:
        return title + ui.notice("good", t("data.personal.replaced", lang),
                                 t("data.personal.kept_copy", lang)) + limits  # fmt: skip
    if not personal.counts:
        return title + ui.notice("info", t("data.personal.none", lang)) + limits
    rows = [
        [t(f"data.personal.kind.{kind}", lang), count(n), " ".join(personal.examples[kind])]
        for kind, n in personal.counts.items()
    ]
    columns = [t(f"data.personal.column.{name}", lang) for name in ("kind", "count", "example")]
    warning = ui.notice(
        "warn", "! " + tn("data.personal.found", lang, personal.documents),
        t("data.personal.advice", lang),
    )  # fmt: skip
    table = ui.table(columns, rows, caption=t("data.personal.title", lang), words=True)
    return title + warning + table + limits


def _rounded(tokens: int) -> int:
    """To two digits: it is an estimate."""
    step = 10 ** max(0, len(str(tokens)) - 2)
    return round(tokens / step) * step
