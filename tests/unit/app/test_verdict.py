"""The banner of the verdict: its words, its signs, and nothing that a browser would run."""

from typing import Any, get_args

import pytest

from app.text import t
from app.verdict import banner, sentence
from engine.evidence.stats import Interval
from engine.evidence.verdict import GateName, GateVerdict, Reason, Word, fewest_more, overall
from tests.support.example_runs import EVIL


def _gate(**changes: Any) -> GateVerdict:
    values = {
        "gate": "quality", "verdict": "not_enough_evidence", "reason": "crosses", "limit": 3.0,
        "value": 2.1, "interval": Interval(estimate=2.1, low=-0.4, high=4.6, n=10),
        "unit": "documents", "reference": "control", "more": 40,
    }  # fmt: skip
    return GateVerdict.model_validate({**values, **changes})


def test_a_sentence_has_the_number_the_interval_n_the_gate_and_what_would_settle_it() -> None:
    said = sentence(_gate(), "en")
    for part in ("+2.10 %", "95 % interval -0.40 % to +4.60 %", "n = 10 documents",
                 "at most 3 % worse", "About 40 more documents would settle it."):  # fmt: skip
        assert part in said


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_uneven_documents_need_a_range(lang: str) -> None:
    uneven = Interval(estimate=0.0, low=-2.0, high=10.0, n=10)
    gate = _gate(interval=uneven, more=500)
    fewest = str(fewest_more(gate))
    assert fewest in sentence(gate, lang) and "500" in sentence(gate, lang)
    open_end = sentence(gate.model_copy(update={"more": None}), lang)
    assert fewest in open_end and t("verdict.too_close", lang) not in open_end


@pytest.mark.parametrize(
    ("lang", "rests_on", "settles"),
    [("en", "measured in 5 separate starts", "7 more separate starts of both models"),
     ("ja", "別々の 5 回の起動で計測", "両モデルをあと約 7 回、別々に起動")],
)  # fmt: skip
def test_separate_starts_are_said_plainly(lang: str, rests_on: str, settles: str) -> None:
    interval = Interval(estimate=1.0, low=0.9, high=1.1, n=5)
    gate = _gate(gate="speed", unit="starts", interval=interval, more=7, context_tokens=2048)
    said = sentence(gate, lang)
    assert rests_on in said and settles in said
    assert "process" not in said and "comparison." not in said


@pytest.mark.parametrize("gate", get_args(GateName))
@pytest.mark.parametrize("reason", get_args(Reason))
def test_every_reason_of_every_gate_can_be_said(gate: GateName, reason: Reason) -> None:
    said = sentence(
        _gate(gate=gate, reason=reason, context_tokens=2048, at_tokens=(512, 1024)), "en"
    )
    assert said.endswith(".") and "{" not in said
    if reason in ("lost_at", "worse_at"):
        assert "512 and 1,024 tokens" in said


@pytest.mark.parametrize(
    ("word", "title", "tone"),
    [("go", "✓ Go", "good"), ("conditional", "! Conditional", "warn"),
     ("no_go", "✕ No-Go", "bad"), ("not_enough_evidence", "? Not enough evidence", "info")],
)  # fmt: skip
def test_the_banner_says_the_word_and_the_gate(word: Word, title: str, tone: str) -> None:
    html = banner(overall([_gate(verdict=word)], "frozen", "0"), "en")
    assert f"<strong>{title}</strong>" in html and f"ts-notice {tone}" in html
    assert "Decided by: Quality." in html and "<table" in html


def test_without_gates_before_the_run_there_is_no_verdict() -> None:
    assert "No verdict" in banner(None, "en")
    late = banner(overall([_gate(verdict="go")], "not_frozen", None), "en")
    assert "? Not enough evidence" in late and "came later" in late
    assert "<table" not in banner(overall([], "frozen", "0"), "en")


def test_the_banner_escapes() -> None:
    # Nothing in a verdict is free text; a unit that is none must not get through either.
    html = banner(overall([_gate()], "frozen", EVIL), "en")
    assert "<img" not in html and "<script" not in html


def test_facts_lost_have_no_sign_to_be_puzzled_by() -> None:
    gate = _gate(gate="recall", value=-0.0, limit=5.0, unit="questions", reference="original")
    assert "Facts lost against the original: 0.0 points." in sentence(gate, "en")
    assert "合格基準は損失 5.0 ポイント以内" in sentence(gate, "ja")
