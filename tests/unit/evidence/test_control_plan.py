"""Which controls tell something, how steps are divided, and what a control's result means."""

from __future__ import annotations

from typing import Any

import pytest

from engine.configs import Recipe, RunConfig, TransferSettings
from engine.core.geometry import attention_layers
from engine.evidence.control_parts import CONTROL_NAMES, Controls, worth
from engine.evidence.control_plan import RunSteps, estimated_seconds
from engine.evidence.results import Comparison
from engine.methods import METHODS
from tests.support import example_runs as examples
from tests.support.models import tiny_model


def _steps(**changes: Any) -> RunSteps:
    recipe = Recipe(transfer=TransferSettings(steps=40))
    config = RunConfig.model_validate({"model": "m", "data": "d", "recipe": recipe, **changes})
    found = RunSteps.of(config.model_dump(mode="json"))
    assert found is not None
    return found


@pytest.mark.parametrize("name", METHODS)
def test_methods_without_weights_of_their_own_have_no_transfer(name: str) -> None:
    head = attention_layers(tiny_model("llama"))[0].head
    learns = any(True for _ in METHODS[name]().build(head).parameters())
    assert _steps(method={"name": name}).transfer == (40 if learns else 0)


@pytest.mark.parametrize("name", CONTROL_NAMES)
@pytest.mark.parametrize("method", ["t2r", "hybrid"])
def test_every_control_has_as_many_steps_as_the_run(name, method: str) -> None:
    steps = _steps(method={"name": method})
    assert sum(steps.of_control(name)) == 40 + 100 and steps.why_not(name) is None
    assert steps.of_control(name)[0] == (40 if name == "rfa" else 0)


def test_settings_without_a_recipe_tell_nothing() -> None:
    assert RunSteps.of({"method": {"name": "t2r"}}) is None


def test_the_estimate_is_at_the_pace_of_the_runs_own_stages() -> None:
    end = {"kept_step": 100, "steps": 100, "validation_loss": 1.0}
    timing = {"transferring": 20.0, "fine-tuning": 100.0, "comparing: quality": 8.0,
              "comparing: recall": 4.0, "comparing: loading": 1.0}  # fmt: skip
    result = Comparison.model_validate(
        {**examples.comparison().model_dump(), "timing": timing,
         "finetuning": {"converted": end, "control": end}}
    )  # fmt: skip
    steps = _steps(method={"name": "t2r"})
    # 100 s for 200 steps of fine-tuning, 20 s for 40 of transfer, 12 s for four models.
    assert estimated_seconds(steps, result, "elu") == pytest.approx(140 * 0.5 + 3 + 1)
    assert estimated_seconds(steps, result, "rfa") == pytest.approx(100 * 0.5 + 20 + 3 + 1)
    unknown = result.model_copy(update={"finetuning": None})
    assert estimated_seconds(steps, unknown, "elu") is None


@pytest.mark.parametrize(
    ("low", "high", "n", "word"),
    [(0.1, 0.3, 12, "worth"), (-0.3, -0.1, 12, "costs"), (-0.1, 0.3, 12, "unclear"),
     (0.1, 0.3, 5, "unclear")],
)  # fmt: skip
def test_the_word_follows_the_interval(low: float, high: float, n: int, word: str) -> None:
    interval = {"estimate": (low + high) / 2, "low": low, "high": high, "n": n}
    control = examples.control("elu", lost_nats=(low + high) / 2, lost_interval=interval)
    assert worth(control) == word


def test_without_finite_likelihoods_or_an_interval_nothing_is_claimed() -> None:
    assert worth(examples.control("elu", lost_nats=None, lost_interval=None)) == "unknown"
    assert worth(examples.control("elu", lost_nats=0.4, lost_interval=None)) == "unclear"


def test_a_control_takes_the_place_of_an_earlier_one_of_its_name() -> None:
    first = Controls().having(examples.control("rfa")).having(examples.control("no-transfer"))
    again = first.having(examples.control("rfa", seconds=9.0))
    assert [one.name for one in again.controls] == ["no-transfer", "rfa"]
    found = again.named("rfa")
    assert found is not None and found.seconds == 9.0 and again.named("elu") is None


def test_facts_are_counted_over_all_distances() -> None:
    found = examples.comparison().recall.original
    assert found is not None and found.total == (198, 200)
