"""Is the data enough: each lack is found where it is, and a run agrees."""

from __future__ import annotations

import pytest

from engine.configs import RECIPES, ComparisonSettings
from engine.data.split import split
from engine.services.sufficiency import Lack, Light, sufficiency
from tests.support.data_files import ENGLISH

QUICK = RECIPES["quick"]


def found(documents: int, tokens: int, **settings: int) -> tuple[Light, tuple[Lack, ...]]:
    texts = [f"{n} {ENGLISH[n % 60]}" for n in range(documents)]
    comparison = ComparisonSettings.model_validate(settings)
    judged = sufficiency(texts, [tokens] * documents, QUICK, comparison, context_tokens=2048)
    assert judged.heldout_documents == len(split(texts, 0).heldout)
    return judged.light, judged.lacks


@pytest.mark.parametrize(
    ("documents", "tokens", "light", "lacks"),
    [
        (600, 400, "enough", ()),
        (600, 200, "little", ("repeats",)),
        (200, 1500, "little", ("few_documents",)),
        (900, 2000, "little", ("few_scored",)),
        (40, 500, "too_little", ("no_interval", "repeats")),
        (40, 60, "too_little", ("train_tokens", "scored_tokens", "no_interval", "repeats")),
    ],
)
def test_what_is_lacking_is_named_the_gravest_first(
    documents: int, tokens: int, light: Light, lacks: tuple[Lack, ...]
) -> None:
    assert found(documents, tokens) == (light, lacks)


def test_a_larger_limit_scores_more_of_long_documents() -> None:
    assert found(900, 2000, heldout_tokens=200_000) == ("enough", ())


def test_documents_beyond_the_context_are_cut_as_the_run_cuts_them() -> None:
    texts = [f"{n} {text}" for n, text in enumerate(ENGLISH * 5)]
    judged = sufficiency(texts, [5_000] * 300, QUICK, ComparisonSettings(), context_tokens=1024)
    # 30 held-out documents of five pieces; their first pieces use up the 40,000 tokens scored.
    assert 25 <= judged.heldout_documents and judged.scored_documents >= 25
    assert judged.passes == judged.read_tokens / judged.train_tokens < 1


def test_hardly_any_text_is_not_enough() -> None:
    light, lacks = found(3, 2)
    assert light == "too_little" and lacks[0] == "train_tokens"
