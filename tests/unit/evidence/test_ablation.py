"""What a hybrid's parts are worth, on models whose parts surely do something, or nothing."""

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from engine.configs import KeptLayers
from engine.core.swap import conversion_of
from engine.data.probes import RecallProbe
from engine.evidence.ablation import (
    Measuring,
    ablate,
    hybrid_mixers,
    shuffled_features,
    some_questions,
    without,
)
from engine.evidence.inner_parts import linear_branch
from engine.evidence.quality import score
from engine.evidence.stats import Interval, wilson
from engine.methods import T2R, Elu, Hybrid
from engine.services.convert import convert
from tests.support.models import VOCABULARY, tiny_model


@dataclass(frozen=True)
class _Piece:
    ids: Tensor
    document: int


@pytest.fixture(scope="module")
def pieces() -> list[_Piece]:
    generator = torch.Generator().manual_seed(0)
    return [_Piece(torch.randint(VOCABULARY, (90,), generator=generator), d) for d in range(3)]


def _hybrid(family: str, far, seed: int = 0):
    model = tiny_model(family)
    convert(model, Hybrid(window=8, sinks=2, far=far), KeptLayers(), seed=seed)
    return model


def _ablation(converted, untrained, pieces):
    on = Measuring(pieces, None, [])
    full = score(converted, pieces)
    return full, ablate(converted, untrained, on, full=full, recalled=0, seed=0)


@pytest.mark.parametrize("family", ["llama", "gpt2"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_linear_part_with_zeroed_weights_is_idle(family, seed, pieces):
    converted = _hybrid(family, T2R(), seed)
    with torch.no_grad():
        for mixer in hybrid_mixers(converted):
            for p in mixer.feature_map.parameters():
                p.zero_()
    full, found = _ablation(converted, _hybrid(family, T2R(), seed), pieces)
    assert found.without_linear == full
    assert found.linear_interval and found.linear_interval.low == found.linear_interval.high == 0
    assert (found.linear_branch, found.linear_nats, found.shuffled_features) == ("idle", 0.0, full)


def test_each_part_is_left_out_of_the_same_weights(pieces):
    converted = _hybrid("llama", Elu())
    with torch.no_grad():  # a far field that drowns the window: leaving it out must show
        for mixer in hybrid_mixers(converted):
            mixer.log_gamma.fill_(-3.0)
    before = score(converted, pieces)
    full, found = _ablation(converted, _hybrid("llama", Elu()), pieces)
    assert score(converted, pieces) == before == full
    losses = [q.perplexity for q in (found.without_linear, found.without_window, full)]
    assert len(set(losses)) == 3
    interval = found.linear_interval
    assert interval and interval.n == 3 and interval.low <= interval.estimate <= interval.high
    assert interval.estimate == pytest.approx(found.linear_nats)
    assert found.shuffled_features is None  # elu learns nothing
    # With the far field out, gamma and phi do not matter: the baseline is the same model here.
    assert found.window_and_sinks.perplexity == pytest.approx(found.without_linear.perplexity)
    assert [d.tokens for d in found.without_linear.by_document] == [89, 89, 89]


def test_shuffling_keeps_sizes_and_comes_back():
    model = _hybrid("llama", T2R())
    weight = next(hybrid_mixers(model)[0].feature_map.parameters())
    before = weight.detach().clone()
    with shuffled_features(model, 0) as anything:
        assert anything and not torch.equal(weight, before)
        assert torch.equal(weight.flatten().sort().values, before.flatten().sort().values)
    assert torch.equal(weight, before)


def test_leaving_out_ends_with_the_block_even_after_a_failure(pieces):
    model = _hybrid("llama", T2R())
    before = score(model, pieces)
    with pytest.raises(KeyboardInterrupt), without(model, window=True):
        raise KeyboardInterrupt
    assert score(model, pieces) == before


def test_only_hybrid_layers_have_parts():
    model = tiny_model("llama")
    convert(model, T2R(), KeptLayers(), seed=0)
    assert conversion_of(model).mixers() and not hybrid_mixers(model)


def _probe(language: str, distance: int) -> RecallProbe:
    return RecallProbe(language, distance, [1], [2], "", "", "code", distance)  # pyright: ignore


def test_half_of_the_questions_of_every_distance_and_language():
    probes = [_probe(lang, d) for d in (64, 256) for lang in ("en", "ja") for _ in range(3)]
    assert some_questions(probes, ["en", "ja"]) == [0, 1, 3, 4, 6, 7, 9, 10]
    assert some_questions(probes, ["ja"]) == [3, 4, 9, 10]


@pytest.mark.parametrize(
    ("ends", "attention", "lost", "label"),
    [
        ((0.0, 0.0), 0.0, 0, "idle"), ((-0.3, -0.1), 2.0, 0, "idle"),
        ((0.001, 0.0049), 0.005, 5, "idle"), ((0.004, 0.006), 2.0, 5, "undecided"),
        ((-1.0, 1.0), 2.0, 0, "undecided"), ((0.001, 0.02), 0.02, 0, "undecided"),
        ((0.0, 0.0), None, 8, "undecided"), ((0.0, 0.0), None, 15, "partly"),
        ((-1.0, 1.0), 2.0, 15, "partly"), ((-1.0, 1.0), 2.0, 30, "partly"),
        ((0.005, 0.03), 2.0, 0, "partly"), ((0.2, 0.8), 1.0, 0, "partly"),
        ((0.01, 0.03), None, 0, "partly"), ((0.01, 0.03), -1.0, 0, "partly"),
        ((0.3, 0.8), 1.0, 0, "carries"), ((-1.0, 1.0), 2.0, 40, "carries"),
    ],
)  # fmt: skip
def test_the_label_follows_the_documented_rule(ends, attention, lost, label):
    low, high = ends
    interval = Interval(estimate=(low + high) / 2, low=low, high=high, n=20)
    facts = wilson(lost, 100)
    assert linear_branch(interval.estimate, interval, attention, facts) == label


def test_a_few_facts_lost_of_few_are_no_proof():
    unsure = Interval(estimate=0.0, low=-1.0, high=1.0, n=20)
    assert linear_branch(0.0, unsure, 2.0, wilson(1, 10)) == "undecided"
    assert linear_branch(0.0, unsure, 2.0, wilson(2, 4)) == "partly"


def test_few_documents_say_idle_only_far_below_the_line():
    tight = Interval(estimate=0.0005, low=0.0001, high=0.0009, n=6)
    wider = Interval(estimate=0.0005, low=0.0, high=0.002, n=6)
    assert linear_branch(0.0005, tight, 2.0, None) == "idle"
    assert linear_branch(0.0005, wider, 2.0, None) == "undecided"
    assert linear_branch(0.0005, wider.model_copy(update={"n": 20}), 2.0, None) == "idle"


def test_without_numbers_or_an_interval_nothing_is_claimed():
    assert linear_branch(None, None, None, None) is None
    assert linear_branch(0.0, None, 2.0, None) == "undecided"
    assert linear_branch(0.0, None, 2.0, wilson(60, 60)) == "carries"
