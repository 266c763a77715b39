"""The capacity probe: sequences, answers, and who may be judged."""

from __future__ import annotations

import pytest
import torch

from engine.data.mqar import MOST_QUERIES, mqar_probes, mqar_sizes
from engine.evidence.mqar import ask_mqar, mqar_report
from tests.support.models import tiny_model, tiny_tokenizer


def _probes(per_size=7, context=512):
    return mqar_probes(
        tiny_tokenizer(), vocabulary=264, context_tokens=context, per_size=per_size, seed=0
    )


def test_sizes_fit_context_and_vocabulary():
    assert mqar_sizes(512, 256) == [4, 8, 16, 32, 64, 128]
    assert mqar_sizes(200, 256) == [4, 8, 16, 32, 64]
    assert mqar_sizes(10_000, 40) == [4, 8, 16]
    assert mqar_sizes(16, 256) == []


def test_every_query_repeats_a_pair_of_tokens_that_occur_once():
    tokenizer, probes = tiny_tokenizer(), _probes()
    assert len(probes) == 7 * 6
    for probe in probes:
        begin = len(probe.input_ids) - 2 * len(probe.queries) - 2 * probe.pairs
        stated = probe.input_ids[begin : begin + 2 * probe.pairs]
        assert len(set(stated)) == 2 * probe.pairs
        assert not set(stated) & set(tokenizer.all_special_ids)
        pairs = dict(zip(stated[::2], stated[1::2], strict=True))
        asked = [(probe.input_ids[at], probe.input_ids[at + 1]) for at in probe.queries]
        assert len(set(asked)) == min(probe.pairs, MOST_QUERIES)
        assert all(pairs[key] == value for key, value in asked)
    assert probes == _probes() and probes[0].input_ids != probes[1].input_ids


class _Remembers(torch.nn.Module):
    """Answers with what followed the token's last earlier occurrence, up to so many tokens back."""

    def __init__(self, reach: int) -> None:
        super().__init__()
        self.reach, self.device = reach, torch.device("cpu")
        self.config = tiny_model("llama").config

    def forward(self, input_ids, use_cache, logits_to_keep):
        logits = torch.zeros(len(input_ids), len(logits_to_keep), 264)
        for row, ids in enumerate(input_ids.tolist()):
            for column, at in enumerate(logits_to_keep.tolist()):
                for earlier in range(at - 1, max(-1, at - 1 - self.reach), -1):
                    if ids[earlier] == ids[at]:
                        logits[row, column, ids[earlier + 1]] = 1
                        break
        return type("Out", (), {"logits": logits})()


def test_a_model_that_remembers_answers_and_one_that_forgets_loses_the_large_sizes():
    probes = _probes()
    right = {
        "original": ask_mqar(_Remembers(10_000), probes),  # pyright: ignore[reportArgumentType]
        "converted": ask_mqar(_Remembers(60), probes),  # pyright: ignore[reportArgumentType]
    }
    assert right["original"] == [len(probe.queries) for probe in probes]
    found = mqar_report(probes, right)
    assert all(size.judged and size.original == size.queries for size in found.sizes)
    assert [size.pairs for size in found.sizes] == [4, 8, 16, 32, 64, 128]
    small, large = found.sizes[0], found.sizes[-2]
    assert small.converted == small.queries and small.change is None
    assert large.converted < large.queries and large.change and large.change.high < 0
    assert large.control is None and large.change.n == 7


def test_nothing_is_judged_where_the_original_fails():
    probes = _probes(per_size=2)
    half = {"original": [0] * len(probes), "converted": [1] * len(probes)}
    found = mqar_report(probes, half)
    assert not any(size.judged or size.change for size in found.sizes)
    assert "Not judged" in found.note
    ask = ask_mqar(tiny_model("gpt2"), probes)  # a family's own forward takes the same call
    assert len(ask) == len(probes) and sum(ask) < sum(len(p.queries) for p in probes) / 4


@pytest.mark.parametrize("family", ["llama", "opt"])
def test_logits_are_read_at_the_keys(family):
    model, probes = tiny_model(family), _probes(per_size=1)[:2]
    with torch.inference_mode():
        for probe, found in zip(probes, ask_mqar(model, probes), strict=True):
            choices = model(torch.tensor([probe.input_ids])).logits[0].argmax(-1).tolist()
            wanted = sum(choices[at] == probe.input_ids[at + 1] for at in probe.queries)
            assert found == wanted
