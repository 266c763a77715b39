"""Comparisons of other methods, and of what was asked for besides."""

import json
from pathlib import Path

import pytest

from engine.configs import AcceptanceGates
from engine.data.documents import business_documents
from engine.data.probes import RecallProbe
from engine.events import Event, ignore
from engine.evidence.gates import sealed
from engine.evidence.judging import judge_quality
from engine.evidence.results import Comparison
from engine.methods import T2R, Hybrid, Softmax
from engine.services.answer_again import answer_again
from engine.services.compare import COMPARISON_FILE, compare
from tests.support.comparisons import SETTINGS, run_to_compare


def test_another_prompt_changes_the_answers_and_nothing_else(tmp_path: Path) -> None:
    config = run_to_compare(tmp_path, T2R(), control=False)
    earlier = compare(tmp_path / "run", config, SETTINGS, ignore)
    assert not earlier.answers.own_prompt
    found = answer_again(tmp_path / "run", config, "The pump", 4, ignore, device="cpu")
    assert found.answers.own_prompt and found.answers.prompt_tail == "The pump"
    assert found.answers.original.tokens <= 4
    assert found.model_copy(update={"answers": earlier.answers}) == earlier
    stored = (tmp_path / "run" / COMPARISON_FILE).read_text("utf-8")
    assert Comparison.model_validate_json(stored) == found
    kept = compare(tmp_path / "run", config, SETTINGS, ignore, written=found.answers)
    assert kept.answers == found.answers


def test_a_null_conversion_compares_as_equal(tmp_path):
    gates = AcceptanceGates(quality_loss_percent=0, quality_against="original", context_tokens=48)
    config = run_to_compare(tmp_path, Softmax(), family="gpt2", control=False)
    config = sealed(config.model_copy(update={"gates": gates}), trained_context=512)
    settings = SETTINGS.model_copy(update={"prompt": "The pump at Osaka", "heldout_tokens": 2_000})
    (tmp_path / "run" / "pairs.json").write_text("kept")  # votes belong to the pairs there are
    result = compare(tmp_path / "run", config, settings, ignore)
    assert (tmp_path / "run" / "pairs.json").read_text() == "kept"
    assert result.quality.converted == result.quality.original
    assert result.quality.control is None
    assert result.quality.kl == pytest.approx(0.0, abs=1e-9)
    assert result.quality.top1_agreement == 1.0
    assert result.recall.converted == result.recall.original
    assert result.answers.same_prefix_tokens == result.answers.original.tokens
    assert result.answers.prompt_tail == "The pump at Osaka"
    for ours, theirs in zip(result.memory.original, result.memory.converted, strict=True):
        assert ours.cache_bytes == theirs.cache_bytes
    # Nothing is lost; and nothing is saved, so the memory gate decides.
    assert result.verdict and result.verdict.verdict == "no_go"
    words = {gate.gate: gate for gate in result.verdict.gates}
    assert result.verdict.gates_state == "frozen" and "memory" in result.verdict.decided_by
    assert words["memory"].value == 1.0 and words["memory"].context_tokens == 48
    # A random model only guesses; one that did not would have lost nothing.
    assert words["quality"].reason == "original_guesses" and result.quality.vocabulary
    known = result.quality.model_copy(update={"vocabulary": None})
    readable = judge_quality(known, config.gates)
    assert readable and (readable.value, readable.reason) == (0.0, "within")


def test_a_hybrid_is_taken_apart(tmp_path):
    config = run_to_compare(tmp_path, Hybrid(window=16), control=False)
    changes = {"heldout_tokens": 600, "needles_per_cell": 1, "fresh_processes": True}
    settings = SETTINGS.model_copy(update=changes)
    events: list[Event] = []
    result = compare(tmp_path / "run", config, settings, events.append)
    found = result.ablation
    assert found and found.linear_nats is not None and found.linear_branch is not None
    assert found.without_linear.tokens == result.quality.converted.tokens
    # Nothing was trained, so that the untrained baseline is the converted model's window alone.
    assert found.window_and_sinks == found.without_linear
    assert found.questions == 0  # a random original masters none
    assert events[-1].step == events[-1].total
    assert result.timing["comparing: ablation"] > 0
    assert "started 3 times, each in a fresh process" in (result.speed.note or "")
    assert result.speed.decode.original[0].tokens_per_s and len(result.crossovers) == 3
    assert result.needles and result.needles.lengths == (128, 256, 512)
    assert not any(task.judged for task in result.needles.tasks)
    assert "cannot be judged" in result.needles.note


def test_the_shown_question_is_the_farthest_that_fits_whole(tmp_path, monkeypatch):
    """512 tokens of context: after a question about a fact 256 tokens back, an answer of 200 tokens
    has no room left."""
    config = run_to_compare(tmp_path, T2R(), control=False)
    asked: list[RecallProbe] = []

    def knows_all(model, probes, *, tick):
        asked[:] = probes
        return [True] * len(probes)

    monkeypatch.setattr("engine.services.held_out.ask", knows_all)
    settings = SETTINGS.model_copy(update={"answer_tokens": 200, "heldout_tokens": 2_000})
    result = compare(tmp_path / "run", config, settings, ignore).answers
    assert {probe.distance_tokens for probe in asked} == {64, 128, 256}
    assert min(len(p.input_ids) for p in asked if p.distance_tokens == 256) > 512 - 200
    assert result.prompt_tokens_dropped == 0
    shown = [p for p in asked if p.prompt.endswith(result.prompt_tail)]
    fitting = [p.distance_tokens for p in asked if len(p.input_ids) <= 512 - 200]
    assert [p.distance_tokens for p in shown] == [max(fitting)]
    assert shown[0].answer == result.expected
    assert shown[0].prompt.count(shown[0].answer) == 1


def test_a_task_is_answered_and_scored_and_two_inputs_are_timed(tmp_path):
    config = run_to_compare(tmp_path, T2R())
    documents = business_documents(0, characters=(600, 700))
    rows = [{"question": next(documents).text, "answer": f"Answer {n}."} for n in range(80)]
    file = tmp_path / "run" / "data" / "cases.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    changes = {"task_documents": 3, "mqar_per_size": 1, "batch_sizes": (2,)}
    events: list[Event] = []
    result = compare(
        tmp_path / "run", config, SETTINGS.model_copy(update=changes), events.append
    )  # fmt: skip
    task = result.task
    assert task and (task.prompt_column, task.reference_column) == ("question", "answer")
    assert task.documents == len(task.answers) == 3 < task.heldout_documents
    assert {answer.reference for answer in task.answers} <= {row["answer"] for row in rows}
    assert task.prompts_cut == 3  # 600 bytes do not fit 512 tokens
    assert not task.judged  # a random model answers nothing
    metric = task.metrics[0]
    assert metric.control == metric.original and metric.change is None
    assert result.mqar and [size.pairs for size in result.mqar.sizes] == [4, 8, 16, 32, 64, 128]
    assert result.timing["comparing: task"] > 0 and result.timing["comparing: mqar"] > 0
    assert events[-1].step == events[-1].total
    (batch,) = result.batches
    assert batch.batch_size == 2 and "Batch size 2" in (batch.speed.note or "")
    assert "Batch size 1" in (result.speed.note or "") and len(result.speed.baselines) == 2
    for two, one in zip(batch.memory.original, result.memory.original, strict=True):
        assert two.cache_bytes == 2 * (one.cache_bytes or 0)
    # The same rows read as text: no task.
    text = config.model_copy(update={"text_column": "question"})
    assert compare(tmp_path / "run", text, SETTINGS, ignore).task is None
