"""Charts by the length of the input: nothing that happened is missing, nothing is made up."""

from __future__ import annotations

import json
from typing import Any

import gradio as gr
import pytest

from app import by_context, lengths, room_reading, speed_reading, tables
from app.by_context import Phase, View
from app.pages import pace
from engine.evidence.results import Comparison
from engine.runs import service
from tests.support import example_runs as examples

RESULT = examples.comparison()
EIGHT_GIB = 8 * 2**30


def _without(*gone: tuple[str, int]) -> Comparison:
    """The comparison in which these models ran out of memory at these lengths."""
    content = RESULT.model_dump()
    for party, tokens in gone:
        for phase in ("decode", "prefill"):
            for point in content["speed"][phase][party]:
                if point["context_tokens"] == tokens:
                    point |= {"tokens_per_s": None, "p10": None, "p90": None, "median_ms": None,
                              "out_of_memory": True}  # fmt: skip
        for point in content["memory"][party]:
            if point["context_tokens"] == tokens:
                point["cache_bytes"] = None
    return Comparison.model_validate(content)


def _named(figure: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return [trace for trace in figure["data"] if name in trace.get("name", "")]


def test_ticks_are_powers_of_two_few_and_short() -> None:
    axis = lengths.token_axis([128, 512, 1024, 2048, 4096, 8192])
    assert axis["type"] == "log"
    assert axis["ticktext"] == ["128", "256", "512", "1K", "2K", "4K", "8K"]
    wide = lengths.token_axis([64, 3_000_000])
    assert wide["ticktext"][-1] == "2M" and len(wide["tickvals"]) <= 7
    far = lengths.token_axis([128, 8192, 800_000])["ticktext"]
    assert far == ["128", "1K", "8K", "64K", "512K"], "more would touch on a phone"
    assert lengths.token_axis([1843])["tickvals"] == [1843]
    assert lengths.token_axis([])["tickvals"] == []
    assert lengths.byte_axis([2**20, 2**34])["ticktext"][-1] == "16 GiB"
    assert lengths.time_axis([4.0, 2500.0])["ticktext"][:3] == ["1 ms", "3 ms", "10 ms"]


@pytest.mark.parametrize("view", by_context.VIEWS)
@pytest.mark.parametrize("phase", ["decode", "prefill"])
def test_every_chart_has_bands_points_and_the_crossover_with_its_number(
    phase: Phase, view: View
) -> None:
    figure = by_context.speed(RESULT, phase, view, "en")
    bands = [trace for trace in figure["data"] if trace.get("fill") == "toself"]
    assert len(bands) == 2 and all(len(band["x"]) == 10 for band in bands)
    for name in ("Original", "Converted"):
        (trace,) = _named(figure, name)
        assert trace["x"] == list(examples.LENGTHS) and "markers" in trace["mode"]
    crossing = _named(figure, "Crossover")
    assert [trace["name"] for trace in crossing] == (
        ["Crossover: about 2,300 tokens"] if phase == "decode" else []
    )
    json.dumps(figure, allow_nan=False)


def test_time_is_the_other_side_of_speed() -> None:
    (speed,) = _named(by_context.speed(RESULT, "prefill", "speed", "en"), "Converted")
    (time,) = _named(by_context.speed(RESULT, "prefill", "time", "en"), "Converted")
    assert time["y"][-1] == pytest.approx(1000 * 8192 / speed["y"][-1])
    (step,) = _named(by_context.speed(RESULT, "decode", "time", "en"), "Original")
    assert step["y"][0] == pytest.approx(RESULT.speed.decode.original[0].median_ms)


def test_where_memory_ran_out_there_is_a_cross_and_a_sentence_and_no_invented_point() -> None:
    result = _without(("original", 4096), ("original", 8192), ("converted", 8192))
    for figure in (
        by_context.speed(result, "decode", "speed", "en"),
        by_context.speed(result, "prefill", "time", "en"),
        by_context.memory(result, "en"),
    ):
        crosses = {trace["name"]: trace for trace in _named(figure, "out of memory")}
        assert crosses["Original: out of memory"]["x"] == [4096, 8192]
        assert crosses["Converted: out of memory"]["x"] == [8192]
        assert all(cross["yaxis"] == "y3" for cross in crosses.values()), "on no scale of readings"
        heights = [cross["y"][-1] for cross in crosses.values()]
        assert len(set(heights)) == 2, "one does not hide the other"
        assert _named(figure, "Original")[0]["y"][-1] is None
    said = speed_reading.timing(result, "decode", "speed", "en")
    assert "Out of memory: Original at 4,096, 8,192 tokens" in said
    assert "out of memory" in tables.speed(result, "decode", "time", "en")
    assert "out of memory" in tables.memory(result, "en")
    assert _named(by_context.room(result, "en"), "Converted: out")[0]["x"] == [8192]


def test_what_fits_is_drawn_on_and_named_as_such() -> None:
    figure = by_context.room(RESULT, "en")
    drawn = _named(figure, "Extrapolated")
    assert [trace["x"][-1] for trace in drawn] == [4_100_000, 16_000_000]
    assert all(trace["line"]["dash"] == "dot" for trace in drawn)
    assert _named(figure, "Memory of the device")[0]["y"] == [EIGHT_GIB, EIGHT_GIB]
    said = room_reading.room(RESULT, "en")
    assert "original about 4,100,000 tokens (extrapolated), converted model about 16,000" in said
    assert "no model was trained for such lengths" in said and "did not record" in said
    html = tables.room(RESULT, "en")
    assert "4,100,000 (extrapolated)" in html and "8.00 GiB" in html


def test_what_was_measured_as_too_long_is_not_drawn_on() -> None:
    result = _without(("original", 8192))
    assert "original 4,096 tokens, but not 8,192" in room_reading.room(result, "en")
    both = _without(("original", 8192), ("converted", 8192))
    assert "did not record" not in room_reading.room(both, "en"), "measured with its weights"
    figure = by_context.room(result, "en")
    assert len(_named(figure, "Extrapolated")) == 1
    none = _without(*(("original", n) for n in examples.LENGTHS))
    assert "original not 512 tokens" in room_reading.room(none, "en")
    json.dumps(by_context.room(none, "en"), allow_nan=False)


def test_without_the_devices_memory_nothing_is_claimed() -> None:
    environment = RESULT.environment.model_copy(update={"device": "a card"})
    result = RESULT.model_copy(update={"environment": environment})
    assert room_reading.room(result, "en") == ""
    assert _named(by_context.room(result, "en"), "Extrapolated") == []


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_another_view_redraws_both_charts(monkeypatch, lang: str) -> None:
    with gr.Blocks():
        panel = pace.build(lang)
    monkeypatch.setattr(service, "comparison", lambda run_id: RESULT.model_dump())
    shown = pace.show(panel, "run", "time", lang)
    assert len(shown) == len(panel.charts())
    assert "ms" in str(shown[2]) and len(pace.values(panel, RESULT, lang)) == len(panel.outputs())
