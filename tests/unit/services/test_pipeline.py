"""A whole run in this process, on a tiny model: complete, and the same when it is interrupted."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from engine.configs import RunConfig
from engine.errors import Cancelled, OriginalChanged
from engine.events import STAGES, Event
from engine.evidence.results import Comparison
from engine.services import pipeline
from engine.services.pipeline import run_pipeline
from engine.services.timings import read_timings
from tests.support.pipelines import run_folder, tiny_run, weights


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> RunConfig:
    return tiny_run(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def whole(config: RunConfig, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Event]]:
    folder = run_folder(tmp_path_factory.mktemp("whole") / "run")
    events: list[Event] = []
    run_pipeline(config, folder, events.append)
    return folder, events


def test_a_run_leaves_models_comparison_and_timings(
    config: RunConfig, whole: tuple[Path, list[Event]]
) -> None:
    folder, _ = whole
    assert {p.name for p in folder.iterdir()} == {
        "data", "converted", "control", "comparison.json", "pairs.json", "timings.json",
    }  # fmt: skip
    result = Comparison.model_validate_json((folder / "comparison.json").read_text())
    assert result.quality.control is not None
    assert set(result.conversion.layers_kept) == config.kept.of(4) != set()
    ends = result.finetuning
    assert ends and ends.control and ends.converted and ends.converted.steps == 4
    # They are those that training told of: the lowest reading's, and its step.
    for track, end in (("converted", ends.converted), ("control", ends.control)):
        found = [
            (event.values["validation_loss"], event.step)
            for event in whole[1]
            if event.values.get("track") == track and "validation_loss" in event.values
        ]
        assert (end.validation_loss, end.kept_step) == min(found)
    timings = read_timings(folder)
    assert tuple(timings) == STAGES and all(seconds > 0 for seconds in timings.values())
    assert result.timing["fine-tuning"] == timings["fine-tuning"]
    assert any(".mixer." in name for name in weights(folder, "converted"))
    assert not any(".mixer." in name for name in weights(folder, "control"))


def test_stages_and_progress_are_told_in_order(whole: tuple[Path, list[Event]]) -> None:
    _, events = whole
    assert tuple(e.stage for e in events if e.kind == "stage") == STAGES
    progress = [(e.step, e.total) for e in events if e.kind == "progress"]
    tuning = [
        (e.step, e.total) for e in events if e.kind == "progress" and e.stage == "fine-tuning"
    ]
    # Both trainings in one count, each beginning with a reading before its first step.
    assert tuning == [(n, 8) for n in (0, 1, 2, 3, 4, 4, 5, 6, 7, 8)]
    assert all(0 <= step <= total for step, total in progress)
    tracks = [e.values["track"] for e in events if e.kind == "loss" and e.stage == "fine-tuning"]
    assert tracks == ["converted"] * 5 + ["control"] * 5


def _at(stage: str, step: int, track: str = "converted") -> Callable[[Event], bool]:
    return lambda e: (
        (e.kind, e.stage, e.step) == ("loss", stage, step) and e.values.get("track") == track
    )


def test_a_run_does_not_go_on_with_another_original(
    config: RunConfig, whole: tuple[Path, list[Event]], tmp_path: Path
) -> None:
    """Neither from its beginning nor when only the comparison is left to do."""
    other = config.model_copy(update={"weights_sha256": "0" * 64})
    begun = run_folder(tmp_path / "begun")
    trained = tmp_path / "trained"
    shutil.copytree(whole[0], trained)
    (trained / "comparison.json").unlink()
    for folder in (begun, trained):
        with pytest.raises(OriginalChanged):
            run_pipeline(other, folder, lambda event: None)
        assert not (folder / "comparison.json").exists()
    assert not (begun / "converted").exists()


INTERRUPTIONS: dict[str, Callable[[Event], bool]] = {
    "in transfer": _at("transferring", 2),
    "in fine-tuning": _at("fine-tuning", 3),
    "in the control's fine-tuning": _at("fine-tuning", 2, "control"),
    "at the last step of fine-tuning": _at("fine-tuning", 4),
    "at a note after fine-tuning": lambda e: e.kind == "note" and e.stage == "fine-tuning",
    "between stages": lambda e: e.kind == "stage" and e.stage == "fine-tuning",
    "in the comparison": lambda e: e.kind == "progress" and e.stage == "comparing" and e.step == 3,
}


@pytest.mark.parametrize("where", INTERRUPTIONS)
def test_an_interrupted_run_ends_in_the_same_weights(
    where: str, config: RunConfig, whole: tuple[Path, list[Event]], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    if where != "in the comparison":  # elsewhere it would only cost time
        monkeypatch.setattr(pipeline, "compare", lambda *_args, **_more: None)
    folder = run_folder(tmp_path / "run")
    first: list[Event] = []
    asked = False

    def stop(event: Event) -> None:
        nonlocal asked
        first.append(event)
        asked = asked or INTERRUPTIONS[where](event)
        if asked:  # like the worker, it goes on refusing
            raise Cancelled("Stopped.", "Resume.")

    with pytest.raises(Cancelled):
        run_pipeline(config, folder, stop)
    assert not (folder / "comparison.json").exists()
    again: list[Event] = []
    run_pipeline(config, folder, again.append)
    for track in ("converted", "control"):
        ours, theirs = weights(folder, track), weights(whole[0], track)
        assert ours.keys() == theirs.keys()
        for name, weight in ours.items():
            assert torch.equal(weight, theirs[name]), name
    trained = [e.step for e in first + again if e.kind == "loss" and e.step and e.stage in STAGES]
    assert len(trained) == 4 + 4 + 4  # no step was done twice
    assert not (folder / "checkpoint").exists()
