"""A model timed in a process of its own gives what it gives here, and its end is told."""

import os
import signal
from contextlib import nullcontext

import pytest

from engine.errors import EngineError
from engine.evidence.speed import measure
from engine.evidence.timed_party import LocalParty
from engine.models.load import load
from engine.services import fresh_process
from engine.services import open as opening
from engine.services.fresh_process import FreshProcess
from tests.support.models import tiny_model_folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_model_folder(tmp_path_factory.mktemp("fresh"), "llama")


def _settings():
    return {
        "context_tokens": (32, 64), "decode_tokens": 4, "repeats": 3, "trained_context": 512,
        "learned_positions": False,
    }  # fmt: skip


def test_a_fresh_process_reads_what_this_one_reads_until_it_is_killed(folder):
    here = LocalParty(load(str(folder)).model)
    with FreshProcess(str(folder), device="cpu") as there:
        there.ready()

        def start():
            return nullcontext((here, there))

        speed, memory = measure(start, own_processes=True, **_settings())
        assert [p.cache_bytes for p in memory.original] == [p.cache_bytes for p in memory.converted]
        assert [p.analytic_bytes for p in memory.original] == [
            p.analytic_bytes for p in memory.converted
        ]
        assert all(p.repeats == 3 and p.tokens_per_s for p in speed.decode.converted)
        assert "fresh process" in (speed.note or "") and "Only 3 repeats" in (speed.note or "")
        os.kill(there._process.pid, signal.SIGKILL)
        speed, memory = measure(start, own_processes=True, **_settings())
    # Killed as the kernel does where memory is short: a reading, and the other model's stand.
    assert all(p.out_of_memory and p.tokens_per_s is None for p in speed.prefill.converted)
    assert not any(p.out_of_memory for p in speed.prefill.original)
    assert memory.converted[0].cache_bytes is None


def test_a_model_that_cannot_be_loaded_is_told(tmp_path):
    with FreshProcess(str(tmp_path / "nothing"), device="cpu") as there:
        with pytest.raises(EngineError, match="ModelNotFound|ended"):
            there.ready()


def test_the_process_is_asked_for_the_commit_that_the_run_pinned(monkeypatch):
    asked: list[list[str]] = []

    class Started:
        def __init__(self, command, **_):
            asked.append(command[3:])

        def kill(self):
            pass

        def communicate(self, timeout):
            pass

    monkeypatch.setattr(fresh_process.subprocess, "Popen", Started)
    with FreshProcess("owner/name", device="cpu", revision="c0ffee"):
        pass
    monkeypatch.undo()
    assert asked == [["owner/name", "cpu", "c0ffee"]]
    taken: list[str | None] = []
    monkeypatch.setattr(
        opening, "load_original", lambda ref, *, device, revision: taken.append(revision)
    )
    opening.load("owner/name", revision="c0ffee")
    assert taken == ["c0ffee"]
