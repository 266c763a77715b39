"""Attention maps side by side, what a token drew on, and the state: all numbers, all escaped."""

from __future__ import annotations

import json

import gradio as gr
import pytest

from app import maps, state_table
from app.pages import inner
from engine.evidence.fidelity_parts import Fidelity
from engine.runs import service
from tests.support import example_runs as examples

RESULT = examples.comparison()
assert RESULT.fidelity and RESULT.fidelity.maps
FOUND, MAPS = RESULT.fidelity, RESULT.fidelity.maps


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_both_maps_share_their_scale_and_hold_the_weights(lang: str) -> None:
    pair = maps.head_figures(MAPS, MAPS.heads[0], lang)
    for figure, first in zip(pair, (0.4, 0.2), strict=True):
        trace = figure["data"][0]
        assert trace["x"] == [-2, -1, 0, 1, 2, 3, 4, 5] and len(trace["z"]) == 6
        assert trace["z"][0][0] == pytest.approx(first**0.5) and trace["z"][0][3:] == [None] * 5
        assert trace["zmax"] == pair[0]["data"][0]["zmax"] == pytest.approx(0.7**0.5)
        text = json.dumps(figure, allow_nan=False)
        assert "<img" not in text and "&lt;img" in text
    html = maps.head_table(MAPS, MAPS.heads[0], lang)
    assert html.count("<tr") == 7 and "<img" not in html
    assert "40" in maps.head_reading(MAPS.heads[0], lang)


def test_a_token_that_cannot_be_seen_still_has_a_name() -> None:
    assert [maps.word(MAPS, i, "en") for i in (1, 3, 4)] == ["465 ␣", "467 ⏎", "468 ·"]
    nameless = MAPS.model_copy(update={"tokens": ()})
    assert maps.word(nameless, 2, "en") == "466"


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_what_a_token_drew_on_adds_up_to_all_it_gave(lang: str) -> None:
    for token in range(6):
        figure = maps.attribution(MAPS, token, lang)
        for trace in figure["data"]:
            assert sum(trace["x"]) == pytest.approx(100)
        assert "<img" not in json.dumps(figure, allow_nan=False)
    assert maps.attribution_table(MAPS, 5, lang).count("<tr") == 1 + 8
    said = maps.attribution_reading(MAPS, 5, lang)
    assert "50" in said and "30" in said


def test_only_the_main_sources_are_named_and_the_rest_is_summed() -> None:
    side = {"first": (0.1,) * 20, "earlier": (0.0,) * 20,
            "passage": [[0.9 / (n + 1)] * (n + 1) for n in range(20)]}  # fmt: skip
    long = type(MAPS).model_validate(
        {**MAPS.model_dump(), "tokens": (), "mean_original": side, "mean_converted": side}
    )
    figure = maps.attribution(long, 19, "en")
    assert len(figure["data"][0]["y"]) == 2 + 8 + 1
    assert figure["data"][0]["y"][-1] == "the rest of the passage"
    assert sum(figure["data"][0]["x"]) == pytest.approx(100)


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_the_state_says_what_grows_and_what_is_dead(lang: str) -> None:
    html = state_table.section(FOUND, lang)
    assert html.count("<tr") == 3 and "12.5" in html and "3.0" in html
    none = Fidelity.model_validate({**FOUND.model_dump(), "states": [], "state_at_tokens": []})
    assert "<table" not in state_table.section(none, lang)


def test_growth_starts_where_the_far_field_does() -> None:
    assert state_table.growth(FOUND.states[0]) == pytest.approx(3)
    assert state_table.growth(FOUND.states[1]) is None
    alive = FOUND.model_copy(update={"states": FOUND.states[1:]})
    assert state_table.reading(alive, "en") == "Every feature fired at least once."


def _panel() -> inner.InnerPanel:
    with gr.Blocks():
        return inner.build("en")


def test_choices_are_read_from_the_run_on_show(monkeypatch) -> None:
    panel = _panel()
    shown = inner.values(panel, RESULT, "en")
    assert len(shown) == len(panel.outputs())
    monkeypatch.setattr(service, "comparison", lambda run_id: RESULT.model_dump())
    assert "Layer 0, head 0" in str(inner.show_head(panel, "run", "1", "en")[-1])
    assert "Token 464 The" in str(inner.show_token(panel, "run", "0", "en")[-1])


def test_an_older_comparison_says_that_there_are_no_maps(monkeypatch) -> None:
    panel = _panel()
    older = RESULT.model_dump()
    older["fidelity"] |= {"maps": None, "states": [], "state_at_tokens": []}
    shown = inner.values(panel, type(RESULT).model_validate(older), "en")
    assert len(shown) == len(panel.outputs())
    said = " ".join(str(one) for one in shown)
    assert "maps were not measured in this run" in said and "Not measured in this run" in said
    monkeypatch.setattr(service, "comparison", lambda run_id: older)
    assert inner.show_head(panel, "run", "0", "en")[0] == gr.update(visible=False)
    assert inner.show_token(panel, "run", "0", "en")[0] == gr.update(visible=False)
