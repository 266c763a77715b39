"""Several seeds of one training, in sentences."""

from __future__ import annotations

from collections.abc import Mapping

from app.numbers import count, number, percent
from app.readings import listed
from app.text import sentences, t
from engine.evidence.seeds import Seeds
from engine.evidence.verdict import Word


def told(found: Seeds, lang: str) -> str:
    """The verdicts, the gates on which the seeds differ, and the change in perplexity."""
    names = listed([one.run for one in found.runs], lang)
    said = [
        t("contrast.seed.verdicts", lang, runs=names, verdicts=_counts(found.verdicts, found, lang))
    ]
    split = [
        t(
            "contrast.seed.gate", lang, gate=t(f"verdict.gate.{gate}", lang),
            verdicts=_counts(counts, found, lang),
        )
        for gate, counts in found.gates.items()
        if len(counts) > 1
    ]
    if split:
        said.append(t("contrast.seed.split", lang, gates=listed(split, lang)))
    elif found.verdicts and found.agreed is None:
        said.append(t("contrast.seed.depends", lang))
    return sentences(lang, [*said, _change(found, lang)])


def _counts(verdicts: Mapping[Word, int], found: Seeds, lang: str) -> str:
    """How many of the seeds have which verdict."""
    n = len(found.runs)
    if not verdicts:
        return t("verdict.none", lang)
    if list(verdicts.values()) == [n]:
        word = t(f"verdict.word.{next(iter(verdicts))}", lang)
        return t("contrast.seed.all", lang, word=word, n=count(n))
    return listed(
        [
            t("contrast.seed.some", lang, word=t(f"verdict.word.{word}", lang), n=count(k))
            for word, k in verdicts.items()
        ],
        lang,
    )


def _change(found: Seeds, lang: str) -> str:
    """The change in perplexity over the seeds, with its spread and interval."""
    if found.mean_percent is None or found.spread_points is None:
        return t("contrast.seed.unknown", lang)

    def signed(value: float | None) -> str:
        return percent((value or 0.0) / 100, 2, lang=lang)

    values = {
        "who": t(f"party.{found.reference}", lang), "mean": signed(found.mean_percent),
        "least": signed(found.least_percent), "most": signed(found.most_percent),
        "spread": number(found.spread_points, 2),
    }  # fmt: skip
    if found.interval is None:
        return t("contrast.seed.no_interval", lang, **values)
    return t(
        "contrast.seed.change", lang, low=signed(found.interval.low),
        high=signed(found.interval.high), **values,
    )  # fmt: skip
