from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from engine.errors import ReadOnlyRun, RunBusy, RunNotFound
from engine.events import Event
from engine.runs import locks, paths, samples, service, store
from tests.support.runs import make_run

NOT_IDS = (
    "", ".", "..", "../../etc", "/etc/passwd", "20260101-00000000000", "20260101-0000000000000",
    "20260101-00000000000G", "20260101-000000000000\n", "20260101-000000000000/..", "sample-",
    "sample-..", "sample-a/../b", "sample-A", "sample--", "sample-a-", "sample-" + "a" * 60,
    "２０２６０１０１-000000000000", "%2e%2e",
)  # fmt: skip


@pytest.mark.parametrize("text", NOT_IDS)
def test_nothing_but_an_id_reaches_the_file_system(text: str) -> None:
    for function in (
        service.get, service.start, service.cancel, service.delete, service.resume,
        service.events, service.comparison, paths.default_folder,
    ):  # fmt: skip
        with pytest.raises(RunNotFound):
            function(text)


def test_new_ids_are_ids_and_differ() -> None:
    ids = {paths.new_run_id() for _ in range(50)}
    assert len(ids) == 50 and all(paths.is_run_id(i) and not paths.is_sample_id(i) for i in ids)


def test_delete_removes_row_events_and_files() -> None:
    run_id = make_run(name="gone")
    store.record(run_id, Event("stage", "preparing"))
    folder = store.get(run_id).folder
    (folder / "converted").mkdir()
    (folder / "converted" / "model.safetensors").write_bytes(b"weights")
    store.update(run_id, state="done")
    service.delete(run_id)
    assert not folder.exists() and service.events(run_id) == []
    with pytest.raises(RunNotFound):
        service.get(run_id)
    make_run(name="gone")  # the name is free again


def test_delete_leaves_what_the_user_put_into_his_own_folder(tmp_path: Path) -> None:
    own = tmp_path / "mine"
    run_id = make_run(folder=own, state="done")
    for name in ("converted", "control", "checkpoint", ".converted.part", ".control.part"):
        (own / name).mkdir()
        (own / name / "model.safetensors").write_bytes(b"weights")
    for name in ("comparison.json", "comparison-20260101T000000Z.json", "timings.json",
                 "worker.log", ".a.json." + "0a" * 16, "notes.txt", ".mine.json.bak"):  # fmt: skip
        (own / name).write_text("{}")
    service.delete(run_id)
    assert sorted(file.name for file in own.iterdir()) == [".mine.json.bak", "notes.txt"]
    other = make_run(folder=tmp_path / "other", state="done")
    service.delete(other)
    assert not (tmp_path / "other").exists()


def test_a_run_whose_folder_is_gone_can_be_deleted(tmp_path: Path) -> None:
    run_id = make_run(folder=tmp_path / "lost", state="transferring", started_at=1.0)
    (tmp_path / "lost").rename(tmp_path / "moved")
    assert service.get(run_id).state == "interrupted"
    service.delete(run_id)
    assert service.list_runs() == samples.every()


def test_delete_waits_for_nobody() -> None:
    run_id = make_run(state="comparing", started_at=1.0)
    lock = locks.FileLock.take(store.get(run_id).folder / "lock")
    assert lock is not None
    with pytest.raises(RunBusy, match="worked on"):
        service.delete(run_id)
    lock.release()
    assert store.get(run_id).folder.is_dir()


def test_recover_marks_the_runs_whose_worker_is_gone() -> None:
    now = time.time()
    dead = make_run(state="fine-tuning", started_at=now)
    asked = make_run(state="fine-tuning", started_at=now, cancel_requested_at=now)
    alive = make_run(state="fine-tuning", started_at=now)
    lost = make_run(created_at=now - 3600)
    new = make_run()
    done = make_run(state="done", started_at=now)
    lock = locks.FileLock.take(store.get(alive).folder / "lock")
    assert lock is not None
    assert {run.id for run in service.recover()} == {dead, lost}
    lock.release()
    states = {run_id: store.get(run_id).state for run_id in (dead, asked, alive, lost, new, done)}
    assert states == {
        dead: "interrupted", asked: "cancelled", alive: "fine-tuning", lost: "interrupted",
        new: "queued", done: "done",
    }  # fmt: skip


def test_a_look_at_a_run_is_enough_to_notice_its_death() -> None:
    run_id = make_run(state="transferring", started_at=time.time())
    assert service.get(run_id).state == "interrupted"
    other = make_run(state="transferring", started_at=time.time())
    assert [r.state for r in service.list_runs() if r.id == other] == ["interrupted"]


def test_find_takes_id_name_or_folder(tmp_path: Path) -> None:
    run_id = make_run(name="nice", folder=tmp_path / "there", state="done")
    for reference in (run_id, "nice", str(tmp_path / "there")):
        assert service.find(reference).id == run_id
    with pytest.raises(RunNotFound):
        service.find("nicer")


def test_comparison_is_there_once_it_is_written() -> None:
    run_id = make_run(state="done")
    assert service.comparison(run_id) is None
    (store.get(run_id).folder / "comparison.json").write_text('{"quality": "高"}', "utf-8")
    assert service.comparison(run_id) == {"quality": "高"}


@pytest.fixture
def sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A sample exported from a run of our own."""
    run_id = make_run(name="demo", state="done", started_at=2.0, finished_at=9.0,
                      pid=123, process_started=4.5, timings={"comparing": 1.5})  # fmt: skip
    store.record(run_id, Event("loss", "transferring", 1, 2, {"transfer_loss": 0.5}))
    (store.get(run_id).folder / "comparison.json").write_text('{"a": 1}')
    monkeypatch.setattr(paths, "SAMPLES", tmp_path / "samples")
    samples.export(service.get(run_id), service.events(run_id), tmp_path / "samples" / "demo-1")
    service.delete(run_id)
    return "sample-demo-1"


def test_a_sample_reads_like_a_run(sample: str) -> None:
    run = service.get(sample)
    assert (run.id, run.name, run.state, run.sample) == (sample, "demo", "done", True)
    assert run.timings == {"comparing": 1.5}
    assert [e.values for e in service.events(sample)] == [{"transfer_loss": 0.5}]
    assert service.events(sample, after_seq=1) == []
    assert service.comparison(sample) == {"a": 1}
    assert [r.id for r in service.list_runs()] == [sample]


def test_a_sample_is_found_by_the_name_that_the_list_of_runs_shows(sample: str) -> None:
    assert service.find("demo").id == service.find(sample).id == sample
    with pytest.raises(RunNotFound):
        service.find("another")


def test_a_sample_tells_nothing_of_who_made_it(sample: str) -> None:
    written = json.loads((paths.SAMPLES / "demo-1" / "run.json").read_text())
    assert "pid" not in written and "folder" not in written


def test_a_sample_cannot_be_changed(sample: str) -> None:
    for function in (service.start, service.resume, service.cancel, service.delete):
        with pytest.raises(ReadOnlyRun):
            function(sample)
    assert service.get(sample).state == "done"


def test_an_absent_sample_is_not_found() -> None:
    with pytest.raises(RunNotFound):
        service.get("sample-nowhere")
