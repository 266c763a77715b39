"""The map by layer and head shows each reading, and layers that keep softmax say that they do."""

from __future__ import annotations

import base64
import json

import gradio as gr
import pytest

from app import fidelity
from app.pages import inner
from engine.runs import service
from tests.support import example_runs as examples

RESULT = examples.comparison()
NONE = RESULT.model_copy(update={"fidelity": None})


@pytest.mark.parametrize("lang", ["en", "ja"])
@pytest.mark.parametrize("measure", fidelity.MEASURES)
def test_every_measure_has_a_map_a_sentence_and_a_table(measure: str, lang: str) -> None:
    made = fidelity.chart(RESULT, measure, lang)
    assert made is not None
    trace = made["data"][0]
    assert len(trace["y"]) == 3 and len(trace["x"]) == 2  # layers 0 and 3, and the kept one
    assert all(x is None or 0 <= x <= trace["zmax"] for row in trace["z"] for x in row)
    json.dumps(made, allow_nan=False)
    assert "0" in fidelity.reading(RESULT, measure, lang)
    html = fidelity.table(RESULT, lang)
    assert html.count("<tr") == 1 + 4 + len(RESULT.conversion.layers_kept)
    assert 'href="data:text/csv' in html


def test_the_map_holds_the_numbers_and_names_the_kept_layer() -> None:
    made = fidelity.chart(RESULT, "output_error", "en")
    assert made is not None
    assert made["data"][0]["z"] == [[5.0, 10.0], [None, None], [80.0, None]]
    assert made["data"][0]["text"][2] == ["80.0 %", "–"]
    (note,) = made["layout"]["annotations"]
    assert (note["y"], note["text"]) == ("Layer 2", "softmax, not converted")
    assert "Layer 3 drifts most" in fidelity.reading(RESULT, "output_error", "en")


def test_a_difference_is_coloured_by_its_size_and_told_with_its_sign() -> None:
    made = fidelity.chart(RESULT, "sink_mass", "en")
    assert made is not None
    assert made["data"][0]["z"][0] == [pytest.approx(30)] * 2
    assert made["data"][0]["text"][0] == ["-30.0 %"] * 2
    look_back = fidelity.chart(RESULT, "look_back", "en")
    assert look_back is not None and look_back["data"][0]["text"][0] == ["+20"] * 2


def test_another_measure_is_read_from_the_run_on_show(monkeypatch) -> None:
    with gr.Blocks():
        panel = inner.build("en")
    monkeypatch.setattr(service, "comparison", lambda run_id: RESULT.model_dump())
    shown = inner.show_measure(panel, "run", "divergence", "en")
    assert len(shown) == len(panel.heads.outputs()) and "0.1 nats" in str(shown[-1])

    def gone(run_id: str) -> None:
        raise PermissionError(13, "Permission denied", "/data")

    monkeypatch.setattr(service, "comparison", gone)
    assert "Permission denied" in str(inner.show_measure(panel, "run", "divergence", "en")[-1])


def test_a_comparison_without_maps_shows_none() -> None:
    with gr.Blocks():
        panel = inner.build("en")
    shown = inner.values(panel, NONE, "en")
    assert len(shown) == len(panel.outputs()) and shown[0] == gr.update(visible=False)
    assert fidelity.chart(NONE, "divergence", "en") is None


def test_a_wide_model_has_a_scale_of_colours_instead_of_numbers() -> None:
    assert RESULT.fidelity
    head = RESULT.fidelity.heads[0]
    wide = tuple(head.model_copy(update={"head": n}) for n in range(32))
    found = RESULT.fidelity.model_copy(update={"heads": wide})
    made = fidelity.chart(RESULT.model_copy(update={"fidelity": found}), "divergence", "en")
    narrow = fidelity.chart(RESULT, "divergence", "en")
    assert made is not None and narrow is not None
    assert "texttemplate" not in made["data"][0] and "showscale" not in made["data"][0]
    assert narrow["data"][0]["showscale"] is False


def test_a_table_too_long_to_read_shows_means_and_saves_every_head() -> None:
    assert RESULT.fidelity
    head = RESULT.fidelity.heads[0]
    many = tuple(
        head.model_copy(update={"layer": n, "head": h, "output_error": h / 100})
        for n in range(10) for h in range(21)
    )  # fmt: skip
    found = RESULT.fidelity.model_copy(update={"heads": many})
    html = fidelity.table(RESULT.model_copy(update={"fidelity": found}), "en")
    assert html.count("<tr") == 1 + 10 + len(RESULT.conversion.layers_kept)
    assert "10.0 %" in html  # the mean of 0 to 20 %
    content = base64.b64decode(html.split("base64,")[1].split('"')[0]).decode("utf-8-sig")
    assert len(content.splitlines()) == 1 + 210 + len(RESULT.conversion.layers_kept)


def test_what_the_engine_says_of_layers_without_maps_is_told() -> None:
    assert RESULT.fidelity
    note = "Layers 0 add to plain softmax (a window, a cap): outputs only, no maps."
    foreign = RESULT.fidelity.model_copy(update={"note": note})
    example = RESULT.model_copy(update={"fidelity": foreign})
    assert note in fidelity.reading(example, "output_error", "en")


def test_how_maps_are_compared_is_told_where_maps_are_compared() -> None:
    assert RESULT.fidelity
    note = ("Jensen-Shannon divergence of maps, tokens with at least 16 tokens before them, at most"
            " 64 tokens a document. Layers 0: outputs only.")  # fmt: skip
    example = RESULT.model_copy(
        update={"fidelity": RESULT.fidelity.model_copy(update={"note": note})}
    )
    assert note in fidelity.reading(example, "divergence", "en")
    other = fidelity.reading(example, "output_error", "en")
    assert "Jensen" not in other and "Layers 0: outputs only." in other
