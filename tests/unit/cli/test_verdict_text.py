"""The verdict and the money as the command line says them."""

import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest

from engine.cli import verdict as text
from engine.cli.money import with_money
from engine.errors import BadRunConfig
from engine.evidence.stats import Interval
from engine.evidence.verdict import GateVerdict, Reason, overall
from tests.support import example_runs as examples
from tests.unit.evidence.test_roi import INPUTS


def _gate(**changes: Any) -> GateVerdict:
    values = {
        "gate": "quality", "verdict": "not_enough_evidence", "reason": "crosses", "limit": 3.0,
        "value": 2.1, "interval": Interval(estimate=2.1, low=-0.4, high=4.6, n=10),
        "unit": "documents", "reference": "control", "more": 40,
    }  # fmt: skip
    return GateVerdict.model_validate({**values, **changes})


def _said(gate: GateVerdict) -> str:
    return text.sentence(gate.model_dump(mode="json"))


def test_uneven_documents_need_a_range():
    uneven = Interval(estimate=0.0, low=-2.0, high=10.0, n=10)
    assert re.search(r"About \d+ to 500 more documents", _said(_gate(interval=uneven, more=500)))
    said = _said(_gate(interval=uneven, more=None))
    assert re.search(r"At least about \d+ more documents", said) and "too close" not in said


def test_an_open_question_says_what_would_settle_it():
    assert _said(_gate()) == (
        "Perplexity is +2.10 % against the control (95 % interval -0.40 % to +4.60 %; n = 10"
        " documents); the acceptance gate is at most +3 %. About 40 more documents would settle it."
    )


def test_documents_that_are_there_already_are_named():
    assert "4 held-out documents lay beyond the token budget" in _said(_gate(unscored=4))
    assert "beyond the token budget" not in _said(_gate(verdict="go", reason="within", unscored=4))


@pytest.mark.parametrize("reason", get_args(Reason))
def test_every_reason_has_a_sentence(reason):
    gate = _gate(gate="speed", reason=reason, context_tokens=2048, at_tokens=(512, 1024), more=None)
    said = _said(gate)
    assert "2,048 tokens" in said and "at least 3x" in said and said.endswith(".")


def test_conditions_name_the_lengths():
    lost = _gate(gate="recall", verdict="conditional", reason="lost_at", at_tokens=(512, 1843))
    assert "fewer facts are found 512, 1,843 tokens back" in _said(lost)
    worse = _gate(gate="memory", verdict="conditional", reason="worse_at", at_tokens=(512,),
                  context_tokens=2048)  # fmt: skip
    assert "it is larger than the original at 512 tokens" in _said(worse)


def test_the_verdict_names_the_gate_that_decided():
    found = overall([_gate(verdict="go"), _gate(gate="recall", verdict="no_go")], "frozen", "0")
    said = text.verdict(found.model_dump(mode="json"))
    assert said.startswith("Verdict: No-Go. Decided by: recall.\n  quality: Go. ")
    late = overall([_gate(verdict="go")], "not_frozen", None)
    assert "set before the run" in text.verdict(late.model_dump(mode="json"))
    assert "none" in text.verdict(None)


def test_a_file_of_schema_version_1_still_prints():
    old = examples.comparison().model_dump(mode="json")
    del old["verdict"]
    said = text.comparison(old)
    assert said.startswith("Verdict: none.") and "Quality on" in said


def _prices(folder: Path, **changes: Any) -> Path:
    file = folder / "prices.json"
    file.write_text(json.dumps({**INPUTS, "latency_limit_s": 30.0, **changes}))
    return file


def test_money_is_added_to_the_comparison(tmp_path):
    old = examples.comparison().model_dump(mode="json")
    document, said = with_money(old, _prices(tmp_path))
    assert document["money"]["inputs"]["currency"] == "JPY"
    assert {k: v for k, v in document.items() if k != "money"} == old
    assert "prices of 2026-11-25" in said and "payback (months)" in said and "never" in said
    _, said = with_money(old, _prices(tmp_path, input_tokens=100_000))
    assert "No figures for inputs of 100,000 tokens" in said
    _, said = with_money(old, _prices(tmp_path, latency_limit_s=0.001))
    assert "takes longer than 0.001 s" in said


def test_bad_prices_are_named(tmp_path):
    old = examples.comparison().model_dump(mode="json")
    for changes, what in (({"currency": "yen"}, "currency"), ({"prices_date": 3.5}, "prices_date")):
        with pytest.raises(BadRunConfig, match=what):
            with_money(old, _prices(tmp_path, **changes))
    with pytest.raises(BadRunConfig, match="cannot be read"):
        with_money(old, tmp_path / "none.json")
