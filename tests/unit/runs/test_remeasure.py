"""Measuring again: what is asked for, what is kept, and who has to wait."""

from __future__ import annotations

import json
import types
from pathlib import Path
from typing import Any

import pytest

from engine.cli.settings import comparison_changes
from engine.configs import RunConfig
from engine.errors import BadRunConfig, OutOfMemory, RunBusy
from engine.events import ignore
from engine.runs import files, locks, paths, store
from engine.runs.remeasure import compare_again
from engine.runs.seal import sealing
from engine.services import answer_again as answering
from engine.services import compare as comparing
from tests.support import example_runs as examples


@pytest.fixture
def done(tmp_path: Path) -> str:
    """A run with a comparison."""
    run_id, source = paths.new_run_id(), tmp_path / "text.txt"
    source.write_text("text")
    config = RunConfig(model="m", data="text.txt").model_dump(mode="json")
    folder = paths.default_folder(run_id)
    files.make_folder(folder, config=config, data=source)
    store.insert(run_id, folder, config, name=None)
    store.update(run_id, state="done")
    (folder / "comparison.json").write_text('{"which": "first"}')
    (folder / "timings.json").write_text('{"preparing": 1.0, "comparing": 9.0}')
    return run_id


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the comparison was called with, instead of comparing."""
    calls: list[dict[str, Any]] = []

    def compare(folder, config, settings, listen, *, device, timing, recorded_sha256, written):
        lane_is_held = not locks.is_free(paths.lane_lock())
        calls.append({"settings": settings, "timing": timing, "lane": lane_is_held,
                      "recorded": recorded_sha256, "written": written})  # fmt: skip
        (folder / "comparison.json").write_text('{"which": "second"}')
        return types.SimpleNamespace(model_dump=lambda mode: {"which": "second"})

    monkeypatch.setattr(comparing, "compare", compare)
    return calls


def test_the_new_comparison_replaces_the_old_one_which_stays(
    done: str, asked: list[dict[str, Any]]
) -> None:
    result = compare_again(done, lengths=(64, 96), prompt="Tell me.", listen=ignore)
    assert result == {"which": "second"}
    (call,) = asked
    assert call["settings"].context_tokens == (64, 96) and call["settings"].prompt == "Tell me."
    assert call["settings"].repeats == RunConfig(model="m", data="d").comparison.repeats
    assert call["timing"] == {"preparing": 1.0} and call["lane"]
    folder = store.get(done).folder
    (earlier,) = folder.glob("comparison-*.json")
    assert json.loads(earlier.read_text()) == {"which": "first"}
    assert locks.is_free(paths.lane_lock()) and locks.is_free(folder / "lock")


def test_other_settings_are_measured_by_and_all_else_is_the_runs_own(
    done: str, asked: list[dict[str, Any]]
) -> None:
    changes = comparison_changes(["comparison.batch_sizes=1,8", "comparison.mqar_per_size=10"])
    compare_again(done, changes=changes, prompt="Tell me.", listen=ignore)
    (call,) = asked  # a prompt with anything else is no mere new answer
    own = RunConfig(model="m", data="d").comparison
    wanted = {"batch_sizes": (1, 8), "mqar_per_size": 10, "prompt": "Tell me."}
    assert call["settings"] == own.model_copy(update=wanted)


@pytest.mark.parametrize(
    ("assignment", "said"),
    [
        ("comparison.batch_sizes=0", "comparison.batch_sizes 0: Input should be greater"),
        ("comparison.mqar_per_size=many", "comparison.mqar_per_size many: Input should be a valid"),
        ("gates.quality_loss_percent=9", "settled for a run"),
        ("comparison.heldout_tokens=300", "decides what the acceptance gates are judged on"),
        ("comparison.repeats=3", "decides what the acceptance gates are judged on"),
        ("comparison.nothing=1", "no setting 'comparison.nothing'"),
    ],
)
def test_settings_that_cannot_be_are_refused(
    done: str, asked: list[dict[str, Any]], assignment: str, said: str
) -> None:
    with pytest.raises(BadRunConfig, match=said) as caught:
        compare_again(done, changes=comparison_changes([assignment]), listen=ignore)
    assert caught.value.hint and asked == []


def test_the_seal_in_the_log_is_looked_up(done: str, asked: list[dict[str, Any]]) -> None:
    """Events of a run that begins without one are none; only the first event counts."""
    compare_again(done, lengths=(64,), listen=ignore)
    store.record(done, sealing("a" * 64))
    compare_again(done, lengths=(64,), listen=ignore)
    store.record(done, sealing("b" * 64))
    compare_again(done, lengths=(64,), listen=ignore)
    assert [call["recorded"] for call in asked] == [None, "a" * 64, "a" * 64]


def test_a_prompt_alone_asks_for_answers_alone_and_later_lengths_keep_them(
    done: str, asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = store.get(done).folder
    earlier = examples.comparison()

    def answer_again(folder, config, text, tokens, listen, *, device):
        made = earlier.answers.model_copy(update={"prompt_tail": text, "own_prompt": True})
        found = earlier.model_copy(update={"answers": made})
        (folder / "comparison.json").write_text(found.model_dump_json())
        return found

    monkeypatch.setattr(answering, "answer_again", answer_again)
    (folder / "comparison.json").write_text(earlier.model_dump_json())
    compare_again(done, lengths=(64,), listen=ignore)
    assert asked.pop()["written"] is None  # the prompt was none of the user's
    (folder / "comparison.json").write_text(earlier.model_dump_json())
    result = compare_again(done, prompt="Tell me.", listen=ignore)
    assert asked == [] and result["answers"]["prompt_tail"] == "Tell me."
    compare_again(done, lengths=(64,), listen=ignore)
    assert asked.pop()["written"].prompt_tail == "Tell me."
    (folder / "comparison.json").write_text(json.dumps(result))
    compare_again(done, lengths=(64,), prompt="Another.", listen=ignore)
    assert asked.pop()["written"] is None


def test_lengths_out_of_range_are_refused(done: str, asked: list[dict[str, Any]]) -> None:
    with pytest.raises(BadRunConfig, match="3"):
        compare_again(done, lengths=(3,), listen=ignore)
    assert asked == []


def test_a_run_that_is_not_done_or_in_use_is_refused(
    done: str, asked: list[dict[str, Any]]
) -> None:
    lock = locks.FileLock.take(store.get(done).folder / "lock")
    assert lock is not None
    with pytest.raises(RunBusy):
        compare_again(done, lengths=(64,), listen=ignore)
    lock.release()
    store.update(done, state="failed")
    with pytest.raises(RunBusy, match="failed"):
        compare_again(done, lengths=(64,), listen=ignore)
    assert asked == []


def test_an_empty_prompt_is_refused_before_anything_is_measured(
    done: str, asked: list[dict[str, Any]]
) -> None:
    with pytest.raises(BadRunConfig, match="empty"):
        compare_again(done, prompt=" \n", listen=ignore)
    assert asked == []


def test_a_failure_leaves_the_folder_as_it_was(done: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: Any, **_more: Any) -> None:
        raise OutOfMemory("Too long.", "Measure shorter.")

    monkeypatch.setattr(comparing, "compare", fail)
    folder = store.get(done).folder
    before = sorted(path.name for path in folder.iterdir())
    with pytest.raises(OutOfMemory):
        compare_again(done, lengths=(64,), listen=ignore)
    assert sorted(path.name for path in folder.iterdir()) == before
    assert json.loads((folder / "comparison.json").read_text()) == {"which": "first"}
