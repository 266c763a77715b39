"""What the pages accept from a visitor, and what they hand on."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
import pytest

from app.launch import launch_settings
from app.pages import convert, data, history, model
from app.pages.sample import Sample
from app.studio import Studio
from app.ui import build
from engine.errors import BadDataset, ModelNotFound
from engine.methods import METHODS
from engine.models.catalogue import bundled_models
from engine.runs import paths, service
from tests.support import example_runs as examples

SAMPLE = Sample(examples.run(id="sample-bundled", sample=True), examples.comparison())


@pytest.fixture(autouse=True)
def data_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("T2R_STUDIO_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(convert, "warm_up", lambda: None)
    return tmp_path / "data"


def test_the_form_offers_every_method_but_the_null_one() -> None:
    assert set(convert.METHODS) == set(METHODS) - {"softmax"}


@pytest.mark.parametrize(
    "name",
    ["", "/etc/passwd", "..", "../secrets", "~/models", "assets/models", "a/b/c", "gpt2", ".a/b",
     "file:///x", "a/..", "C:\\models\\x"],
)  # fmt: skip
def test_a_visitor_cannot_name_a_path(name: str) -> None:
    with pytest.raises(ModelNotFound):
        model.reference(model.HUB, name)


def test_bundled_names_and_hub_ids_pass() -> None:
    assert model.reference(model.HUB, " openai-community/gpt2 ") == "openai-community/gpt2"
    for bundled in bundled_models():
        assert model.reference(bundled.name, "ignored") == bundled.name


def test_no_upload_is_said_so() -> None:
    with pytest.raises(BadDataset):
        data.chosen_file(data.UPLOAD, None)
    assert "Choose a file." in data.describe(data.UPLOAD, None, "", "en")


def test_a_hostile_document_is_shown_as_text(tmp_path: Path) -> None:
    rows = [f"{i} {examples.EVIL} " + "plain words here. " * 80 for i in range(30)]
    (tmp_path / "evil.csv").write_text(
        "text\n" + "\n".join(f'"{r.replace(chr(34), chr(34) * 2)}"' for r in rows)
    )
    html = data.describe(data.UPLOAD, str(tmp_path / "evil.csv"), "", "en")
    assert "ts-docs" in html and "<img" not in html and "&lt;img" in html


def test_the_history_escapes_names_and_links_by_id() -> None:
    run = examples.run(name=None, config=examples.config(model=examples.EVIL, data=examples.EVIL))
    html = history.runs_table([run], "en")
    assert "<img" not in html and f'href="?run={run.id}"' in html
    assert "No runs yet" in history.runs_table([], "en")


@pytest.fixture(scope="module")
def studio() -> Studio:
    with gr.Blocks():
        return Studio("en", SAMPLE)


def test_every_move_touches_only_declared_outputs(studio: Studio, monkeypatch) -> None:
    run = examples.run(state="transferring", stage="transferring", started_at=1.0)
    monkeypatch.setattr(service, "get", lambda run_id: run)
    monkeypatch.setattr(service, "events", lambda run_id, after_seq=0: examples.events())
    declared = set(studio.outputs())
    for updates in (
        studio.go_home(), studio.set_up(), studio.with_bundled(), studio.at_run(run.id),
        studio.tick(run.id, 0), studio.starting(), studio.cancel("sample-bundled"),
        studio.open("not a run"),
    ):  # fmt: skip
        assert set(updates) <= declared


def test_a_run_that_ends_stops_the_polling_and_shows_its_comparison(
    studio: Studio, monkeypatch
) -> None:
    run = examples.run()
    monkeypatch.setattr(service, "get", lambda run_id: run)
    monkeypatch.setattr(service, "events", lambda run_id, after_seq=0: [])
    monkeypatch.setattr(service, "comparison", lambda run_id: examples.comparison().model_dump())
    updates = studio.tick(run.id, 0)
    assert updates[studio.timer].active is False
    assert "95.3 %" in updates[studio.compare.tiles]


def test_an_unknown_run_leads_home_with_a_reason(studio: Studio) -> None:
    updates = studio.open("../../etc/passwd")
    assert "There is no such run" in updates[studio.notice]
    assert "python -m" not in updates[studio.notice]


def test_a_refused_start_is_explained_and_can_be_tried_again(studio: Studio) -> None:
    updates = studio.start(model.HUB, "/etc", "business-cases", None, "", "hybrid", 4, "quick", 0)
    assert "There is no such model" in updates[studio.convert.problem]
    assert service.list_runs() == [] or all(run.sample for run in service.list_runs())


def test_events_are_private_and_the_page_builds_without_a_sample() -> None:
    demo = build("en", None)
    assert all(fn.api_visibility == "private" for fn in demo.fns.values() if fn.fn is not None)


def test_the_launch_is_safe(data_directory: Path) -> None:
    settings = launch_settings()
    assert settings["blocked_paths"] == [str(paths.data_directory())]
    assert settings["allowed_paths"] == [] and settings["footer_links"] == []
    for off in ("share", "show_error", "run_history", "enable_monitoring", "ssr_mode", "pwa"):
        assert settings[off] is False
