"""The last step's charts come after its figures, a group at a time."""

from __future__ import annotations

import gradio as gr
import pytest

from app.pages import drawing
from app.pages.sample import first_sample
from app.studio import Studio
from engine.runs import service

SAMPLE = first_sample()
pytestmark = pytest.mark.usefixtures("own_data")


@pytest.fixture(scope="module")
def studio() -> Studio:
    with gr.Blocks():
        return Studio("en", SAMPLE)


def _plots(inside: gr.Column) -> set[gr.Plot]:
    found = set[gr.Plot]()
    for child in inside.children:
        if isinstance(child, gr.Plot):
            found.add(child)
        elif hasattr(child, "children"):
            found |= _plots(child)  # pyright: ignore[reportArgumentType]
    return found


def test_every_chart_of_the_step_is_in_exactly_one_group(studio: Studio) -> None:
    of_groups = [
        one for group in drawing.groups(studio.compare, "en") for one in group.outputs
        if isinstance(one, gr.Plot)
    ]  # fmt: skip
    on_page = _plots(studio.compare.column) - set(studio.compare.duel.outputs())
    assert len(of_groups) == len(set(of_groups))
    assert set(of_groups) == on_page


def test_a_comparison_is_told_with_its_charts_still_hidden(studio: Studio) -> None:
    assert SAMPLE is not None
    updates = studio.open(SAMPLE.run.id)
    drawn_later = _plots(studio.compare.column) - set(studio.compare.duel.outputs())
    assert not drawn_later & set(updates)
    assert all(updates[one]["visible"] is False for one in studio.compare.awaiting())
    assert updates[studio.compare.told] != studio.open(SAMPLE.run.id)[studio.compare.told]


def test_each_group_draws_its_charts_of_the_run_on_show(studio: Studio) -> None:
    assert SAMPLE is not None
    drawn = set[object]()
    for group in drawing.groups(studio.compare, "en"):
        *values, notice = drawing.draw(group, SAMPLE.run.id, "en")
        assert len(values) == len(group.outputs)
        assert notice == gr.skip()
        drawn |= {
            one for one, value in zip(group.outputs, values)
            if isinstance(value, dict) and value.get("visible") is True
        }  # fmt: skip
    # The sample names no prices, and asks questions of one kind.
    needless = {studio.compare.money.months.column, studio.compare.grid.choice}
    assert set(studio.compare.awaiting()) - drawn <= needless


@pytest.mark.parametrize("run_id", ["", "unfinished"])
def test_nothing_is_drawn_of_a_run_that_was_left_or_has_no_comparison(
    studio: Studio, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "get", lambda _: None)
    monkeypatch.setattr(service, "comparison", lambda _: None)
    for group in drawing.groups(studio.compare, "en"):
        assert drawing.draw(group, run_id, "en") == [gr.skip()] * (len(group.outputs) + 1)


def test_a_run_that_is_gone_is_said_to_be(studio: Studio) -> None:
    group = drawing.groups(studio.compare, "en")[0]
    *values, notice = drawing.draw(group, "no-such-run", "en")
    assert values == [gr.skip()] * len(group.outputs)
    assert "no-such-run" in str(notice)
