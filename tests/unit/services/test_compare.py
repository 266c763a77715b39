"""A whole comparison of a tiny run folder."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from engine.configs import AcceptanceGates, ComparisonSettings, KeptLayers, Recipe, RunConfig
from engine.data.documents import business_documents
from engine.data.probes import RecallProbe
from engine.errors import BadRunConfig, Cancelled, OriginalChanged
from engine.events import Event, ignore
from engine.evidence.gates import sealed
from engine.evidence.judging import judge_quality
from engine.evidence.results import Comparison
from engine.evidence.votes import VotePairs
from engine.methods import T2R, Hybrid, Softmax
from engine.models.load import load
from engine.services.answer_again import answer_again
from engine.services.artifacts import ConversionRecord, save_model
from engine.services.compare import COMPARISON_FILE, compare, run_data
from engine.services.convert import convert
from tests.support.models import tiny_model_folder

SETTINGS = ComparisonSettings(
    context_tokens=(32, 128),
    decode_tokens=4,
    repeats=3,
    fresh_processes=False,
    heldout_tokens=2_000,
    probes_per_distance=2,
    answer_tokens=6,
)


def _run(folder: Path, method: Any, *, family: str = "llama", control: bool = True) -> RunConfig:
    """A run folder as the pipeline leaves it, but with no training done."""
    model = tiny_model_folder(folder, family)
    run = folder / "run"
    (run / "data").mkdir(parents=True)
    documents = business_documents(0, characters=(600, 700))
    rows = [json.dumps({"text": next(documents).text}) for _ in range(80)]
    (run / "data" / "cases.jsonl").write_text("\n".join(rows), "utf-8")
    config = RunConfig(
        model=str(model),
        data="cases.jsonl",
        method=method,
        kept=KeptLayers(layers=(1,)),
        recipe=Recipe(max_tokens=256),
        comparison=SETTINGS,
        seed=3,
    )
    loaded = load(str(model))
    if control:
        save_model(run / "control", loaded.model, loaded.tokenizer)
    convert(loaded.model, config.method, config.kept, seed=config.seed)
    record = ConversionRecord(method=config.method, kept=config.kept)
    save_model(run / "converted", loaded.model, loaded.tokenizer, record)
    return config


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Comparison, Path, list[Event]]:
    folder = tmp_path_factory.mktemp("compare")
    config = _run(folder, T2R())
    events: list[Event] = []
    result = compare(
        folder / "run", config, SETTINGS, events.append, timing={"transferring": 1.23456}
    )
    return result, folder / "run" / COMPARISON_FILE, events


def test_another_prompt_changes_the_answers_and_nothing_else(tmp_path: Path) -> None:
    config = _run(tmp_path, T2R(), control=False)
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


def test_the_file_is_the_result_and_plain_json(compared):
    result, file, _ = compared
    stored = json.loads(file.read_text("utf-8"), parse_constant=pytest.fail)
    assert Comparison.model_validate(stored) == result


def test_an_untrained_conversion_is_what_swapping_gives(compared):
    quality = compared[0].quality
    assert quality.swapped_untrained == quality.converted
    assert quality.control == quality.original
    assert quality.kl and quality.kl > 0
    assert quality.original.bits_per_byte == pytest.approx(
        math.log2(quality.original.perplexity), rel=1e-2
    )  # one token per byte; pieces of 256 bytes that end inside a character blur it a little


def test_every_part_is_there(compared):
    result = compared[0]
    assert result.recall.original and result.recall.control and result.recall.note
    assert [p.context_tokens for p in result.speed.decode.converted] == [32, 128]
    assert all(p.cache_bytes == p.analytic_bytes for p in result.memory.converted)
    assert result.answers.original.tokens <= 6 and result.answers.prompt_tokens > 100
    assert result.answers.prompt_tokens_dropped == 0
    assert result.answers.original.attention == "softmax in 4 layers"
    assert result.answers.converted.attention == "t2r in 3 layers, softmax in 1 layer"
    assert result.answers.original.weights_sha256 != result.answers.converted.weights_sha256
    assert result.conversion.layers_converted == (0, 2, 3)
    assert result.conversion.layers_kept == (1,) and result.conversion.parameters_added > 0
    assert result.dataset["splits"]["heldout"]["documents"] > 0
    assert result.timing["transferring"] == 1.235
    assert result.timing["comparing"] > result.timing["comparing: quality"] > 0
    assert result.environment.dtype == "float32"
    assert result.likeness and result.likeness.overall.top1 == result.quality.top1_agreement
    assert sum(g.tokens for g in result.likeness.by_class) == result.quality.original.tokens
    texts = result.continuations
    assert texts and texts.control and texts.control.mean_prefix_tokens == texts.new_tokens
    assert result.forgetting and result.forgetting.control == result.forgetting.original
    assert result.forgetting.converted and result.forgetting.converted.bits_per_byte
    assert result.fidelity and {h.layer for h in result.fidelity.heads} == {0, 2, 3}
    assert result.needles is None
    assert result.ablation is None  # t2r has one part only


def test_gates_that_came_later_give_no_verdict(compared):
    verdict = compared[0].verdict
    assert verdict and (verdict.verdict, verdict.reason) == (
        "not_enough_evidence", "gates_not_frozen",
    )  # fmt: skip
    assert {gate.gate for gate in verdict.gates} == {"quality", "recall", "speed", "memory"}


def test_pairs_to_vote_on_are_written_once(compared):
    _, file, _ = compared
    pairs = file.with_name("pairs.json")
    every = VotePairs.model_validate_json(pairs.read_bytes())
    assert 0 < len(every.pairs) + every.same_answers <= SETTINGS.vote_pairs
    assert all(pair.left != pair.right for pair in every.pairs)
    assert every.original_sha256 == compared[0].answers.original.weights_sha256


def test_progress_runs_to_its_end(compared):
    events = compared[2]
    assert all(event.stage == "comparing" and event.kind == "progress" for event in events)
    assert events[-1].step == events[-1].total
    assert sorted(e.step for e in events) == [e.step for e in events]


def test_a_null_conversion_compares_as_equal(tmp_path):
    gates = AcceptanceGates(quality_loss_percent=0, quality_against="original", context_tokens=48)
    config = sealed(
        _run(tmp_path, Softmax(), family="gpt2", control=False).model_copy(update={"gates": gates}),
        trained_context=512,
    )
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
    config = _run(tmp_path, Hybrid(window=16), control=False)
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
    config = _run(tmp_path, T2R(), control=False)
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


def test_another_original_is_not_compared(tmp_path):
    config = _run(tmp_path, T2R(), control=False)
    pinned = load(config.model).weights_sha256
    config = config.model_copy(update={"weights_sha256": pinned})
    tiny_model_folder(tmp_path, "llama", seed=1)  # in its place
    with pytest.raises(OriginalChanged, match=pinned[:12]):
        compare(tmp_path / "run", config, SETTINGS, ignore)
    assert not (tmp_path / "run" / COMPARISON_FILE).exists()


def test_another_seed_of_the_training_is_judged_by_the_same_documents(tmp_path):
    config = _run(tmp_path, T2R(), control=False)
    original = load(config.model)

    def heldout(**seeds: int) -> set[int]:
        _, dataset = run_data(tmp_path / "run", config.model_copy(update=seeds), original)
        return {piece.document for piece in dataset.heldout}

    assert heldout(seed=1) == heldout(seed=2) != heldout(seed=1, data_seed=1)


def test_a_length_beyond_the_memory_is_not_begun(tmp_path):
    config = _run(tmp_path, T2R(), control=False)
    settings = SETTINGS.model_copy(update={"context_tokens": (32, 10**11)})
    with pytest.raises(BadRunConfig, match="GiB"):
        compare(tmp_path / "run", config, settings, ignore)


def test_cancelling_writes_nothing(tmp_path):
    config = _run(tmp_path, T2R(), control=False)

    def stop(event: Event) -> None:
        if event.step == 3:
            raise Cancelled("stopped", "resume")

    with pytest.raises(Cancelled):
        compare(tmp_path / "run", config, SETTINGS, stop)
    assert not (tmp_path / "run" / COMPARISON_FILE).exists()


def test_a_task_is_answered_and_scored_and_two_inputs_are_timed(tmp_path):
    config = _run(tmp_path, T2R())
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
