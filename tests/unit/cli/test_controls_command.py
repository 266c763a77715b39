"""`python -m engine controls`: what it prints, refuses, and keeps when it is stopped."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from engine.__main__ import main
from engine.cli import follow
from engine.cli.controls import sentence
from engine.configs import RunConfig
from engine.events import Event, Listener
from engine.evidence.control_parts import ControlName, Controls
from engine.runs import store
from engine.runs.control_progress import progress_of
from engine.services import controls as training
from tests.support import example_runs as examples
from tests.support.runs import kill_workers, make_run


@pytest.fixture(autouse=True)
def data_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("T2R_STUDIO_DATA", str(tmp_path / "data"))
    yield tmp_path / "data"
    kill_workers()


@pytest.fixture
def run_id() -> str:
    made = make_run(state="done")
    run = store.get(made)
    config = RunConfig(model="m", data="source.txt").model_dump(mode="json")
    store.update(made, config=json.dumps(config))
    (run.folder / "comparison.json").write_text(examples.comparison().model_dump_json())
    return made


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What was asked for, instead of training it."""
    calls: list[list[str]] = []

    def train_controls(
        folder: Path, config: RunConfig, names: Sequence[ControlName], listen: Listener, *,
        device: str,
    ) -> Controls:  # fmt: skip
        calls.append(list(names))
        listen(Event("progress", "fine-tuning", 3, 160, {"part": "elu: fine-tuning"}))
        return Controls().having(examples.control("no-transfer")).having(
            examples.control("elu", lost_nats=-0.02, lost_interval=None)
        )

    monkeypatch.setattr(training, "train_controls", train_controls)
    return calls


def test_a_table_and_a_sentence_on_each(
    run_id: str, asked: list[list[str]], capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(follow, "PLAIN_EVERY_S", 0.0)
    assert main(["controls", run_id, "--only", "no-transfer, elu"]) == 0
    out, err = capsys.readouterr()
    assert asked == [["no-transfer", "elu"]]
    assert "attention transfer was worth 0.1013 nats per token (n = 41 documents)" in out
    assert "whether hybrid instead of elu was worth anything cannot be told (-0.0200" in out
    rows = {line.split("  ")[0]: line for line in out.splitlines()}
    assert "2.702" in rows["converted"] and "187/200" in rows["converted"]
    assert "+0.0800 to +0.1200" in rows["no-transfer"] and "138/200" in rows["no-transfer"]
    assert "+15.0 to +26.0 points" in rows["no-transfer"]
    assert "elu: fine-tuning 3/160 steps in all" in err
    progress = progress_of(store.get(run_id))
    assert progress is not None
    assert (progress.state, progress.step, progress.part) == ("done", 3, "elu: fine-tuning")


def test_without_names_all_are_asked_for_and_json_is_one_document(
    run_id: str, asked: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["controls", run_id, "--json"]) == 0
    found = Controls.model_validate_json(capsys.readouterr().out)
    assert asked == [[]] and [one.name for one in found.controls] == ["no-transfer", "elu"]


def test_a_wrong_name_and_an_unfinished_run_are_refused(
    run_id: str, asked: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["controls", run_id, "--only", "mamba"]) == 2
    assert "no-transfer, random-init, elu, rfa" in capsys.readouterr().err
    store.update(run_id, state="fine-tuning")
    store.update(run_id, started_at=None)
    assert main(["controls", run_id]) == 2
    assert "not done" in capsys.readouterr().err and asked == []


def test_ctrl_c_ends_the_work_at_the_next_event(
    run_id: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def train_controls(*_args: Any, **_more: Any) -> Controls:
        listen = _args[3]
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.05)  # no KeyboardInterrupt in the middle of a step
        listen(Event("loss", "fine-tuning", 1, 5))
        raise AssertionError("it went on")

    monkeypatch.setattr(training, "train_controls", train_controls)
    before = signal.getsignal(signal.SIGINT)
    assert main(["controls", run_id]) == 130
    assert "those that were finished are kept" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGINT) is before
    # The page tells the same, and offers to go on.
    progress = progress_of(store.get(run_id))
    assert progress is not None and progress.state == "cancelled"


def test_a_control_that_is_better_is_said_to_be() -> None:
    interval = {"estimate": -0.2, "low": -0.3, "high": -0.1, "n": 12}
    better = examples.control("no-transfer", lost_nats=-0.2, lost_interval=interval)
    said = sentence(better, "t2r")
    assert "attention transfer did not pay: it costs 0.2000 nats per token" in said
    nothing = examples.control("random-init", lost_nats=None, lost_interval=None)
    assert "no finite likelihoods" in sentence(nothing, "t2r")
