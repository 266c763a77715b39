"""Acceptance gates are sealed before a run, with the length to judge at."""

import pytest

from engine.configs import AcceptanceGates, RunConfig
from engine.evidence.gates import lengths_to_measure, seal_state, sealed


def test_the_seal_survives_the_file_and_nothing_else():
    config = sealed(RunConfig(model="m", data="d"), trained_context=2048)
    again = RunConfig.model_validate_json(config.model_dump_json())
    assert seal_state(again.gates, again.gates_sha256) == "frozen"
    changed = config.gates.model_copy(update={"recall_loss_points": 50.0})
    assert seal_state(changed, config.gates_sha256) == "changed"
    assert seal_state(AcceptanceGates(), None) == "not_frozen"


def test_gates_and_seal_altered_together_are_found_out_by_the_log():
    config = sealed(RunConfig(model="m", data="d"), trained_context=2048)
    loose = AcceptanceGates(quality_loss_percent=50)
    forged = sealed(config.model_copy(update={"gates": loose}), trained_context=2048)
    assert seal_state(forged.gates, forged.gates_sha256) == "frozen"  # by itself
    assert seal_state(forged.gates, forged.gates_sha256, config.gates_sha256) == "changed"
    assert seal_state(config.gates, config.gates_sha256, config.gates_sha256) == "frozen"
    assert seal_state(config.gates, None, config.gates_sha256) == "changed"


@pytest.mark.parametrize(
    ("trained_context", "asked", "length"),
    [(2048, None, 2048), (4000, None, 2048), (300, None, 128), (100, None, 100), (2048, 700, 700),
     (2048, 9000, 9000)],
)  # fmt: skip
def test_the_length_to_judge_at_is_sealed_with_the_gates(trained_context, asked, length):
    config = RunConfig(model="m", data="d", gates=AcceptanceGates(context_tokens=asked))
    found = sealed(config, trained_context=trained_context)
    assert found.gates.context_tokens == length
    moved = found.gates.model_copy(update={"context_tokens": 8192})
    assert seal_state(moved, found.gates_sha256) == "changed"


def test_the_runs_own_lengths_are_always_measured():
    """Else a length at which the converted model is slower could be left out later on."""
    config = RunConfig(model="m", data="d", comparison={"context_tokens": (512, 2048)})  # pyright: ignore
    assert lengths_to_measure((8192,), config, 1000) == (512, 1000, 2048, 8192)
    assert lengths_to_measure((512, 2048), config, 2048) == (512, 2048)
