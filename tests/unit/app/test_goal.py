"""The goal as a visitor fills it in, and as a run keeps it."""

from __future__ import annotations

from typing import Any

import gradio as gr
import pytest

from app import agreed
from app.pages import goal
from engine.configs import AcceptanceGates, RunConfig
from engine.errors import BadRunConfig
from engine.evidence.pricing import money_inputs
from engine.goal import Goal
from tests.support.example_runs import EVIL


def _form(**changes: Any) -> list[Any]:
    return list({**goal.DEFAULTS, **changes}.values())


def _config(**changes: Any) -> RunConfig:
    return RunConfig.model_validate(
        {"model": "m", "data": "d", **goal.read(_form(**changes), "en")}
    )


PRICED: dict[str, Any] = {
    "context_tokens": "4,096", "documents_per_day": "８００", "latency_limit_s": "20",
    "currency": "jpy", "prices_date": "2026-11-25", "instance_price_per_hour": "150",
}  # fmt: skip


def test_the_form_begins_with_the_engines_own_gates_and_no_price() -> None:
    config = _config()
    assert config.gates == AcceptanceGates() and config.goal == Goal()


def test_prices_and_load_become_the_money_inputs() -> None:
    config = _config(**PRICED)
    found = money_inputs(config.goal, input_tokens=config.gates.context_tokens, output_tokens=200)
    assert found is not None and found.currency == "JPY"
    assert (found.documents_per_month, found.peak_documents_per_hour) == (24_000, 100)
    assert found.conversion_price_per_hour == 150.0 and found.other_conversion_cost == 0.0


@pytest.mark.parametrize(
    "missing", ["documents_per_day", "latency_limit_s", "instance_price_per_hour",
                "context_tokens"],
)  # fmt: skip
def test_nothing_is_invented_for_a_missing_number(missing: str) -> None:
    config = _config(**{**PRICED, missing: ""})
    length = config.gates.context_tokens
    assert money_inputs(config.goal, input_tokens=length, output_tokens=200) is None


@pytest.mark.parametrize(
    ("field", "value"),
    [("context_tokens", "5"), ("context_tokens", "64.5"), ("currency", "yen!"),
     ("prices_date", "25.11.2026"), ("instance_price_per_hour", "0"), ("cache_ratio", "-1"),
     ("recall_loss_points", "101"), ("latency_limit_s", "soon"), ("cost_ratio", "nan")],
)  # fmt: skip
@pytest.mark.parametrize("lang", ["en", "ja"])
def test_a_value_that_cannot_be_is_named(field: str, value: Any, lang: str) -> None:
    from app.text import t

    with pytest.raises(BadRunConfig) as caught:
        goal.read(_form(**{**PRICED, field: value}), lang)
    assert t(f"goal.field.{field}", lang) in caught.value.message


def test_an_emptied_gate_is_no_gate() -> None:
    config = _config(quality_loss_percent="", recall_loss_points=None)
    assert config.gates.quality_loss_percent is None
    lines = agreed.gates(config.gates.model_dump(), "en")
    assert len(lines) == 2 and "memory at most 0.5×" in lines


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_what_was_agreed_is_shown_and_escaped(lang: str) -> None:
    frozen = _config(**PRICED, use_case=EVIL).model_dump(mode="json")
    html = agreed.whole(frozen, lang)
    assert "<img" not in html and "¥150" in html and "4,096" in html
    assert ("2026年11月25日" if lang == "ja" else "2026-11-25") in html
    assert "No acceptance gates" in agreed.whole({"model": "m"}, "en")


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_any_currency_is_typed_and_no_list_covers_its_hint(lang: str) -> None:
    with gr.Blocks():
        field = goal.price_fields(lang)["currency"]
    assert isinstance(field, gr.Textbox) and field.value == "JPY"
    assert all(code in str(field.info) for code in ("JPY", "USD", "EUR"))
