"""The recall grid: both models in one scale, from what every comparison has and what was asked."""

from __future__ import annotations

import json

import gradio as gr
import pytest

from app import heat, recall_grid
from app.pages import grid
from engine.evidence.results import Comparison
from engine.runs import service
from tests.support import example_runs as examples

RESULT = examples.comparison()


def _by_language() -> Comparison:
    content = RESULT.model_dump()
    for party in ("original", "converted", "control"):
        scores = content["recall"][party]
        scores["by_language"] = [
            {**point, "language": language}
            for point in scores["by_distance"] for language in ("en", "ja")
        ]  # fmt: skip
    return Comparison.model_validate(content)


def test_facts_by_distance_are_always_there_and_tasks_where_they_were_asked() -> None:
    keys = [key for _, key in recall_grid.choices(RESULT, "en")]
    assert keys == ["distance", "passkey/en", "facts/ja"]
    none = RESULT.model_copy(update={"needles": None})
    assert [key for _, key in recall_grid.choices(none, "en")] == ["distance"]
    assert "not judged" in recall_grid.choices(RESULT, "en")[2][0]


@pytest.mark.parametrize("lang", ["en", "ja"])
@pytest.mark.parametrize("choice", ["distance", "passkey/en", "facts/ja"])
def test_both_models_stand_side_by_side_in_one_scale(choice: str, lang: str) -> None:
    pair = recall_grid.charts(RESULT, choice, lang)
    assert pair is not None
    for figure in pair:
        trace = figure["data"][0]
        assert (trace["zmin"], trace["zmax"]) == (0, 100) and figure["layout"]["title"]["text"]
        json.dumps(figure, allow_nan=False)
    assert pair[0]["data"][0]["x"] == pair[1]["data"][0]["x"]
    assert recall_grid.reading(RESULT, choice, lang)
    assert "<table" in recall_grid.table(RESULT, choice, lang)


def test_the_cells_hold_the_numbers() -> None:
    pair = recall_grid.charts(RESULT, "passkey/en", "en")
    assert pair is not None
    assert pair[1]["data"][0]["y"] == ["0 %", "100 %"]
    assert pair[1]["data"][0]["x"] == ["256", "2,048"]
    assert pair[1]["data"][0]["z"] == [[75.0, 75.0], [75.0, 75.0]]
    assert pair[0]["data"][0]["text"][0] == ["4/4", "4/4"]
    assert "finds 3/4, the original 4/4" in recall_grid.reading(RESULT, "passkey/en", "en")


def test_the_table_holds_the_control_and_the_note_says_what_is_judged() -> None:
    html = recall_grid.table(RESULT, "passkey/en", "en")
    assert "Control (original, fine-tuned)" in html and html.count("4/4") == 8
    assert "Judged: passkey (en)." in recall_grid.reading(RESULT, "passkey/en", "en")
    assert "40/40" in recall_grid.table(RESULT, "distance", "en")
    content = RESULT.model_dump()
    content["recall"]["control"] = None
    alone = recall_grid.table(Comparison.model_validate(content), "distance", "en")
    assert "Control" not in alone and "33/40" in alone


def test_languages_are_rows_nearest_first() -> None:
    pair = recall_grid.charts(_by_language(), "distance", "en")
    assert pair is not None
    trace = pair[1]["data"][0]
    assert trace["y"] == ["English", "Japanese"]
    assert trace["x"] == ["32", "256", "512", "1,024", "1,800"]
    assert trace["z"][0][-1] == pytest.approx(82.5)


def test_nothing_asked_shows_nothing() -> None:
    content = RESULT.model_dump()
    content["recall"] |= {"original": None, "converted": None, "note": "No question fits."}
    content["needles"] = None
    result = Comparison.model_validate(content)
    assert recall_grid.charts(result, "distance", "en") is None
    with gr.Blocks():
        panel = grid.build("en")
    shown = grid.values(panel, result, "en")
    assert len(shown) == len(panel.outputs()) and shown[1] == gr.update(visible=False)


def test_another_choice_is_read_from_the_run_on_show(monkeypatch) -> None:
    with gr.Blocks():
        panel = grid.build("en")
    monkeypatch.setattr(service, "comparison", lambda run_id: RESULT.model_dump())
    shown = grid.show(panel, "run", "passkey/en", "en")
    assert len(shown) == len(panel.grid.outputs()) and "Most is lost at" in str(shown[-1])


def test_ticks_are_short_enough_for_a_phone_and_never_too_many() -> None:
    pair = recall_grid.charts(RESULT, "distance", "en")
    assert pair is not None
    axis = pair[0]["layout"]["xaxis"]
    assert axis["ticktext"] == ["32", "256", "512", "1K", "1,800"]
    assert axis["tickvals"] == [0, 1, 2, 3, 4]
    names = [str(n) for n in range(32)]
    wide = heat.heat([[0.5] * 32], [[""] * 32], columns=names, rows=["a"], x_title="", y_title="",
                     top=1, unit="")  # fmt: skip
    assert len(wide["layout"]["xaxis"]["tickvals"]) <= 12
    for title in (wide["layout"][axis]["title"] for axis in ("xaxis", "yaxis")):
        assert title["standoff"] > 0, "clear of the tick labels"
