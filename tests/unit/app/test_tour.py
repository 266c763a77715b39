"""The tour: every stop is a place, leads on and back, and ends at the visitor's own data."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
import pytest

from app.pages import convert, data
from app.pages.sample import Sample
from app.studio import Studio
from app.tour import STOPS, Tour
from engine.runs import service
from tests.support import example_runs as examples

RUN = examples.run(id="sample-bundled", sample=True)


@pytest.fixture(autouse=True)
def sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("T2R_STUDIO_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(convert, "warm_up", lambda: None)
    monkeypatch.setattr(service, "get", lambda run_id: RUN)
    monkeypatch.setattr(service, "comparison", lambda run_id: examples.comparison().model_dump())


@pytest.fixture(scope="module", params=["en", "ja"])
def tour(request: pytest.FixtureRequest) -> Tour:
    with gr.Blocks():
        return Tour(Studio(request.param, Sample(RUN, examples.comparison())))


def test_it_leads_through_every_stop_and_on_to_the_visitors_data(tour: Tour) -> None:
    declared = set(tour.outputs())
    updates = tour.start("", "")
    seen, place, step = [], RUN.id, str(STOPS[0].step)
    assert updates[tour.studio.run_id] == RUN.id
    while tour.target in updates and updates[tour.target]:
        assert set(updates) <= declared
        seen.append(updates[tour.target])
        number = updates[tour.number]
        assert f"{int(number) + 1} / {len(STOPS)}" in updates[tour.text]
        step = str(updates.get(tour.studio.step, step))
        assert step == str(STOPS[int(number)].step)
        updates = tour.lead_on(number, place, step)
    assert seen == [stop.target for stop in STOPS]
    assert updates[tour.column]["visible"] is False
    assert updates[tour.studio.data.choice] == data.UPLOAD


def test_back_leads_back_and_not_out(tour: Tour) -> None:
    assert tour.lead_back("2", RUN.id, "1")[tour.number] == "1"
    first = tour.lead_back("0", RUN.id, "5")
    assert first[tour.number] == "0" and first[tour.back]["interactive"] is False


@pytest.mark.parametrize("number", ["", "x", "99", "-1", "²"])
def test_a_number_from_elsewhere_is_the_first_stop(tour: Tour, number: str) -> None:
    assert tour.lead_on(number, RUN.id, "5")[tour.number] == "1"


def test_the_panel_closes_where_it_is(tour: Tour) -> None:
    assert set(tour.close()) == {tour.column, tour.number, tour.target}
    without = tour.studio.sample
    tour.studio.sample = None
    assert tour.start("", "")[tour.column]["visible"] is False
    tour.studio.sample = without
