"""Which layers keep softmax: by rule, by list, and by default; how a recipe splits its steps."""

from __future__ import annotations

import pytest

from engine.configs import RECIPES, KeptLayers, RunConfig, default_kept, recipe_for
from engine.errors import BadRunConfig
from engine.methods import METHODS
from engine.services.convert import layers_to_convert


def test_the_middle_layer_of_every_group_is_kept() -> None:
    assert KeptLayers(every=4).of(8) == {1, 5}
    assert KeptLayers(every=2, layers=(3,)).of(4) == {0, 2, 3}
    assert KeptLayers().of(4) == frozenset()


@pytest.mark.parametrize(("every", "layers"), [(8, 2), (4, 1), (16, 7)])
def test_a_rule_that_keeps_nothing_is_an_error(every: int, layers: int) -> None:
    with pytest.raises(BadRunConfig, match=f"every group of {every}") as error:
        layers_to_convert(KeptLayers(every=every), layers)
    assert "0" in error.value.hint


@pytest.mark.parametrize(("layers", "kept"), [(1, 0), (2, 2), (3, 2), (4, 4), (32, 4)])
def test_only_hybrid_keeps_layers_by_default(layers: int, kept: int) -> None:
    assert default_kept("hybrid", layers) == KeptLayers(every=kept)
    for name in set(METHODS) - {"hybrid"}:
        assert default_kept(name, layers) == KeptLayers()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("layers", range(1, 9))
def test_the_default_always_leaves_something_to_convert(method: str, layers: int) -> None:
    assert layers_to_convert(default_kept(method, layers), layers)


@pytest.mark.parametrize("name", RECIPES)
def test_methods_without_softmax_spend_a_quarter_of_the_same_steps_on_transfer(name: str) -> None:
    whole, linear = recipe_for(name, "hybrid"), recipe_for(name, "t2r")
    assert whole == RECIPES[name]
    steps = whole.transfer.steps + whole.finetune.steps
    assert linear.transfer.steps + linear.finetune.steps == steps
    assert linear.transfer.steps == steps // 4
    changed = linear.model_copy(update={"transfer": whole.transfer, "finetune": whole.finetune})
    assert changed == whole


def test_a_run_from_before_the_data_had_a_seed_keeps_its_split() -> None:
    earlier = RunConfig(model="m", data="d", seed=3).model_dump(mode="json")
    assert RunConfig.stored(earlier).data_seed == 0
    del earlier["data_seed"]
    assert RunConfig.stored(earlier).data_seed == 3


def test_a_run_from_before_there_were_tasks_goes_on_reading_text() -> None:
    earlier = RunConfig(model="m", data="d").model_dump(mode="json")
    assert RunConfig.stored(earlier).prompt_column is None
    del earlier["prompt_column"], earlier["reference_column"]
    assert RunConfig.stored(earlier).prompt_column == ""
