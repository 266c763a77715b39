"""What the pages accept from a visitor, and what they hand on."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from pathlib import Path

import gradio as gr
import pytest

from app import launch, progress
from app.launch import launch_settings
from app.pages import convert, data, goal, history, model
from app.pages.sample import Sample, first_sample
from app.progress import Seen
from app.studio import Studio
from app.ui import build
from engine.configs import RECIPES, RunConfig, default_kept
from engine.errors import ModelNotFound
from engine.methods import METHODS
from engine.models.catalogue import bundled_models
from engine.runs import paths, service
from tests.support import example_runs as examples

BUNDLED = ("business-cases", None, "", False, *("" for _ in data.COLUMNS))
"""The data's form with the bundled data chosen."""
GOAL = tuple(goal.DEFAULTS.values())
SAMPLE = Sample(examples.run(id="sample-bundled", sample=True), examples.comparison())


@pytest.fixture(autouse=True)
def data_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("T2R_STUDIO_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(convert, "warm_up", lambda: None)
    return tmp_path / "data"


def test_the_form_offers_every_method_but_the_null_one() -> None:
    assert set(convert.METHODS) == set(METHODS) - {"softmax"}
    assert convert.RECIPES == tuple(RECIPES)
    assert convert.METHODS[0] == RunConfig(model="m", data="d").method.name


@pytest.mark.parametrize(
    "name",
    ["", "/etc/passwd", "..", "../secrets", "~/models", "assets/models", "a/b/c", "gpt2", ".a/b",
     "file:///x", "a/..", "C:\\models\\x"],
)  # fmt: skip
def test_a_visitor_cannot_name_a_path(name: str) -> None:
    with pytest.raises(ModelNotFound):
        model.reference(model.HUB, name, "en")


def test_bundled_names_and_hub_ids_pass() -> None:
    wanted = " openai-community/gpt2 "
    assert model.reference(model.HUB, wanted, "en") == "openai-community/gpt2"
    for bundled in bundled_models():
        assert model.reference(bundled.name, "ignored", "en") == bundled.name


def test_the_history_escapes_names_and_links_by_id() -> None:
    run = examples.run(name=None, config=examples.config(model=examples.EVIL, data=examples.EVIL))
    html = history.runs_table([run], "en")
    assert "<img" not in html and f'href="?run={run.id}"' in html
    assert "No runs here" in history.runs_table([], "en")


@pytest.fixture(scope="module")
def studio() -> Studio:
    with gr.Blocks():
        return Studio("en", SAMPLE)


def test_every_move_touches_only_declared_outputs(studio: Studio, monkeypatch) -> None:
    run = examples.run(state="transferring", stage="transferring", started_at=1.0)
    monkeypatch.setattr(service, "get", lambda run_id: run)
    monkeypatch.setattr(service, "events", lambda run_id, after_seq=0: examples.events())
    declared = {*studio.outputs(), *studio.data.shown(), *studio.data.measured(),
                studio.data.enough}  # fmt: skip
    for updates in (
        studio.go_home(), studio.set_up(), studio.with_bundled(*GOAL), studio.goal_done("", *GOAL),
        studio.goal_done(run.id, *GOAL), studio.with_own(),
        studio.data_done("", *BUNDLED), studio.data_chosen(*BUNDLED),
        studio.data_measured("", "2", "business-2k", *BUNDLED),
        studio.data_judged("", "2", "business-2k", *BUNDLED), studio.data_judged("", "1", "x"),
        studio.model_done("", "business-2k", "", "business-cases", None, *GOAL),
        studio.at_run(run.id), studio.tick(run.id, Seen()), studio.tick("", Seen()),
        studio.starting(),
        studio.cancel("sample-bundled"), studio.open("not a run"),
    ):  # fmt: skip
        assert set(updates) <= declared


def test_a_run_that_ends_stops_the_polling_and_shows_its_comparison(
    studio: Studio, monkeypatch
) -> None:
    run = examples.run()
    monkeypatch.setattr(service, "get", lambda run_id: run)
    monkeypatch.setattr(service, "events", lambda run_id, after_seq=0: [])
    monkeypatch.setattr(service, "comparison", lambda run_id: examples.comparison().model_dump())
    updates = studio.tick(run.id, Seen())
    assert updates[studio.timer].active is False
    assert "95.3 %" in updates[studio.compare.tiles]


def test_a_tick_reads_only_what_is_new(studio: Studio, monkeypatch) -> None:
    run, events = examples.run(state="fine-tuning", stage="fine-tuning"), examples.events()
    asked: list[int] = []

    def after(run_id: str, after_seq: int = 0) -> list:
        asked.append(after_seq)
        return [event for event in events if event.seq > after_seq]

    monkeypatch.setattr(service, "get", lambda run_id: run)
    monkeypatch.setattr(service, "events", after)
    first = studio.tick(run.id, Seen())
    seen = first[studio.seen]
    again = studio.tick(run.id, seen)
    assert asked == [0, events[-1].seq]
    assert studio.live.log in first and studio.live.log not in again
    # What was read of another run does not count for this one.
    seen.run_id = "another"
    assert studio.tick(run.id, seen)[studio.seen].run_id == run.id
    assert asked[-1] == 0


def test_a_tick_for_a_visitor_who_has_gone_home_changes_nothing(studio: Studio) -> None:
    assert studio.tick("", Seen("20260101-000000000000")) == {studio.notice: gr.skip()}


def test_a_tick_that_fails_is_told_and_the_polling_goes_on(studio: Studio, monkeypatch) -> None:
    def locked(run_id: str) -> None:
        raise sqlite3.OperationalError("database is locked")

    monkeypatch.setattr(service, "get", locked)
    updates = studio.tick("20260101-000000000000", Seen())
    assert set(updates) == {studio.notice} and "database is locked" in updates[studio.notice]


def test_an_unknown_run_leads_home_with_a_reason(studio: Studio) -> None:
    updates = studio.open("../../etc/passwd")
    assert "There is no such run" in updates[studio.notice]
    assert "python -m" not in updates[studio.notice]


def test_a_refused_start_is_explained_and_can_be_tried_again(studio: Studio) -> None:
    updates = studio.start(
        model.HUB, "/etc", *BUNDLED, "hybrid", 4, "quick", 0, *GOAL
    )
    assert "There is no such model" in updates[studio.convert.problem]
    assert updates[studio.convert.start]["interactive"] is True
    assert service.list_runs() == [] or all(run.sample for run in service.list_runs())


@pytest.mark.parametrize(
    "error", [PermissionError(13, "Permission denied", "/data"), KeyError("x"),
              sqlite3.OperationalError("disk I/O error")],
)  # fmt: skip
def test_any_failure_of_the_start_gives_the_button_back(
    studio: Studio, monkeypatch, error: Exception
) -> None:
    def fail(*_form: object, lang: str) -> str:
        raise error

    monkeypatch.setattr(convert, "create_and_start", fail)
    updates = studio.start()
    assert updates[studio.convert.start]["interactive"] is True
    assert "Something went wrong" in updates[studio.convert.problem]
    assert "the log of the server" in updates[studio.convert.problem]


def test_a_database_that_cannot_be_read_is_told_on_the_first_view(
    studio: Studio, monkeypatch
) -> None:
    def fail() -> list:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(service, "list_runs", fail)
    assert "disk I/O error" in studio.go_home()[studio.landing.history.table]


@pytest.mark.parametrize(
    ("method", "keep_every", "every"),
    [("hybrid", convert.AUTOMATIC, 4), ("t2r", convert.AUTOMATIC, 0), ("t2r", 3, 3),
     ("hybrid", 0, 0)],
)  # fmt: skip
def test_the_default_of_kept_layers_is_the_methods(
    monkeypatch, method: str, keep_every: int, every: int
) -> None:
    made: list[RunConfig] = []
    monkeypatch.setattr(service, "create_run", lambda config, path: made.append(config) or "id")
    monkeypatch.setattr(service, "start", lambda run_id: None)
    form = ("business-2k", "", *BUNDLED, method, keep_every, "quick", 0, *GOAL)
    assert convert.create_and_start(*form, lang="en") == "id"
    assert made[0].kept.every == every and made[0].method.name == method


def test_a_model_of_few_layers_keeps_every_second() -> None:
    assert [default_kept("hybrid", n).every for n in (2, 3, 4, 30)] == [2, 2, 4, 4]


def test_the_sample_run_that_comes_with_the_project_is_shown() -> None:
    sample = first_sample()
    assert sample is not None and sample.run.sample and sample.run.state == "done"
    assert "nats per token" in progress.reading(
        progress.Seen().add(service.events(sample.run.id)).series(), sample.run, "en"
    )


def test_uploads_wait_in_a_private_folder(tmp_path: Path, monkeypatch) -> None:
    for name in ("GRADIO_TEMP_DIR", "GRADIO_ANALYTICS_ENABLED", "HF_HUB_DISABLE_TELEMETRY"):
        monkeypatch.setenv(name, "")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    launch._environment()
    (folder,) = tmp_path.iterdir()
    assert os.environ["GRADIO_TEMP_DIR"] == str(folder) and folder.stat().st_mode & 0o077 == 0


def test_an_app_that_cannot_start_says_why(
    tmp_path: Path, monkeypatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise PermissionError(13, "Permission denied", "/data")

    monkeypatch.setattr(launch, "make", fail)
    with pytest.raises(SystemExit) as ended:
        launch.main(["--port", "7999"])
    assert ended.value.code == 2
    assert "error: /data: Permission denied.\nhint: " in capsys.readouterr().err


def test_events_are_private_and_the_page_builds_without_a_sample() -> None:
    demo = build(None)
    assert all(fn.api_visibility == "private" for fn in demo.fns.values() if fn.fn is not None)


def test_the_launch_is_safe(data_directory: Path) -> None:
    settings = launch_settings()
    assert settings["blocked_paths"] == [str(paths.data_directory())]
    assert settings["allowed_paths"] == [] and settings["footer_links"] == []
    for off in ("share", "show_error", "run_history", "enable_monitoring", "ssr_mode", "pwa"):
        assert settings[off] is False
