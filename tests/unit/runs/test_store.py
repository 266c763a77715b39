from __future__ import annotations

import sqlite3
import stat
import threading
from contextlib import closing
from pathlib import Path

import pytest

from engine.errors import RunBusy, RunNotFound
from engine.events import Event
from engine.runs import paths, store
from tests.support.runs import make_run


def test_a_run_comes_back_as_it_was_written() -> None:
    run_id = make_run(name="first")
    run = store.get(run_id)
    assert (run.id, run.name, run.state) == (run_id, "first", "queued")
    assert run.config["stub"] == "steps" and run.folder == paths.default_folder(run_id)
    assert run.working and run.timings == {} and run.stage is None


def test_a_database_of_the_first_version_still_opens() -> None:
    """It had a column for an owner, which nothing ever filled."""
    with closing(sqlite3.connect(paths.database())) as old, old:
        old.execute(
            "CREATE TABLE runs (id TEXT PRIMARY KEY, name TEXT UNIQUE, owner TEXT,"
            " folder TEXT NOT NULL UNIQUE, config TEXT NOT NULL, state TEXT NOT NULL,"
            " created_at REAL NOT NULL, started_at REAL, finished_at REAL, stage TEXT,"
            " step INTEGER NOT NULL DEFAULT 0, total INTEGER NOT NULL DEFAULT 0,"
            " stage_started_at REAL, stage_first_step INTEGER, pid INTEGER, process_started REAL,"
            " heartbeat REAL, cancel_requested_at REAL, error_message TEXT, error_hint TEXT,"
            " timings TEXT NOT NULL DEFAULT '{}')"
        )
        old.execute(
            "INSERT INTO runs (id, name, owner, folder, config, state, created_at)"
            " VALUES ('20260101-000000000000', 'old', 'ann', '/x', '{}', 'done', 1.0)"
        )
    assert store.get("20260101-000000000000").name == "old"
    run_id = make_run(name="new")
    assert {run.name for run in store.every()} == {"old", "new"}
    assert store.get(run_id).state == "queued"


def test_an_unknown_run_is_not_found() -> None:
    with pytest.raises(RunNotFound):
        store.get("20260101-000000000000")


def test_two_runs_cannot_share_a_name() -> None:
    make_run(name="twin")
    with pytest.raises(RunBusy, match="twin"):
        make_run(name="twin")


def test_runs_without_a_name_do_not_collide() -> None:
    make_run()
    make_run()
    assert len(store.every()) == 2


def test_every_lists_the_newest_first() -> None:
    old, new = make_run(), make_run()
    store.update(old, created_at=1.0)
    assert [run.id for run in store.every()] == [new, old]


def test_find_by_name_and_by_folder(tmp_path: Path) -> None:
    run_id = make_run(name="here", folder=tmp_path / "elsewhere")
    assert store.find(name="here").id == run_id
    assert store.find(folder=tmp_path / "elsewhere").id == run_id
    assert store.find(name="elsewhere") is None


def test_a_terminal_state_is_not_overwritten_by_who_comes_late() -> None:
    run_id = make_run(state="done")
    assert not store.update(run_id, only_working=True, state="interrupted")
    assert store.get(run_id).state == "done"
    store.update(run_id, state="comparing")
    assert store.update(run_id, only_working=True, state="interrupted")
    assert store.get(run_id).state == "interrupted"


def test_events_are_numbered_within_their_run_and_move_its_row() -> None:
    one, other = make_run(), make_run()
    store.record(one, Event("stage", "preparing"))
    store.record(other, Event("stage", "preparing"))
    store.record(one, Event("stage", "fine-tuning"))
    values = {"train_loss": 1.5, "track": "control", "text": "日本"}
    store.record(one, Event("loss", "fine-tuning", 3, 10, values))
    store.record(one, Event("progress", "fine-tuning", 13, 20))
    events = store.events(one)
    assert [(e.seq, e.kind) for e in events] == [
        (1, "stage"), (2, "stage"), (3, "loss"), (4, "progress"),
    ]  # fmt: skip
    assert events[2].values == values and events[2].at <= events[3].at
    assert [e.seq for e in store.events(one, after_seq=3)] == [4]
    run = store.get(one)
    assert (run.state, run.stage, run.step, run.total) == ("fine-tuning", "fine-tuning", 13, 20)
    assert store.get(other).state == "preparing"


def test_a_stage_starts_again_from_step_zero() -> None:
    run_id = make_run()
    store.record(run_id, Event("stage", "transferring"))
    store.record(run_id, Event("progress", "transferring", 9, 10))
    store.record(run_id, Event("stage", "fine-tuning"))
    run = store.get(run_id)
    assert (run.step, run.total, run.stage_first_step) == (0, 0, None)


def test_time_left_counts_only_this_workers_steps() -> None:
    run_id = make_run()
    store.record(run_id, Event("stage", "transferring"))
    assert store.get(run_id).eta_seconds() is None
    store.record(run_id, Event("progress", "transferring", 60, 100))  # resumed at step 60
    assert store.get(run_id).eta_seconds() is None
    began = store.get(run_id).stage_started_at
    store.record(run_id, Event("progress", "transferring", 70, 100))
    run = store.get(run_id)
    assert run.stage_started_at == began
    # 10 steps in 5 s leave 30 steps for 15 s
    assert run.eta_seconds(now=began + 5.0) == pytest.approx(15.0)
    store.update(run_id, state="cancelled")
    assert store.get(run_id).eta_seconds() is None


def test_parts_of_the_comparison_tell_no_time() -> None:
    run_id = make_run()
    store.record(run_id, Event("stage", "comparing"))
    for step in (1, 19):
        store.record(run_id, Event("progress", "comparing", step, 20))
    # The last of twenty parts takes longer than all before it.
    assert store.get(run_id).eta_seconds() is None


def test_writers_at_once_lose_no_event() -> None:
    run_id = make_run()

    def write() -> None:
        for step in range(25):
            store.record(run_id, Event("progress", "transferring", step, 25))

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [event.seq for event in store.events(run_id)] == list(range(1, 101))


def test_removing_a_run_leaves_no_trace_in_the_files(data_directory: Path) -> None:
    run_id = make_run(name="secret-name")
    store.record(run_id, Event("note", "preparing", values={"text": "secret-event"}))
    other = make_run(name="stays")
    store.record(other, Event("note", "preparing", values={"text": "stays"}))
    # Another process that has the data base open keeps SQLite from tidying up by itself.
    with closing(sqlite3.connect(paths.database())) as reader:
        reader.execute("SELECT COUNT(*) FROM events").fetchone()
        store.remove(run_id)
        _nothing_is_left_of_the_secret(data_directory)
    with pytest.raises(RunNotFound):
        store.get(run_id)
    assert store.events(run_id) == [] and len(store.events(other)) == 1


def _nothing_is_left_of_the_secret(data_directory: Path) -> None:
    stored = b"".join(file.read_bytes() for file in data_directory.glob("runs.sqlite3*"))
    assert b"stays" in stored and b"secret" not in stored


def test_the_data_directory_is_private(data_directory: Path) -> None:
    run_id = make_run()
    assert stat.S_IMODE(data_directory.stat().st_mode) == 0o700
    assert stat.S_IMODE(paths.default_folder(run_id).stat().st_mode) == 0o700


def test_the_default_data_directory_is_the_users_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("T2R_STUDIO_DATA")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert paths.data_directory() == tmp_path / ".local/share/t2r-studio"
