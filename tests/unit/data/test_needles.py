"""Needle probes say what they claim: length, depth, one true answer, two languages."""

import re

import pytest

from engine.data.needles import DEPTHS, NEEDLE_TASKS, needle_lengths, needle_probes
from tests.support.models import tiny_tokenizer

TOKENIZER = tiny_tokenizer()


@pytest.fixture(scope="module")
def probes():
    return needle_probes(TOKENIZER, context_tokens=1024, per_cell=1, seed=0)


def _text(ids: list[int]) -> str:
    return TOKENIZER.decode(ids)


def test_every_cell_has_its_question(probes):
    cells = {(p.task, p.language, p.length_tokens, p.depth) for p in probes}
    wanted = {
        (task, language, length, depth)
        for task in NEEDLE_TASKS for language in ("en", "ja") for length in (512, 1024)
        for depth in DEPTHS
    }  # fmt: skip
    # Byte by byte, a Japanese record of 512 tokens has hardly room for a fact.
    assert {cell for cell in wanted - cells if cell[0] != "facts"} == set()
    assert {cell[1] for cell in cells if cell[0] == "facts" and cell[2] == 1024} == {"en", "ja"}


def test_lengths_are_kept(probes):
    for probe in probes:
        size = len(probe.input_ids) + len(probe.answer_ids)
        assert 0.85 * probe.length_tokens <= size <= probe.length_tokens
        if probe.task == "facts":
            assert size == probe.length_tokens


def test_answers_stand_in_the_prompt_in_their_order(probes):
    for probe in probes:
        prompt, answer = _text(probe.input_ids), _text(probe.answer_ids).strip()
        if probe.task in ("multi_value", "multi_query"):
            values = re.findall(r"\d{5}", answer)
            assert len(values) == (3 if probe.task == "multi_value" else 2)
        else:
            values = [answer]
        at = [prompt.index(value) for value in values]
        assert at == sorted(at), probe
        assert all(prompt.count(value) == 1 for value in values) or probe.task == "facts"
        assert not prompt.endswith(answer)


@pytest.mark.parametrize("task", ["passkey", "multi_key"])
def test_the_needle_stands_at_its_depth(probes, task):
    for probe in probes:
        if probe.task == task and probe.length_tokens == 1024:
            prompt = _text(probe.input_ids)
            place = prompt.index(_text(probe.answer_ids).strip()) / len(prompt)
            assert abs(place - probe.depth) < 0.12


def test_a_chain_leads_to_the_number(probes):
    for probe in probes:
        if (probe.task, probe.language) == ("variable_tracking", "en"):
            prompt = _text(probe.input_ids)
            stated = dict(re.findall(r"Variable (\w) is equal to (\w+)\.", prompt))
            name = re.findall(r"Variable (\w) is equal to$", prompt.rstrip())[0]
            hops = 0
            while not name.isdigit():
                name, hops = stated[name], hops + 1
            assert (name, hops) == (_text(probe.answer_ids).strip(), 3)


def test_the_same_seed_asks_the_same_and_another_does_not():
    once, again, other = (
        needle_probes(TOKENIZER, context_tokens=256, per_cell=1, seed=seed) for seed in (0, 0, 1)
    )
    assert once == again != other


def test_lengths_end_at_the_context():
    assert needle_lengths(2048) == [256, 512, 1024, 2048]
    assert needle_lengths(512) == [128, 256, 512] and needle_lengths(100) == []
