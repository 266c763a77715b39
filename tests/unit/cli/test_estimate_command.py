"""`estimate` on the command line, and goals as settings: the dry run itself is a stand-in here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.__main__ import main
from engine.cli.settings import build_config
from engine.errors import BadRunConfig
from engine.runs import estimating

SPAN = {"low": 60.0, "high": 90.0}
FOUND: dict[str, Any] = {
    "kind": "estimate",
    "dry": {"device": "cpu", "took_s": 12.0, "steps": 9},
    "recipes": {
        name: {"total_s": SPAN, "memory_bytes": {"low": 2.0**30, "high": 2.0**31},
               "currency": "JPY", "money": {"low": 4.0, "high": 6.0}, "once": 5000.0}
        for name in ("quick", "balanced")
    },
}  # fmt: skip


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    monkeypatch.setenv("T2R_STUDIO_DATA", str(tmp_path / "data"))
    configs: list[Any] = []

    def watch(config: Any, data: Path) -> Any:
        configs.append(config)
        yield {"kind": "progress", "part": "training"}
        yield FOUND

    monkeypatch.setattr(estimating, "watch", watch)
    return configs


PRICES = ("goal.prices.currency=JPY", "goal.prices.prices_date=2026-11-25",
          "goal.prices.instance_price_per_hour=150")  # fmt: skip


def test_every_recipe_is_told_as_ranges(asked: list, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate", "business-2k", "business-cases", "--set", *PRICES]) == 0
    out, err = capsys.readouterr()
    assert "quick" in out and "balanced" in out and "1.0 to 1.5 min" in out
    assert out.count("5,000 JPY") == 1
    assert "1.0 to 2.0 GiB" in out and "4.0 to 6.0 JPY" in out and "training" in err
    assert asked[0].goal.prices.instance_price_per_hour == 150


def test_doubts_come_first(
    asked: list, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(FOUND["dry"], "warnings", ["Duplicates: 9 of 10 documents."])
    assert main(["estimate", "business-2k", "business-cases"]) == 0
    assert capsys.readouterr().out.startswith("! Duplicates: 9 of 10 documents.\nrecipe")


def test_it_is_one_json_document(asked: list, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--json", "estimate", "business-2k", "business-cases"]) == 0
    assert json.loads(capsys.readouterr().out) == FOUND
    assert asked[0].recipe_name == "quick" and asked[0].goal.prices is None


@pytest.mark.parametrize(
    "arguments", [("no-such-model", "business-cases"), ("business-2k", "none")]
)
def test_what_cannot_be_is_refused_before(
    asked: list, arguments: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["estimate", *arguments]) == 2
    assert capsys.readouterr().err.startswith("error: ") and asked == []


def _goal(*assignments: str) -> Any:
    return build_config("m", "d", layers=4, assignments=assignments).goal


def test_the_goal_can_be_set() -> None:
    goal = _goal("goal.documents_per_day=800", "goal.use_case=Night shift", *PRICES)
    assert (goal.documents_per_day, goal.use_case) == (800, "Night shift")
    assert goal.prices.currency == "JPY" and goal.prices.instance_hours_per_month == 730
    assert _goal().prices is None


@pytest.mark.parametrize(
    ("assignment", "said"),
    [("goal.prices.instance_price_per_hour=150", "goal.prices.currency"),
     ("goal.nothing=1", "goal.use_case"), ("goal.documents_per_day=-1", "documents_per_day"),
     ("goal.prices=5", "one")],
)  # fmt: skip
def test_a_goal_that_cannot_be_is_explained(assignment: str, said: str) -> None:
    with pytest.raises(BadRunConfig) as refused:
        _goal(assignment)
    assert said in refused.value.message + refused.value.hint
