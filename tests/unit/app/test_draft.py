"""What a browser's tab remembers is taken as far as the forms could hold it, and no further."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from starlette.datastructures import QueryParams

from app import uploads
from app.arrival import Arrival
from app.draft import MOST, restored
from app.pages import data, model
from app.studio import Studio

pytestmark = pytest.mark.usefixtures("own_data")


@pytest.fixture(scope="module")
def arrival() -> Arrival:
    with gr.Blocks():
        return Arrival(Studio("en", None))


class _Request:
    def __init__(self, query: str) -> None:
        self.query_params = QueryParams(query)


def _draft(studio: Studio, changes: dict[Any, Any]) -> str:
    return json.dumps([changes.get(field, field.value) for field in studio.remembered()])


def test_every_field_comes_back(arrival: Arrival) -> None:
    studio = arrival.studio
    changes = {
        studio.goal.fields["use_case"]: "夜勤の要約", studio.goal.fields["decode_speedup"]: "1.5",
        studio.model.choice: model.HUB, studio.model.hub_id: "owner/name",
        studio.convert.method: "t2r", studio.convert.keep_every: 3, studio.convert.seed: 7,
        studio.data.mask: True,
    }  # fmt: skip
    known = restored(_draft(studio, changes), studio.remembered())
    assert known.items() >= changes.items()
    updates = arrival.arrive(_draft(studio, changes), _Request("step=2"))  # pyright: ignore
    assert updates[studio.goal.fields["use_case"]] == "夜勤の要約"
    assert updates[studio.step] == "2"
    assert set(updates) <= {*studio.outputs(), *studio.forms()}


@pytest.mark.parametrize(
    ("name", "value"),
    [("model", "/etc"), ("model", ["business-2k"]), ("model", None), ("method", "softmax"),
     ("seed", "7"), ("seed", True), ("use_case", "x" * 400), ("use_case", {"a": 1}),
     ("mask", "yes"), ("mask", 1), ("hub_id", "x" * 400),
     ("data", "run:20260101-000000000000"), ("keep_every", 5)],
)  # fmt: skip
def test_what_a_field_cannot_hold_is_left_out(arrival: Arrival, name: str, value: Any) -> None:
    studio = arrival.studio
    field = {
        "model": studio.model.choice, "method": studio.convert.method, "data": studio.data.choice,
        "seed": studio.convert.seed, "use_case": studio.goal.fields["use_case"],
        "hub_id": studio.model.hub_id, "keep_every": studio.convert.keep_every,
        "mask": studio.data.mask,
    }[name]  # fmt: skip
    known = restored(_draft(studio, {field: value}), studio.remembered())
    assert field not in known and len(known) > 15, "the others are taken"


@pytest.mark.parametrize(
    "draft", ["", "{", "[]", "[1, 2]", '{"a": 1}', "[" * 9000, "x" * (MOST + 1)]
)
def test_a_broken_draft_changes_nothing(arrival: Arrival, draft: str) -> None:
    assert restored(draft, arrival.studio.remembered()) == {}


def test_the_last_step_before_a_run_is_shown_with_what_was_chosen(
    arrival: Arrival, tmp_path: Path
) -> None:
    studio = arrival.studio
    draft = _draft(studio, {studio.goal.fields["recall_loss_points"]: "8"})
    updates = arrival.arrive(draft, _Request("step=4"))  # pyright: ignore
    assert "8.0 points of facts" in updates[studio.convert.summary]
    assert updates[studio.step] == "4"
    own = arrival.arrive(_draft(studio, {studio.data.choice: data.UPLOAD}), _Request("step=4"))  # pyright: ignore
    assert own[studio.step] == "2", "there is no file"
    (tmp_path / "own.csv").write_text("text")
    upload = uploads.keep(tmp_path / "own.csv")
    changes = {studio.data.choice: data.UPLOAD, studio.data.kept: upload}
    kept = arrival.arrive(_draft(studio, changes), _Request("step=4"))  # pyright: ignore
    assert kept[studio.step] == "4" and "own.csv" in kept[studio.convert.summary]
    fresh = arrival.arrive("", _Request("step=4"))  # pyright: ignore
    assert fresh[studio.step] == "4" and data.DEFAULT_DATA in fresh[studio.convert.summary]
    wrong = _draft(studio, {studio.goal.fields["recall_loss_points"]: "many"})
    assert arrival.arrive(wrong, _Request("step=4"))[studio.step] == "1"  # pyright: ignore


@pytest.mark.parametrize("step", ["3", "4"])
def test_data_that_cannot_be_chosen_again_is_not_replaced_silently(
    arrival: Arrival, step: str
) -> None:
    studio = arrival.studio
    draft = _draft(studio, {studio.data.choice: data.OF_RUN + "20260101-000000000000"})
    updates = arrival.arrive(draft, _Request(f"step={step}"))  # pyright: ignore
    assert updates[studio.step] == "2" and studio.convert.summary not in updates


@pytest.mark.parametrize(
    ("search", "step"), [("?step=2", "2"), ("?step=4", "4"), ("", ""), ("?step=9", ""),
                         ("?run=20260101-000000000000", "")],
)  # fmt: skip
def test_back_leads_to_the_place_that_the_address_names(
    arrival: Arrival, search: str, step: str
) -> None:
    updates = arrival.go_back(search)
    assert updates[arrival.studio.step] == step
    assert set(updates) <= set(arrival.studio.outputs())
