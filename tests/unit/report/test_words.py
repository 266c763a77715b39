"""The two languages hold the same sentences, and one for everything that can be said."""

import re
from typing import get_args

import pytest

from engine.configs import AcceptanceGates
from engine.events import Stage
from engine.evidence.roi import MoneyInputs
from engine.evidence.verdict import GateName, OverallReason, Reason, Word
from engine.report.words import LANGS, Words, texts

_JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
_WITHOUT = re.compile(
    r"unit\.(percent|range|money)|month\.|list\.|line\.quote|risk\.gate|speed_cell|"
    r"interval_cell|score\.(rouge_l|chrf|bleu)"
)
"""Patterns that hold only numbers, marks and other sentences."""


def test_both_languages_have_the_same_keys_and_placeholders() -> None:
    english, japanese = texts("en"), texts("ja")
    assert list(english) == list(japanese) and len(english) > 300
    for key, text in english.items():
        if not key.startswith("month."):
            found = [set(re.findall(r"{(\w+)}", one)) for one in (text, japanese[key])]
            assert found[0] == found[1], key


def test_nothing_is_left_in_english() -> None:
    for key, text in texts("ja").items():
        assert _JAPANESE.search(text) or _WITHOUT.match(key), key


def test_english_holds_no_japanese() -> None:
    assert not [key for key, text in texts("en").items() if _JAPANESE.search(text)]


@pytest.mark.parametrize("lang", LANGS)
def test_every_verdict_gate_reason_setting_and_price_has_its_words(lang) -> None:
    known = set(texts(lang))
    wanted = {f"verdict.word.{word}" for word in get_args(Word)}
    wanted |= {f"verdict.meaning.{word}" for word in get_args(Word)}
    wanted |= {f"line.verdict.{word}" for word in get_args(Word)}
    wanted |= {f"verdict.overall.{reason}" for reason in get_args(OverallReason)}
    wanted |= {f"gate.{part}.{gate}" for gate in get_args(GateName) for part in ("name", "what")}
    said_by_numbers = {"within", "beyond", "crosses", "worse_at"}
    wanted |= {f"why.{reason}" for reason in get_args(Reason) if reason not in said_by_numbers}
    wanted |= {f"setting.{name}" for name in AcceptanceGates.model_fields}
    wanted |= {f"input.{name}" for name in MoneyInputs.model_fields}
    wanted |= {f"stage.{stage}" for stage in get_args(Stage)}
    assert wanted - known == set()


def test_numbers_carry_units_and_true_signs() -> None:
    en, ja = Words("en"), Words("ja")
    assert en.percent(-1.234, 2, sign=True) == "−1.23\N{NO-BREAK SPACE}%"
    assert en.percent(-0.0001, 2, sign=True) == "0.00\N{NO-BREAK SPACE}%"
    assert (en.times(0.0176), en.times(0.276), ja.times(12.3)) == ("0.018x", "0.28x", "12.30倍")
    assert en.size(4_194_304) == "4.00\N{NO-BREAK SPACE}MiB" and en.size(None) == "–"
    assert ja.money(1_234_567.8, "JPY") == "1,234,568円"
    assert ja.money(0.438, "JPY") == "0.44円"
    assert en.money(-8123.456, "USD") == "USD\N{NO-BREAK SPACE}−8,123.46"
    assert en.day("2026-11-25T09:09:19+00:00") == "25 November 2026"
    assert ja.day("2026-11-25") == "2026年11月25日" and ja.day("once") == "once"
    assert en.listed(["a", "b", "c"]) == "a, b and c" and ja.listed(["a", "b"]) == "a、b"
    assert en.tokens(1) == "1\N{NO-BREAK SPACE}token"
