"""A small calibration: too few data sets for a certificate, enough to catch a broken interval."""

import json

import pytest
import torch

from benchmarks.calibration import calibrate, quality, recall, speed, votes
from benchmarks.planted import damaged, made_up_populations
from tests.support.models import tiny_model

DATA_SETS = 300
# Four standard errors of a share of 95 % over so many data sets.
SLACK = 4 * (0.95 * 0.05 / DATA_SETS) ** 0.5


@pytest.fixture(scope="module")
def found():
    return calibrate(data_sets=DATA_SETS, documents=0, sizes=(12,))


def test_intervals_cover_the_truth(found):
    rows = {row["population"]: row for row in found["quality"]}
    for name in ("no loss", "even", "skewed"):
        assert rows[f"made up, {name}"]["coverage"] > 0.94 - SLACK, name
    for row in (*found["recall"], *found["speed"]):
        assert row["coverage"] > 0.94 - SLACK, row
    json.dumps(found)


def test_no_loss_is_not_called_worse(found):
    null = next(row for row in found["quality"] if row["population"] == "made up, no loss")
    assert null["called_worse"] < 0.05 + SLACK and null["default_gate_no_go"] == 0
    for row in found["recall"]:
        if row["truth"] == 0:
            assert row["called_worse"] < 0.05 + SLACK
            assert row["some_distance_called_lost"] < 0.05 + SLACK


def test_a_model_as_good_is_not_called_worse_where_the_original_half_knows():
    """Two independent models that answer half of the questions: were probes chosen by the answers
    that are compared, the original would look better than it is (17 % of data sets)."""
    for rate in (0.4, 0.5):
        row = recall(0.0, original=rate, questions=120, shared=0.0, data_sets=600, seed=1)
        assert row["judged"] > 0.5  # in the others neither language is known
        assert row["called_worse"] / row["judged"] < 0.05 + 4 * (0.05 * 0.95 / 600) ** 0.5


def test_a_planted_loss_is_caught():
    losses, tokens = made_up_populations()["made up, even"]
    row = quality(losses + 0.09 * tokens, tokens, documents=20, data_sets=100, seed=0)
    assert row["default_gate_no_go"] > 0.95 and row["truth"] == pytest.approx(10.5, abs=0.3)
    assert quality(losses, tokens, documents=20, data_sets=100, seed=0)["default_gate_no_go"] < 0.05


def test_what_differs_between_starts_of_the_processes_is_in_the_interval_of_speed():
    """Planted: each start makes each model about 10 % quicker or slower. Intervals over the repeats
    of one start, as they once were, miss the truth in most measurements."""
    row = speed(1.5, starts=5, repeats=2, between=0.1, data_sets=600, seed=0)
    assert row["coverage"] == pytest.approx(0.95, abs=4 * (0.95 * 0.05 / 600) ** 0.5)
    assert row["coverage_in_one_start"] < 0.7


def test_damage_is_what_was_asked_for():
    model = tiny_model("llama")
    changed = damaged(model, 0.2, 1)
    before, after = model.lm_head.weight.detach(), changed.lm_head.weight.detach()
    assert float((after - before).std() / before.std()) == pytest.approx(0.2, rel=0.05)
    assert torch.equal(damaged(model, 0.2, 1).lm_head.weight, after)


def test_wilson_covers_by_exact_count():
    assert votes(0.6, 100)["coverage"] == pytest.approx(0.95, abs=0.02)
