"""Recall scoring on models that surely know, or surely do not know, the answers."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from engine.data.probes import RecallProbe
from engine.evidence.recall import ask, distances_within, gather, languages_known, summary
from tests.support.models import VOCABULARY


def _probe(language: str, distance: int, prompt: list[int], answer: list[int]) -> RecallProbe:
    return RecallProbe(language, distance, prompt, answer, "", "", "code", distance)  # pyright: ignore


class _Successor(nn.Module):
    """Answers every token with the next higher one; knows nothing about anything else."""

    device = torch.device("cpu")
    config = SimpleNamespace(get_text_config=lambda: SimpleNamespace(vocab_size=VOCABULARY))

    def forward(self, input_ids, use_cache):
        logits = nn.functional.one_hot((input_ids + 1) % VOCABULARY, VOCABULARY).float()
        return SimpleNamespace(logits=logits)


class _KeepingSuccessor(_Successor):
    """The same, and can leave out logits nobody asked for."""

    def forward(self, input_ids, use_cache, logits_to_keep):  # pyright: ignore
        logits = super().forward(input_ids, use_cache).logits
        return SimpleNamespace(logits=logits[:, logits_to_keep])


PROBES = [
    _probe("en", 64, list(range(10, 100)), [100, 101, 102]),
    _probe("ja", 64, [1, 2, 3], [4, 9]),  # the second token is wrong
    _probe("en", 256, [5] * 300, [7]),
    _probe("ja", 256, [5] * 280, [6]),
]


@pytest.mark.parametrize("model", [_Successor(), _KeepingSuccessor()])
def test_an_answer_counts_only_when_every_token_matches(model):
    result = summary(PROBES, ask(model, PROBES))
    assert [(d.distance_tokens, d.correct, d.n) for d in result.by_distance] == [
        (64, 1, 2),
        (256, 1, 2),
    ]
    assert [(d.language, d.distance_tokens, d.accuracy) for d in result.by_language] == [
        ("en", 64, 1.0),
        ("ja", 64, 0.0),
        ("en", 256, 0.0),
        ("ja", 256, 1.0),
    ]
    assert languages_known(result) == ["en"]


def test_distances_end_at_nine_tenths_of_the_context():
    assert distances_within(2048) == [64, 128, 256, 512, 1024, 1843]
    assert distances_within(256) == [64, 128, 192]
    assert distances_within(100) == []


def test_gathering_leaves_out_languages_the_original_does_not_master():
    passed = {"original": [True, False, True, True], "converted": [True, True, False, True]}
    result, farthest = gather(PROBES, passed, None, longest_prompt=300)
    assert result.languages == ("en",) and "ja" in (result.note or "")
    assert result.original and [d.accuracy for d in result.original.by_distance] == [1.0, 1.0]
    assert result.converted and [d.accuracy for d in result.converted.by_distance] == [1.0, 0.0]
    assert [(q.number, q.original, q.converted, q.control) for q in result.questions] == [
        (0, True, True, None), (1, False, True, None), (2, True, False, None),
        (3, True, True, None),
    ]  # fmt: skip
    assert farthest is PROBES[2] and result.control is None
    assert gather(PROBES, passed, None, longest_prompt=299)[1] is PROBES[0]
    assert gather(PROBES, passed, None, longest_prompt=89)[1] is None


def test_gathering_says_when_the_original_knows_nothing():
    passed = {"original": [False] * 4, "converted": [True] * 4}
    result, farthest = gather(PROBES, passed, None, longest_prompt=300)
    assert result.languages == ("en", "ja") and "cannot be judged" in (result.note or "")
    assert result.original and result.original.by_distance[0].n == 2
    assert farthest is None


def test_no_questions_give_the_reason():
    result, farthest = gather([], {}, "too short", longest_prompt=300)
    assert (result.original, result.converted, result.note) == (None, None, "too short")
    assert farthest is None
