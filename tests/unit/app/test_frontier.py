"""This run among the others of its model and data, the original as the reference."""

from __future__ import annotations

import json
from typing import Any

import gradio as gr
import pytest

from app import frontier
from app.frontier import Peers
from app.pages import standing
from app.theme import CONVERTED, ORIGINAL
from engine.evidence.results import Comparison
from engine.runs import service
from engine.runs.records import Run
from tests.support import example_runs as examples

RESULT = examples.comparison()


def _better() -> Any:
    quality = RESULT.quality
    scores = quality.converted.model_copy(update={"perplexity": 2.62})
    return RESULT.model_copy(update={"quality": quality.model_copy(update={"converted": scores})})


PEERS = Peers("a", {"a": "mine", "b": examples.EVIL}, {"a": RESULT, "b": _better()})


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_both_charts_hold_every_run_and_the_original(lang: str) -> None:
    pair = frontier.figures(PEERS, lang)
    assert pair is not None
    for figure in pair:
        points = [trace for trace in figure["data"] if trace["mode"] == "markers"]
        assert [trace["marker"]["color"] for trace in points] == [CONVERTED, CONVERTED, ORIGINAL]
        assert points[-1]["x"] == [1] and points[-1]["y"] == [0]
        assert points[1]["y"] == [pytest.approx(100 * (2.702 / 2.611 - 1))]
        assert "<img" not in json.dumps(figure, allow_nan=False)
    assert pair[1]["layout"]["xaxis"]["type"] == "log"
    html = frontier.table(PEERS, lang)
    assert html.count("<tr") == 3 and "<img" not in html and "Example CPU" in html


def test_a_run_that_another_beats_is_said_to_be_beaten() -> None:
    said = frontier.reading(PEERS, "en")
    assert "no difference is shown" in said, "without intervals nothing beats anything"
    assert "1 other run of the same weights" in said
    alone = frontier.reading(Peers("a", {"a": "mine"}, {"a": RESULT}), "en")
    assert "neither another run nor the original is shown to beat this one" in alone
    assert "+3.5 %" in alone and "the only run" in alone


def test_intervals_are_drawn_and_told() -> None:
    content = RESULT.model_dump()
    for party in ("original", "converted"):
        content["quality"][party]["by_document"] = [
            {"document": n, "tokens": 500, "nats": 480 + 10 * (party == "converted") + n % 3}
            for n in range(10)
        ]
        for point in content["speed"]["decode"][party]:
            seconds = 1 / point["tokens_per_s"]
            swing = 0.1 if party == "converted" else 0.0
            point["seconds"] = [seconds * (1 + swing * (-1) ** n) for n in range(10)]
    peers = Peers("a", {"a": "mine"}, {"a": Comparison.model_validate(content)})
    pair = frontier.figures(peers, "en")
    assert pair is not None
    for figure, exact in zip(pair, (False, True), strict=True):
        (point,) = [trace for trace in figure["data"] if trace["name"] == "This run"]
        assert (point["error_x"]["array"] == [0]) is exact, "bytes are counted, not estimated"
        assert point["error_x"]["arrayminus"][0] >= 0 <= point["error_y"]["arrayminus"][0]
    said = frontier.reading(peers, "en")
    assert said.count("(95 %: ") == 3, "quality twice, speed once; bytes have no interval"
    assert "95 %" in frontier.table(peers, "en")


def test_only_finished_runs_of_the_same_weights_file_and_split_count(monkeypatch) -> None:
    def made(number: int, **changes: Any) -> Run:
        config = examples.config(**{"weights_sha256": "w", **changes.pop("config", {})})
        return examples.run(id=f"2026112{number}-0123456789ab", config=config, **changes)

    own = made(0)
    runs = [own, made(1), made(2, state="failed"), made(3, config={"weights_sha256": "other"}),
            made(4), made(5, config={"data_seed": 3}), made(6, config={"text_column": "note"}),
            made(7, config={"mask_personal_data": True})]  # fmt: skip
    runs[1].config.pop("mask_personal_data", None)
    other_file = RESULT.model_dump()
    other_file["dataset"] = {**other_file["dataset"], "sha256": "d" * 64}
    monkeypatch.setattr(service, "list_runs", lambda: runs)
    monkeypatch.setattr(
        service, "comparison",
        lambda run_id: other_file if run_id == runs[4].id else RESULT.model_dump(),
    )  # fmt: skip
    assert list(standing.peers_of(own, RESULT, "en").results) == [own.id, runs[1].id]
    with gr.Blocks():
        panel = standing.build("en")
    shown = standing.values(panel, own, RESULT, "en")
    assert len(shown) == len(panel.outputs()) and "1 other run" in str(shown[-1])


def test_runs_that_cannot_be_listed_are_told(monkeypatch) -> None:
    def fail() -> None:
        raise PermissionError(13, "Permission denied", "/data")

    monkeypatch.setattr(service, "list_runs", fail)
    with gr.Blocks():
        panel = standing.build("en")
    shown = standing.values(panel, examples.run(), RESULT, "en")
    assert len(shown) == len(panel.outputs()) and "Permission denied" in str(shown[-1])
    assert shown[0]["visible"] is True  # pyright: ignore
