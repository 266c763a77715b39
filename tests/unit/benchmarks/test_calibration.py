"""A small calibration: too few data sets for a certificate, enough to catch a broken interval."""

import json

import pytest
import torch

from benchmarks import calibration
from benchmarks.calibration_tables import promises, tables, wrong_label
from benchmarks.drawn import quality, recall, speed, votes
from benchmarks.idle_branch import idle_branch, working_branch
from benchmarks.planted import damaged, made_up_populations
from engine.models.load import load
from tests.support.models import tiny_model, tiny_model_folder

DATA_SETS = 300
# Four standard errors of a share of 95 % over so many data sets.
SLACK = 4 * (0.95 * 0.05 / DATA_SETS) ** 0.5


@pytest.fixture(scope="module")
def found():
    wanted = calibration.parts(data_sets=DATA_SETS, documents=0, seeds=0, sizes=(12,))
    return {name: wanted[name]() for name in ("quality_made_up", "recall", "speed", "votes")}


def test_intervals_cover_the_truth(found):
    rows = {row["population"]: row for row in found["quality_made_up"]}
    for name in ("no loss", "even", "skewed"):
        assert rows[f"made up, {name}"]["coverage"] > 0.94 - SLACK, name
    for row in (*found["recall"], *found["speed"]):
        assert row["coverage"] > 0.94 - SLACK, row
    json.dumps(found)


def test_no_loss_is_not_called_worse(found):
    null = next(row for row in found["quality_made_up"] if row["population"] == "made up, no loss")
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


def test_an_idle_linear_part_is_labelled_so(tmp_path):
    original = load(str(tiny_model_folder(tmp_path, "llama")))
    rows = idle_branch(2, loaded=original, documents=2)["rows"]
    assert [row["labelled_idle"] for row in rows] == [1.0, 1.0] and rows[0]["how"] != rows[1]["how"]


def test_a_linear_part_is_labelled_by_what_it_is_known_to_be_worth(tmp_path):
    """A tiny model is no teacher: that its linear part does anything is not asked of it."""
    original = load(str(tiny_model_folder(tmp_path, "llama")))
    rows = working_branch(
        documents=12, data_sets=20, sizes=(6,), loaded=original, steps=1, dials=(0.0, 20.0)
    )
    labels = ("idle", "undecided", "partly", "carries")
    assert [sum(row[label] for label in labels) for row in rows] == [1.0, 1.0]
    nothing = rows[-1]
    assert abs(nothing["truth"]) < 1e-4 and nothing["idle"] == 1.0 and wrong_label(nothing) == 0
    assert wrong_label({"truth": 0.02, "idle": 0.3, "partly": 0.1, "carries": 0.0}) == 0.3
    json.dumps(rows)


def test_the_tables_and_promises_are_made_of_the_file(found):
    idle = [{"how": "weights zeroed", "seeds": 4, "labelled_idle": 1.0}]
    real = [
        {**row, "population": "real, noise 15%", "default_gate_no_go": 0.97}
        for row in found["quality_made_up"] if "even" in row["population"]
    ]  # fmt: skip
    working = [{"truth": 0.02, "documents": 12, "idle": 0.01, "undecided": 0.5, "partly": 0.49,
                "carries": 0.0, "coverage": 0.95}]  # fmt: skip
    whole = {**found, "idle": idle, "quality_real": real, "working": working}
    assert "| 0.0200 | 12 | 1.0 | 50.0 | 49.0 | 0.0 | 95.0 |" in tables(whole)[4]
    coverage = tables(whole)[0].splitlines()
    assert coverage[0] == "| population | true change | 12 |" and coverage[1] == "|---|---|---|"
    assert any(line.startswith("| real, noise 15% | +1.00 % | 9") for line in coverage)
    said = "\n".join(promises(whole))
    assert "labelled so 100 %: kept, 100.0 %" in said
    assert "made up, heavy tail, 12 documents" in said
    assert "nor the reverse, more than 5 %: kept, at most 1.0 %" in said
    missed = {**whole, "idle": [{**idle[0], "labelled_idle": 0.75}]}
    assert "labelled so 100 %: NOT KEPT, 75.0 %" in "\n".join(promises(missed))


def test_finished_parts_are_kept_unless_the_code_or_the_arguments_changed(tmp_path, monkeypatch):
    file, asked = tmp_path / "calibration.json", []

    def work(name):
        asked.append(name)
        if name == "second" and len(asked) == 2:
            raise KeyboardInterrupt
        return [name]

    wanted = {name: lambda name=name: work(name) for name in ("first", "second")}
    with pytest.raises(KeyboardInterrupt):
        calibration.measure(file, wanted, {"data_sets": 5})
    calibration.measure(file, wanted, {"data_sets": 5})
    assert asked == ["first", "second", "second"]
    assert json.loads(file.read_text())["parts"] == {"first": ["first"], "second": ["second"]}
    calibration.measure(file, wanted, {"data_sets": 6})
    monkeypatch.setattr(calibration, "_code_sha256", lambda: "other")
    calibration.measure(file, wanted, {"data_sets": 6})
    assert asked[3:] == ["first", "second"] * 2
