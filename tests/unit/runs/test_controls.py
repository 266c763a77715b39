"""Controls of a finished run in a worker of their own, with a stand-in for the training."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable

import psutil
import pytest

from engine.errors import BadRunConfig, ReadOnlyRun, RunBusy
from engine.events import ignore
from engine.evidence.control_parts import ControlName, Controls
from engine.runs import controls, locks, paths, service, store
from engine.runs.control_progress import Progress, progress_of
from engine.runs.executors.local import LocalExecutor
from tests.support.runs import make_run


def _start(run_id: str, *only: ControlName) -> Progress:
    stub = (sys.executable, "-m", "tests.support.stub_controls", "--only", ",".join(only))
    return controls.start(run_id, only, LocalExecutor(stub))


def _wait(run_id: str, until: Callable[[Progress], bool]) -> Progress:
    deadline = time.monotonic() + 30
    while True:
        found = progress_of(store.get(run_id))
        assert found is not None and time.monotonic() < deadline, found
        if until(found):
            return found
        time.sleep(0.02)


def _ended(progress: Progress) -> bool:
    return progress.state != "working"


def _names(run_id: str) -> list[str]:
    return [one.name for one in Controls.in_folder(store.get(run_id).folder).controls]


def test_the_worker_trains_and_the_run_stays_done() -> None:
    run_id = make_run(step_s=0.0, state="done")
    assert progress_of(store.get(run_id)) is None
    assert _start(run_id, "elu", "rfa").names == ("elu", "rfa")
    found = _wait(run_id, _ended)
    assert (found.state, found.step, found.total) == ("done", 20, 20)
    assert found.part == "rfa: fine-tuning" and _names(run_id) == ["elu", "rfa"]
    assert service.get(run_id).state == "done" and service.events(run_id) == []


def test_cancelling_keeps_the_finished_ones() -> None:
    run_id = make_run(step_s=0.1, state="done")
    _start(run_id, "elu", "rfa")
    _wait(run_id, lambda p: p.part.startswith("rfa"))
    with pytest.raises(RunBusy):
        _start(run_id, "elu")
    with pytest.raises(RunBusy):
        service.delete(run_id)
    controls.cancel(run_id)
    assert _wait(run_id, _ended).state == "cancelled" and _names(run_id) == ["elu"]
    _lock_comes_free(run_id)
    assert store.get(run_id).cancel_requested_at is None
    _start(run_id, "rfa")  # an old request does not stop a new one
    assert _wait(run_id, _ended).state == "done"


def _lock_comes_free(run_id: str) -> None:
    lock = locks.FileLock.take(store.get(run_id).folder / "lock", wait_s=5.0)
    assert lock is not None
    lock.release()


def test_a_request_to_stop_is_heard_while_it_waits_for_its_turn() -> None:
    lane = locks.FileLock.take(paths.lane_lock())
    assert lane is not None
    run_id = make_run(step_s=0.0, state="done")
    _start(run_id, "elu")
    _wait(run_id, lambda p: p.part == "waiting")
    controls.cancel(run_id)
    assert _wait(run_id, _ended).state == "cancelled" and _names(run_id) == []
    lane.release()


def test_a_failure_is_told_with_its_hint() -> None:
    run_id = make_run("memory", step_s=0.0, state="done")
    _start(run_id, "elu")
    found = _wait(run_id, _ended)
    assert (found.state, found.message, found.hint) == (
        "failed", "Too large.", "Take a smaller model.",
    )  # fmt: skip


def test_a_killed_worker_is_noticed() -> None:
    run_id = make_run(step_s=0.2, state="done")
    _start(run_id, "elu")
    _wait(run_id, lambda p: p.step > 0)
    (worker,) = (
        p for p in psutil.Process().children(recursive=True) if run_id in p.cmdline()
    )  # fmt: skip
    os.kill(worker.pid, signal.SIGKILL)
    assert _wait(run_id, _ended).state == "interrupted"


@pytest.mark.parametrize("state", ["queued", "fine-tuning", "failed", "cancelled"])
def test_a_run_that_is_not_done_has_none(state: str) -> None:
    run_id = make_run(state=state)
    for ask in (lambda: controls.train(run_id, (), ignore), lambda: _start(run_id, "elu")):
        with pytest.raises(RunBusy):
            ask()
    assert progress_of(store.get(run_id)) is None


def test_a_sample_is_not_worked_on() -> None:
    with pytest.raises(ReadOnlyRun):
        controls.start("sample-bundled", ("elu",))


def test_no_name_a_wrong_name_and_an_idle_control_are_refused() -> None:
    recipe = {"transfer": {"steps": 0}, "finetune": {"steps": 5}}
    run_id = make_run(state="done")
    store.update(run_id, config=json.dumps({"method": {"name": "t2r"}, "recipe": recipe}))
    with pytest.raises(BadRunConfig, match="No control is chosen"):
        controls.start(run_id, ())
    with pytest.raises(BadRunConfig, match="no attention transfer"):
        controls.start(run_id, ("no-transfer",))
    with pytest.raises(BadRunConfig, match="'performer'"):
        controls.names_of(["elu", "performer"])
    assert controls.names_of(["rfa", "elu", "rfa"]) == ["rfa", "elu"]


def test_deleting_a_run_elsewhere_takes_its_controls_along(tmp_path) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "mine.txt").write_text("not the run's")
    run_id = make_run(folder=folder / "run", step_s=0.0, state="done")
    _start(run_id, "elu")
    assert _wait(run_id, _ended).state == "done"
    _lock_comes_free(run_id)
    service.delete(run_id)
    assert [p.name for p in folder.iterdir()] == ["mine.txt"]
