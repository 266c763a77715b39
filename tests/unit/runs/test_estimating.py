"""A dry run in a process of its own: what it says, and when it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.configs import ComparisonSettings, FinetuneSettings, Recipe, RunConfig, TransferSettings
from engine.errors import ModelNotFound, RunBusy
from engine.evidence.dry_run import DryRun
from engine.evidence.estimate import Estimate
from engine.methods import T2R
from engine.runs import estimating, locks, paths, store
from tests.support.models import tiny_model_folder


@pytest.fixture
def text(tmp_path: Path) -> Path:
    file = tmp_path / "notes.txt"
    file.write_text("\n\n".join(f"Note {i}: " + f"pump {i * 7} runs. " * 30 for i in range(80)))
    return file


def _config(model: str) -> RunConfig:
    return RunConfig(
        model=model, data="notes.txt", method=T2R(feature_dim=8), recipe_name="custom",
        recipe=Recipe(
            transfer=TransferSettings(steps=3), finetune=FinetuneSettings(steps=3),
            tokens_per_step=256, max_tokens=64, train_control=False,
        ),
        comparison=ComparisonSettings(
            context_tokens=(32, 64), decode_tokens=4, repeats=3, heldout_tokens=256,
            fresh_processes=False, probes_per_distance=1, answer_tokens=4, vote_pairs=0,
        ),
    )  # fmt: skip


@pytest.mark.slow
def test_the_estimate_comes_from_another_process_and_leaves_no_run(
    tmp_path: Path, text: Path
) -> None:
    said = list(estimating.watch(_config(str(tiny_model_folder(tmp_path, "llama"))), text))
    assert [one["kind"] for one in said] == ["progress", "progress", "estimate"]
    dry = DryRun.model_validate(said[-1]["dry"])
    assert dry.started_s > 0 and dry.steps > 0
    assert Estimate.model_validate(said[-1]["recipes"]["custom"]).total_s.low > 0
    assert store.every() == []


@pytest.mark.slow
def test_a_model_that_is_not_there_is_said_so(text: Path) -> None:
    with pytest.raises(ModelNotFound):
        list(estimating.watch(_config("/no/such/model"), text))


@pytest.mark.slow
def test_no_dry_run_beside_a_run(text: Path) -> None:
    lane = locks.FileLock.take(paths.lane_lock())
    assert lane is not None
    try:
        with pytest.raises(RunBusy, match="at work"):
            list(estimating.watch(_config("business-2k"), text))
    finally:
        lane.release()
