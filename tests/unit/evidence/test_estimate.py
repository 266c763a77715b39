"""From a dry run to a whole run: the arithmetic, by hand where it is simple."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from engine.configs import (
    RECIPES,
    ComparisonSettings,
    FinetuneSettings,
    Recipe,
    TransferSettings,
)
from engine.errors import BadRunConfig
from engine.evidence.dry_run import SPARE, DryRun, TaskTokens
from engine.evidence.estimate import estimate
from engine.goal import Prices

SETTINGS = ComparisonSettings(context_tokens=(128, 512), vote_pairs=0, fresh_processes=False)


def _dry(**changes: Any) -> DryRun:
    values: dict[str, Any] = {
        "model": "m", "method": "t2r", "device": "cpu", "parameters": 1000, "layers": 4,
        "converted_layers": 3, "started_s": 5.0, "load_s": 1.0, "data_s": 2.0,
        "train_tokens": 9000, "transfer_step_s": (0.2, 0.3), "finetune_step_s": (0.5, 0.6),
        "control_step_s": (0.4, 0.4), "validation_s": (0.1, 0.2), "validation_batches": 10,
        "scored_tokens": 1000, "score_token_s": (0.001, 0.002), "question_tokens": 0,
        "needle_tokens": 0, "mqar_tokens": 0,
        "task_tokens": TaskTokens(prompts=0, references=0, longest=0),
        "questions_s": 0.0, "decode_token_s": (0.01, 0.02), "lengths": (128, 512),
        "warm_up_s": {128: 0.1, 512: 0.4}, "repeat_s": {128: 0.05, 512: 0.2},
        "peak_bytes": 4000, "steps": 9, "took_s": 20.0,
    }  # fmt: skip
    return DryRun(**{**values, **changes})


def _recipe(**changes: Any) -> Recipe:
    return Recipe(
        transfer=TransferSettings(steps=10),
        finetune=FinetuneSettings(steps=20, evaluate_every=5, patience=2), **changes,
    )  # fmt: skip


def test_transfer_is_steps_times_their_time() -> None:
    span = estimate(_dry(), _recipe(), SETTINGS, name="x").stages_s["transferring"]
    assert span.low == pytest.approx(10 * 0.2)
    assert span.high == pytest.approx(10 * 0.3 * SPARE)


def test_finetuning_may_stop_early_and_reads_the_held_back_text() -> None:
    without = estimate(_dry(), _recipe(train_control=False), SETTINGS, name="x")
    span = without.stages_s["fine-tuning"]
    # Patience can end it after 10 steps: 1 + 2 readings of the student, one of the original.
    assert span.low == pytest.approx(10 * 0.5 + 10 * (3 * 0.2 + 0.1))
    assert span.high == pytest.approx(SPARE * (20 * 0.6 + 10 * (6 * 0.2 + 0.1)))
    both = estimate(_dry(), _recipe(), SETTINGS, name="x").stages_s["fine-tuning"]
    assert both.low > span.low and both.high > span.high


def test_longer_recipes_take_longer_and_stages_add_up() -> None:
    found = [estimate(_dry(), recipe, SETTINGS, name=name) for name, recipe in RECIPES.items()]
    assert [one.recipe for one in found] == list(RECIPES)
    lows, highs = ([getattr(one.total_s, end) for one in found] for end in ("low", "high"))
    assert lows == sorted(lows) and highs == sorted(highs) and len(set(lows)) == 3
    for one in found:
        assert one.total_s.high == pytest.approx(sum(s.high for s in one.stages_s.values()))
        assert all(stage.low <= stage.high for stage in one.stages_s.values())


def test_lengths_beyond_those_tried_widen_the_range() -> None:
    near = estimate(_dry(), _recipe(), SETTINGS, name="x").stages_s["comparing"]
    far = estimate(_dry(lengths=(128, 512, 8192)), _recipe(), SETTINGS, name="x")
    assert far.stages_s["comparing"].high - near.high > 2 * (
        far.stages_s["comparing"].low - near.low
    )


def test_taking_a_hybrid_apart_costs_time() -> None:
    plain = estimate(_dry(), _recipe(), SETTINGS, name="x")
    hybrid = estimate(_dry(method="hybrid"), _recipe(), SETTINGS, name="x")
    assert hybrid.stages_s["comparing"].low > plain.stages_s["comparing"].low


def _comparing(recipe: Recipe | None = None, **changes: Any) -> Any:
    found = estimate(_dry(**changes), recipe or _recipe(), SETTINGS, name="x")
    return found.stages_s["comparing"]


@pytest.mark.parametrize("what", ["needle_tokens", "mqar_tokens"])
def test_questions_on_request_are_read_by_all_three_models(what) -> None:
    without, span = _comparing(), _comparing(**{what: 500})
    assert span.low - without.low == pytest.approx(500 * (0.001 + 0.001 + 0.002))
    assert span.high - without.high == pytest.approx(2 * SPARE * 500 * (0.001 + 0.001 + 0.002))
    alone = _recipe(train_control=False)
    less = _comparing(alone, **{what: 500}).low - _comparing(alone).low
    assert less == pytest.approx(500 * (0.001 + 0.002))


def test_a_tasks_answers_are_written_sixteen_at_once_or_one_by_one() -> None:
    task = TaskTokens(prompts=100, references=160, longest=400)
    without, span = _comparing(), _comparing(task_tokens=task)
    read, write_s = 100 * 0.004, 0.01 + 0.01 + 0.02
    assert span.low - without.low == pytest.approx(read + 10 * write_s)
    assert span.high - without.high == pytest.approx(SPARE * (read + 400 * write_s))


@pytest.mark.parametrize(("load_s", "starts"), [(0.0, 5), (95.0, 3)])
def test_fresh_processes_are_started_as_often_as_the_timing_starts_them(load_s, starts) -> None:
    fresh = SETTINGS.model_copy(update={"fresh_processes": True})
    found = [
        estimate(_dry(load_s=load_s), _recipe(), one, name="x").stages_s["comparing"]
        for one in (SETTINGS, fresh)
    ]
    assert found[1].low - found[0].low >= starts * (5.0 + load_s)
    assert found[1].low - found[0].low < starts * (5.0 + load_s) + 5.0


def test_memory_begins_at_what_was_measured() -> None:
    span = estimate(_dry(), _recipe(), SETTINGS, name="x").memory_bytes
    assert (span.low, span.high) == (4000, pytest.approx(SPARE * 8000))
    span = estimate(_dry(peak_bytes=90_000), _recipe(), SETTINGS, name="x").memory_bytes
    assert span.high == pytest.approx(SPARE * 94_000 + 90_000 - 24_000)


def test_money_is_hours_at_the_users_price_and_nothing_without() -> None:
    prices = Prices(
        currency="JPY", prices_date=date(2026, 11, 25), instance_price_per_hour=999.0,
        conversion_price_per_hour=360.0, other_conversion_cost=1000.0,
    )  # fmt: skip
    found = estimate(_dry(), _recipe(), SETTINGS, name="x", prices=prices)
    assert found.money is not None and found.currency == "JPY"
    assert found.money.low == pytest.approx(found.total_s.low / 10)
    assert found.money.high == pytest.approx(found.total_s.high / 10)
    assert found.once == 1000, "what is paid besides would bury the computing"
    without = estimate(_dry(), _recipe(), SETTINGS, name="x")
    assert without.money is without.once is None


def test_a_dry_run_without_training_says_nothing_of_training() -> None:
    with pytest.raises(BadRunConfig, match="no step"):
        estimate(_dry(finetune_step_s=()), _recipe(), SETTINGS, name="x")
    nothing_to_learn = estimate(_dry(transfer_step_s=()), _recipe(), SETTINGS, name="x")
    assert nothing_to_learn.stages_s["transferring"].high == 0


def test_it_survives_json() -> None:
    dry = _dry()
    assert DryRun.model_validate_json(dry.model_dump_json()) == dry
