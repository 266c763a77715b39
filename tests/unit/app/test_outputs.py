"""Every move stays within the few components that its event declares, as Gradio demands."""

from __future__ import annotations

import gradio as gr
import pytest

from app.pages import data, goal
from app.pages.sample import Sample
from app.studio import Studio
from app.ui import build
from engine.runs import service
from tests.support import example_runs as examples

GOAL = tuple(goal.DEFAULTS.values())
BAD = ("x", *["many"] * (len(GOAL) - 1))
READ = ("", False, *("" for _ in data.COLUMNS))
SAMPLE = Sample(examples.run(id="sample-bundled", sample=True), examples.comparison())
pytestmark = pytest.mark.usefixtures("own_data")


@pytest.fixture(scope="module")
def studio() -> Studio:
    with gr.Blocks():
        return Studio("en", SAMPLE)


@pytest.mark.parametrize("run_id", ["", "sample-bundled"])
@pytest.mark.parametrize("form", [GOAL, BAD], ids=["good", "bad"])
def test_leading_on_touches_little(studio: Studio, run_id: str, form: tuple[str, ...]) -> None:
    declared = set(studio.onward())
    assert len(declared) < 12
    for updates in (
        studio.goal_done(run_id, *form),
        studio.data_done(run_id, "business-cases", None, *READ),
        studio.data_done(run_id, data.UPLOAD, None, *READ),
        studio.model_done(run_id, "business-2k", "", "business-cases", None, *form),
        studio.model_done(run_id, "hub", "/etc", "business-cases", None, *form),
        studio.starting(),
    ):
        assert set(updates) <= declared


def test_leading_home_and_to_a_new_run_stays_in_the_frame(studio: Studio) -> None:
    declared = set(studio.frame())
    assert len(declared) < len(studio.outputs()) / 2 < 80
    for updates in (
        studio.go_home(), studio.set_up(), studio.set_up(3), studio.with_own(),
        studio.with_bundled(*GOAL), studio.with_bundled(*BAD),
    ):  # fmt: skip
        assert set(updates) <= declared


def test_a_run_left_behind_is_not_shown_in_the_next(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "get", lambda run_id: SAMPLE.run)
    monkeypatch.setattr(service, "events", lambda run_id, after_seq=0: [])
    monkeypatch.setattr(service, "comparison", lambda run_id: SAMPLE.comparison.model_dump())
    assert studio.at_run("sample-bundled")[studio.compare.column]["visible"] is True
    again = studio.set_up()
    assert again[studio.compare.column]["visible"] is False
    assert again[studio.report.column]["visible"] is False
    assert again[studio.live.column]["visible"] is False


def test_an_estimate_goes_with_what_it_was_made_on(studio: Studio) -> None:
    fields = studio.estimated_on()
    assert {studio.model.choice, studio.model.hub_id, *studio.data.form()} <= set(fields)
    assert {studio.convert.method, studio.convert.keep_every} <= set(fields)
    assert not {studio.convert.recipe, studio.convert.seed} & set(fields)
    assert studio.goal.fields["instance_price_per_hour"] in fields
    assert set(studio.not_estimated()) == {studio.model.estimate, studio.model.estimated}
    assert studio.set_up()[studio.model.estimated] == ""
    assert studio.model.estimated not in studio.set_up(3), "Back keeps it"


def test_few_components_stand_for_progress() -> None:
    """Gradio's page looks each of them up before and after every event."""
    events = [fn for fn in build(None).fns.values() if fn.fn is not None]
    shown = {
        component for fn in events
        for component in (fn.outputs if fn.show_progress_on is None else fn.show_progress_on)
    }  # fmt: skip
    assert len(events) > 100 and len(shown) < 60, "of both languages' pages"
