"""Figures show the numbers they were given, in one visual language."""

import base64
import json
import re
from functools import partial

import pytest

from app import by_context, charts, heat, tables
from app.theme import CONVERTED, ORIGINAL
from tests.support import example_runs as examples

RESULT = examples.comparison()
FIGURES = {
    "position": charts.perplexity_by_position,
    "decode": partial(by_context.speed, phase="decode", view="speed"),
    "prefill": partial(by_context.speed, phase="prefill", view="time"),
    "memory": by_context.memory,
    "room": by_context.room,
    "recall": charts.recall_by_distance,
}


def _named(figure: charts.Figure, name: str) -> dict:
    return next(trace for trace in figure["data"] if trace.get("name") == name)


@pytest.mark.parametrize("kind", FIGURES)
def test_original_and_converted_always_look_the_same(kind: str) -> None:
    figure = FIGURES[kind](RESULT, lang="en")
    original, converted = _named(figure, "Original"), _named(figure, "Converted")
    assert (original["line"]["color"], original["line"]["dash"]) == (ORIGINAL, "solid")
    assert original["marker"]["symbol"] == "circle"
    assert (converted["line"]["color"], converted["line"]["dash"]) == (CONVERTED, "dash")
    assert converted["marker"]["symbol"] == "square"
    assert figure["layout"]["xaxis"]["title"]["text"] and figure["layout"]["yaxis"]["title"]["text"]
    json.dumps(figure, allow_nan=False)


def _grey(colour: str) -> float:
    """How light a colour is in a grey print, 0 to 255."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return 0.299 * red + 0.587 * green + 0.114 * blue


@pytest.mark.parametrize("kind", FIGURES)
def test_a_grey_print_tells_both_models_apart_even_where_they_coincide(kind: str) -> None:
    figure = FIGURES[kind](RESULT, lang="en")
    below, above = _named(figure, "Original"), _named(figure, "Converted")
    assert figure["data"].index(below) < figure["data"].index(above)
    assert below["line"]["width"] >= above["line"]["width"] + 1
    assert below["marker"]["size"] >= above["marker"]["size"] + 4
    assert _grey(above["marker"]["line"]["color"]) - _grey(below["marker"]["color"]) > 100
    edges = [trace["line"] for trace in figure["data"] if trace.get("fill") == "toself"]
    assert [edge["dash"] for edge in edges if edge["width"]] in ([], ["solid", "dash"])


def test_the_scale_of_heat_maps_falls_from_light_to_dark_in_grey() -> None:
    greys = [_grey(colour) for _, colour in heat.SCALE]
    assert all(lighter - darker > 25 for lighter, darker in zip(greys, greys[1:]))


def test_the_chart_holds_the_numbers() -> None:
    memory = _named(by_context.memory(RESULT, "en"), "Original")
    assert memory["x"] == list(examples.LENGTHS)
    assert memory["y"] == [2048 * n / 2**20 for n in examples.LENGTHS]
    recall = _named(charts.recall_by_distance(RESULT, "en"), "Converted")
    assert recall["y"][-1] == pytest.approx(82.5)


def test_without_control_the_charts_do_without() -> None:
    quality = RESULT.quality.model_copy(update={"control": None})
    figure = charts.perplexity_by_position(RESULT.model_copy(update={"quality": quality}), "en")
    assert [trace["name"] for trace in figure["data"]] == ["Original", "Converted"]


def test_the_teacher_is_a_level_across_the_loss_chart() -> None:
    series = {"train": [(1.0, 2.0), (50.0, 1.0)], "teacher": [(20.0, 0.9), (40.0, 0.8)]}
    teacher = charts.loss_curve(series, "en")["data"][-1]
    assert (teacher["x"], teacher["y"]) == ([0, 50.0], [0.8, 0.8])


def test_long_curves_are_thinned_and_end_where_they_end() -> None:
    points = [(float(i), 1.0 / (i + 1)) for i in range(5000)]
    kept = charts.thinned(points)
    assert len(kept) == 300 and kept[0] == points[0] and kept[-1] == points[-1]
    assert charts.thinned(points[:10]) == points[:10]


@pytest.mark.parametrize("make", [tables.position, tables.memory, tables.recall])
def test_each_table_has_a_row_per_point(make) -> None:
    assert make(RESULT, "en").count("<tr") == 1 + 5


def test_a_trainings_table_shows_few_steps_and_saves_them_all() -> None:
    series = {"validation": [(20.0, 1.5)], "train": [(float(n), 1.0) for n in range(200)]}
    html = tables.curves(series, "Loss", "en")
    assert 30 < html.count("<tr") <= 61 and "Student (converted)" in html
    (address,) = re.findall("base64,([^\"]+)", html)
    assert base64.b64decode(address).decode("utf-8-sig").count("\n") == 201
    assert tables.curves({"transfer": []}, "Transfer", "en") == ""


def test_a_training_curve_of_the_converted_model_is_dashed_as_all_that_is_its() -> None:
    for figure in (charts.transfer_curve([(1.0, 0.9)], "en"),
                   charts.loss_curve({"train": [(1.0, 2.0)]}, "en")):  # fmt: skip
        assert figure["data"][0]["line"] | {"width": 0} == {
            "color": CONVERTED, "dash": "dash", "width": 0,
        }  # fmt: skip
