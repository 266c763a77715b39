"""A whole comparison of a tiny run folder."""

import json
import math
from pathlib import Path

import pytest

from engine.errors import BadRunConfig, Cancelled, OriginalChanged
from engine.events import Event, ignore
from engine.evidence.results import Comparison
from engine.evidence.votes import VotePairs
from engine.methods import T2R
from engine.models.load import load
from engine.services.compare import COMPARISON_FILE, compare, run_data
from tests.support.comparisons import SETTINGS, run_to_compare
from tests.support.models import tiny_model_folder


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Comparison, Path, list[Event]]:
    folder = tmp_path_factory.mktemp("compare")
    config = run_to_compare(folder, T2R())
    events: list[Event] = []
    result = compare(
        folder / "run", config, SETTINGS, events.append, timing={"transferring": 1.23456}
    )
    return result, folder / "run" / COMPARISON_FILE, events


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


def test_another_original_is_not_compared(tmp_path):
    config = run_to_compare(tmp_path, T2R(), control=False)
    pinned = load(config.model).weights_sha256
    config = config.model_copy(update={"weights_sha256": pinned})
    tiny_model_folder(tmp_path, "llama", seed=1)  # in its place
    with pytest.raises(OriginalChanged, match=pinned[:12]):
        compare(tmp_path / "run", config, SETTINGS, ignore)
    assert not (tmp_path / "run" / COMPARISON_FILE).exists()


def test_another_seed_of_the_training_is_judged_by_the_same_documents(tmp_path):
    config = run_to_compare(tmp_path, T2R(), control=False)
    original = load(config.model)

    def heldout(**seeds: int) -> set[int]:
        _, dataset = run_data(tmp_path / "run", config.model_copy(update=seeds), original)
        return {piece.document for piece in dataset.heldout}

    assert heldout(seed=1) == heldout(seed=2) != heldout(seed=1, data_seed=1)


def test_a_length_beyond_the_memory_is_not_begun(tmp_path):
    config = run_to_compare(tmp_path, T2R(), control=False)
    settings = SETTINGS.model_copy(update={"context_tokens": (32, 10**11)})
    with pytest.raises(BadRunConfig, match="GiB"):
        compare(tmp_path / "run", config, settings, ignore)


def test_cancelling_writes_nothing(tmp_path):
    config = run_to_compare(tmp_path, T2R(), control=False)

    def stop(event: Event) -> None:
        if event.step == 3:
            raise Cancelled("stopped", "resume")

    with pytest.raises(Cancelled):
        compare(tmp_path / "run", config, SETTINGS, stop)
    assert not (tmp_path / "run" / COMPARISON_FILE).exists()
