"""A dry run on a tiny model: every part is timed, nothing is written, the training ends early."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.configs import FinetuneSettings, RunConfig, TransferSettings
from engine.errors import BadDataset
from engine.evidence.estimate import estimate
from engine.services.estimate import TIMED_STEPS, dry_run
from tests.support.models import tiny_model
from tests.support.pipelines import WORDS, run_folder, tiny_run


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> RunConfig:
    tiny = tiny_run(tmp_path_factory.mktemp("models"))
    long = {"transfer": TransferSettings(steps=500),
            "finetune": FinetuneSettings(steps=500, evaluate_every=100)}  # fmt: skip
    return tiny.model_copy(
        update={
            "recipe": tiny.recipe.model_copy(update=long),
            "comparison": tiny.comparison.model_copy(update={"vote_pairs": 0}),
        }
    )


@pytest.fixture
def text(tmp_path: Path) -> Path:
    return run_folder(tmp_path / "run") / "data" / "notes.txt"


def test_a_few_steps_of_everything_are_timed(config: RunConfig, text: Path) -> None:
    before = sorted(text.parent.rglob("*"))
    dry = dry_run(config, text, device="cpu", started_s=1.0)
    for readings in (dry.transfer_step_s, dry.finetune_step_s, dry.control_step_s):
        assert len(readings) == TIMED_STEPS and min(readings) > 0
    assert dry.steps == 3 * (TIMED_STEPS + 1)  # the first step of each training does not count
    assert (dry.layers, dry.converted_layers) == (4, 3)
    assert dry.parameters == tiny_model("llama").num_parameters()
    assert dry.lengths == (32, 64) and set(dry.warm_up_s) == {32, 64}
    assert min(*dry.score_token_s, *dry.validation_s, *dry.decode_token_s, dry.peak_bytes) > 0
    # The tiny model has random weights, so that it can tell nothing of this text.
    told = ("The original does no better", "Recall:")
    assert any(said.startswith(told) for said in dry.warnings), dry.warnings
    assert sorted(text.parent.rglob("*")) == before, "nothing is written"
    found = estimate(dry, config.recipe, config.comparison, name="custom")
    assert 0 < found.total_s.low < found.total_s.high


def test_needles_pairs_and_a_tasks_answers_are_counted(config: RunConfig, tmp_path: Path) -> None:
    file = tmp_path / "tasks.jsonl"
    file.write_text("".join(
        json.dumps({
            "question": f"Site {i}? " + " ".join(WORDS[(i * j) % 12] for j in range(1, 30)),
            "answer": f"Valve {i}",
        }) + "\n" for i in range(120)
    ))  # fmt: skip
    nothing = FinetuneSettings(steps=0)
    recipe = config.recipe.model_copy(
        update={"transfer": TransferSettings(steps=0), "finetune": nothing, "train_control": False}
    )
    asked = {"needles_per_cell": 1, "mqar_per_size": 3, "task_documents": 5}
    wanted = config.model_copy(update={
        "recipe": recipe, "comparison": config.comparison.model_copy(update=asked),
        "prompt_column": "question", "reference_column": "answer",
    })  # fmt: skip
    dry = dry_run(wanted, file, device="cpu", started_s=1.0)
    assert dry.needle_tokens > 0
    # Pairs, then queries, of sizes 4 to 128 in a context of 512: 2 tokens a pair, 2 a query.
    assert dry.mqar_tokens > 3 * 2 * (4 + 8 + 16 + 32 + 64 + 128)
    assert 0 < dry.task_tokens.references < dry.task_tokens.longest
    assert dry.task_tokens.prompts > 5 * 20
    without = estimate(
        dry.model_copy(update={"needle_tokens": 0, "mqar_tokens": 0}), recipe, wanted.comparison,
        name="custom",
    )  # fmt: skip
    whole = estimate(dry, recipe, wanted.comparison, name="custom")
    assert whole.total_s.low > without.total_s.low


def test_what_a_recipe_leaves_out_is_not_tried(config: RunConfig, text: Path) -> None:
    recipe = config.recipe.model_copy(
        update={"transfer": TransferSettings(steps=0), "train_control": False}
    )
    dry = dry_run(
        config.model_copy(update={"recipe": recipe}), text, device="cpu", started_s=1.0
    )
    assert dry.transfer_step_s == dry.control_step_s == ()
    assert len(dry.finetune_step_s) == TIMED_STEPS


def test_bad_data_is_refused_as_a_run_would(config: RunConfig, tmp_path: Path) -> None:
    (tmp_path / "short.txt").write_text("A line.\n")
    with pytest.raises(BadDataset):
        dry_run(config, tmp_path / "short.txt", device="cpu", started_s=1.0)
