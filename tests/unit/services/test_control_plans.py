"""What each control of a run is made of, which are refused, and what their hash depends on."""

from __future__ import annotations

from typing import Any

import pytest

from engine.configs import FinetuneSettings, Recipe, RunConfig, TransferSettings
from engine.errors import BadRunConfig
from engine.evidence.control_parts import CONTROL_NAMES, ControlName
from engine.methods import T2R, Elu, Hedgehog, Hybrid, Rfa
from engine.services.control_plans import plans
from tests.support import example_runs as examples

COMPARISON = examples.comparison()


def _recipe(transfer: int, finetune: int) -> Recipe:
    return Recipe(
        transfer=TransferSettings(steps=transfer), finetune=FinetuneSettings(steps=finetune)
    )


def _config(**changes: Any) -> RunConfig:
    values: dict[str, Any] = {"method": T2R(), "recipe": _recipe(40, 120), **changes}
    return RunConfig(model="m", data="d", **values)


@pytest.mark.parametrize(
    ("name", "changes", "why"),
    [("elu", {"method": Elu()}, "own method"), ("rfa", {"method": Rfa()}, "own method"),
     ("no-transfer", {"recipe": _recipe(0, 4)}, "no attention transfer"),
     ("no-transfer", {"method": Elu()}, "no attention transfer"),
     ("random-init", {"recipe": _recipe(0, 0)}, "not trained")],
)  # fmt: skip
def test_a_control_that_would_tell_nothing_is_refused(
    name: ControlName, changes: dict[str, Any], why: str
) -> None:
    with pytest.raises(BadRunConfig, match=why):
        plans(_config(**changes), COMPARISON, (name,))


def test_a_run_without_training_has_no_controls() -> None:
    with pytest.raises(BadRunConfig, match="No control would tell anything"):
        plans(_config(recipe=_recipe(0, 0)), COMPARISON, ())


def test_those_that_tell_nothing_are_left_out_unless_named() -> None:
    found = plans(_config(method=Elu()), COMPARISON, ())
    assert [plan.name for plan in found] == ["random-init", "rfa"]
    # Nothing was learned in the run's transfer, so none of its steps are given to a control.
    assert [plan.steps for plan in found] == [120, 120]


def test_a_rival_replaces_the_whole_mixer_of_a_hybrid() -> None:
    hybrid = Hybrid(window=8)
    found = plans(_config(method=hybrid), COMPARISON, ())
    assert tuple(plan.name for plan in found) == CONTROL_NAMES
    assert [plan.method for plan in found] == [hybrid, hybrid, Elu(), Rfa()]


@pytest.mark.parametrize(
    ("method", "features"),
    [(T2R(feature_dim=64), 64), (T2R(feature_dim=33), 34), (Hedgehog(), 32),
     (Hybrid(far=T2R(feature_dim=16)), 16)],
)  # fmt: skip
def test_rfa_has_as_many_features_as_the_runs_own_map_where_that_says(
    method: Any, features: int
) -> None:
    (plan,) = plans(_config(method=method), COMPARISON, ("rfa",))
    assert plan.method == Rfa(feature_dim=features)


def test_only_steps_and_adapters_differ_from_the_runs_recipe() -> None:
    recipe = _recipe(40, 120)
    recipe = recipe.model_copy(
        update={"finetune": recipe.finetune.model_copy(update={"lora_rank": 4})}
    )
    for plan in plans(_config(recipe=recipe), COMPARISON, ()):
        kept = recipe.model_dump(exclude={"transfer": {"steps"}, "finetune": {"steps", "lora_rank"},
                                          "train_control": True})  # fmt: skip
        found = plan.recipe.model_dump(
            exclude={"transfer": {"steps"}, "finetune": {"steps", "lora_rank"},
                     "train_control": True}
        )  # fmt: skip
        assert found == kept and plan.steps == 160
        assert plan.recipe.finetune.lora_rank == (0 if plan.name == "random-init" else 4)


@pytest.mark.parametrize(
    "changes", [{"seed": 1}, {"data_seed": 1}, {"recipe": _recipe(40, 121)},
                {"method": T2R(feature_dim=16)}, {"kept": {"every": 2}}],
)  # fmt: skip
def test_the_hash_changes_with_what_decides_the_result(changes: dict[str, Any]) -> None:
    ours = [plan.sha256 for plan in plans(_config(), COMPARISON, ("no-transfer",))]
    config = RunConfig.model_validate({**_config().model_dump(), **changes})
    assert [plan.sha256 for plan in plans(config, COMPARISON, ("no-transfer",))] != ours


def test_the_hash_stays_with_what_decides_nothing() -> None:
    config = _config()
    other = config.model_copy(update={"recipe_name": "custom"})
    found = [[plan.sha256 for plan in plans(one, COMPARISON, ())] for one in (config, other)]
    assert found[0] == found[1] and len(set(found[0])) == 4


def test_other_weights_or_other_data_are_another_control() -> None:
    ours = plans(_config(), COMPARISON, ("elu",))[0].sha256
    answers = COMPARISON.answers.model_copy(
        update={"converted": COMPARISON.answers.converted.model_copy(
            update={"weights_sha256": "f" * 64})}
    )  # fmt: skip
    data = {**COMPARISON.dataset, "sha256": "e" * 64}
    for changes in ({"answers": answers}, {"dataset": data}):
        other = COMPARISON.model_copy(update=changes)
        assert plans(_config(), other, ("elu",))[0].sha256 != ours
