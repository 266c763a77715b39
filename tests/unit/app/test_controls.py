"""The section of controls: what it shows, offers, refuses, and says while a worker works."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app import controls as shown
from app.pages import controls as page
from engine.configs import RunConfig
from engine.evidence.control_parts import CONTROLS_FILE, Controls
from engine.runs import controls, locks, paths, store
from engine.runs.control_progress import PROGRESS_FILE, Progress
from engine.runs.records import Run
from engine.services.jsonfile import write_json
from tests.support import example_runs as examples
from tests.support.runs import make_run

END = {"kept_step": 100, "steps": 100, "validation_loss": 1.0}
RESULT = examples.comparison(finetuning={"converted": END, "control": END})
OUTPUTS = ("column", "table", "form", "choices", "start", "cancel", "status", "timer")


@pytest.fixture(autouse=True)
def data_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("T2R_STUDIO_DATA", str(tmp_path / "data"))


@pytest.fixture
def run() -> Run:
    run_id = make_run(state="done")
    config = RunConfig(model="m", data="source.txt").model_dump(mode="json")
    store.update(run_id, config=json.dumps(config))
    (store.get(run_id).folder / "comparison.json").write_text(RESULT.model_dump_json())
    return store.get(run_id)


def _named(values: list[object]) -> dict[str, Any]:
    return dict(zip(OUTPUTS, values, strict=True))


def _keep(run: Run, *names: Any, **changes: Any) -> None:
    found = Controls()
    for name in names:
        found = found.having(examples.control(name, **changes))
    write_json(run.folder / CONTROLS_FILE, found.model_dump(mode="json"))


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_the_table_holds_the_numbers_and_a_sentence_on_each(lang: str) -> None:
    found = Controls()
    for name in ("no-transfer", "random-init", "elu", "rfa"):
        found = found.having(examples.control(name))  # pyright: ignore[reportArgumentType]
    html = shown.table(found, RESULT, lang)
    assert html.count("<tr") == 6 and html.count("<li>") == 4 and "{" not in html
    for figure in ("2.702", "2.990", "187/200", "138/200", "0.101", "160"):
        assert figure in html, figure
    assert ("0.08 to 0.12" if lang == "en" else "0.08～0.12") in html
    assert ("20.0 points (15.0 to 26.0)" if lang == "en" else "20.0 ポイント（15.0～26.0）") in html


def test_each_sentence_says_what_the_interval_allows() -> None:
    said = shown.sentence(examples.control("no-transfer"), "hybrid", "en")
    assert said.startswith("Attention transfer was worth 0.101 nats per token")
    assert "41 documents" in said
    crossing = {"estimate": 0.01, "low": -0.02, "high": 0.04, "n": 41}
    unclear = examples.control("random-init", lost_nats=0.01, lost_interval=crossing)
    assert "cannot be told" in shown.sentence(unclear, "hybrid", "en")
    below = {"estimate": -0.2, "low": -0.3, "high": -0.1, "n": 41}
    better = examples.control("elu", lost_nats=-0.2, lost_interval=below)
    assert "elu is 0.2 nats per token better than hybrid" in shown.sentence(better, "hybrid", "en")
    nothing = examples.control("rfa", lost_nats=None, lost_interval=None)
    assert "no finite numbers" in shown.sentence(nothing, "hybrid", "en")


def test_without_controls_all_are_offered_with_the_time_each_may_take(run: Run) -> None:
    values = _named(page.values(run, RESULT, "en"))
    assert "No control has been trained" in values["table"]
    labels, names = zip(*values["choices"]["choices"])
    assert names == ("no-transfer", "random-init", "elu", "rfa") == tuple(
        values["choices"]["value"]
    )
    # 160 steps at the pace of 92.4 s for 200, and loading.
    assert labels[0] == "Without attention transfer (about 1 min 15 s)"
    assert values["form"]["visible"] and values["start"]["visible"]
    assert not values["cancel"]["visible"] and values["status"] == ""


def test_what_is_there_is_not_offered_again(run: Run) -> None:
    _keep(run, "no-transfer", "rfa")
    values = _named(page.values(run, RESULT, "en"))
    assert [name for _, name in values["choices"]["choices"]] == ["random-init", "elu"]
    _keep(run, "no-transfer", "random-init", "elu", "rfa")
    values = _named(page.values(run, RESULT, "en"))
    assert not values["form"]["visible"] and "Every control" in values["status"]


def test_a_sample_and_a_run_without_a_comparison_offer_nothing(run: Run) -> None:
    sample = examples.run(sample=True, folder=run.folder, config=run.config)
    values = _named(page.values(sample, RESULT, "en"))
    assert not values["form"]["visible"] and "sample run" in values["status"]
    assert _named(page.values(None, None, "en"))["column"]["visible"] is False


def test_while_a_worker_works_it_can_be_stopped_and_nothing_started(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = locks.FileLock.take(run.folder / "lock")
    assert lock is not None
    progress = Progress(("elu",), "working", 0.0, "elu: fine-tuning", 40, 160)
    write_json(run.folder / PROGRESS_FILE, {**vars(progress), "names": ["elu"]})
    for values in (_named(page.look(run.id, lang="en")), _named(page.values(run, RESULT, "en"))):
        assert "ELU + 1 in place of the method: fine-tuning" in values["status"]
        assert "Step 40 of 160" in values["status"] and "width:25.0%" in values["status"]
        assert values["cancel"]["visible"] and not values["form"]["visible"]
        assert values["timer"].active
    assert "being worked on" in _named(page.start(run.id, ["elu"], lang="en"))["status"]
    asked = _named(page.cancel(run.id, lang="en"))
    assert not asked["cancel"]["interactive"]
    assert store.get(run.id).cancel_requested_at is not None
    lock.release()
    gone = _named(page.look(run.id, lang="ja"))
    assert "中断" in gone["status"] and not gone["timer"].active and gone["form"]["visible"]


@pytest.mark.parametrize("run_id", ["", "20260101-000000000000"])
def test_without_a_run_nothing_is_watched_any_more(run_id: str) -> None:
    values = _named(page.look(run_id, lang="en"))
    assert not values["timer"].active and not values["column"]["visible"]


def test_a_start_hands_the_chosen_names_on_and_a_refusal_is_told(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(controls, "start", lambda run_id, only: asked.append((run_id, only)))
    page.start(run.id, ["rfa"], lang="en")
    assert asked == [(run.id, ["rfa"])]
    monkeypatch.undo()


def test_nothing_chosen_is_refused(run: Run) -> None:
    assert "No control is chosen" in _named(page.start(run.id, [], lang="en"))["status"]
    assert not (run.folder / PROGRESS_FILE).exists() and locks.is_free(paths.lane_lock())


@pytest.mark.parametrize(
    ("state", "text"),
    [("failed", "Too large. Take a smaller model."), ("cancelled", "finished are kept"),
     ("interrupted", "finished are kept"), ("done", "")],
)  # fmt: skip
def test_how_it_ended_is_told(state: Any, text: str) -> None:
    words = ("Too large.", "Take a smaller model.") if state == "failed" else ("", "")
    told = shown.status(Progress(("elu",), state, 0.0, "", 0, 0, *words), "en")
    assert text in told and bool(told) is bool(text)


@pytest.mark.parametrize(("part", "words"), [("waiting", "Waiting for its turn"), ("", "Loading")])
def test_waiting_and_loading_have_their_words(part: str, words: str) -> None:
    assert words in shown.status(Progress(("elu",), "working", 0.0, part), "en", now=65.0)
