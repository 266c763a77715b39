"""Recall probes: the right distance, cut exactly before the answer, never seen in training."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from engine.data.documents import PROBE_SEEDS, Document, Language
from engine.data.probes import RecallProbe, distance_tolerance, recall_probes

ASSETS = Path(__file__).parents[3] / "assets"
DISTANCES = (64, 512, 1_843)


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerBase:
    return AutoTokenizer.from_pretrained(ASSETS / "models" / "business-2k")


@pytest.fixture(scope="module")
def probes(tokenizer: PreTrainedTokenizerBase) -> list[RecallProbe]:
    return recall_probes(
        tokenizer, distances=DISTANCES, per_distance=2, language="both", context=2_048, seed=0
    )


def test_every_distance_has_its_probes_in_both_languages(probes: list[RecallProbe]) -> None:
    cells = [(probe.distance_tokens, probe.language) for probe in probes]
    assert cells == [(d, language) for d in DISTANCES for language in ("en", "ja")]


def test_prompt_and_answer_join_to_the_tokens_of_the_text(
    tokenizer: PreTrainedTokenizerBase, probes: list[RecallProbe]
) -> None:
    for probe in probes:
        assert tokenizer(probe.prompt)["input_ids"] == probe.input_ids
        assert str(tokenizer.decode(probe.answer_ids)).strip() == probe.answer
        assert tokenizer.decode(probe.input_ids, skip_special_tokens=True) == probe.prompt
        assert len(probe.input_ids) + len(probe.answer_ids) <= 2_048


def test_the_fact_stands_at_the_distance_and_nothing_nearer_tells(
    tokenizer: PreTrainedTokenizerBase, probes: list[RecallProbe]
) -> None:
    for probe in probes:
        assert probe.prompt.count(probe.answer) == 1
        after = probe.prompt.index(probe.answer) + len(probe.answer)
        after += {"en": 1, "ja": 3}[probe.language]
        tokens = tokenizer(probe.prompt[after:], add_special_tokens=False)["input_ids"]
        assert len(tokens) == probe.measured_tokens
        assert abs(len(tokens) - probe.distance_tokens) <= distance_tolerance(probe.distance_tokens)


def test_seeds_decide(tokenizer: PreTrainedTokenizerBase) -> None:
    def make(seed: int) -> list[RecallProbe]:
        return recall_probes(
            tokenizer, distances=(64,), per_distance=3, language="en", context=512, seed=seed
        )

    assert make(1) == make(1)
    assert not {probe.prompt for probe in make(1)} & {probe.prompt for probe in make(2)}


def test_a_distance_beyond_the_context_yields_nothing(tokenizer: PreTrainedTokenizerBase) -> None:
    probes = recall_probes(
        tokenizer, distances=(64, 500, 900), per_distance=2, language="ja", context=512, seed=0
    )
    assert {probe.distance_tokens for probe in probes} == {64}


def test_one_language_without_a_probe_leaves_the_other_whole(
    tokenizer: PreTrainedTokenizerBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.data import probes as module

    look = module._Search._probes
    records: dict[str, int] = {"en": 0, "ja": 0}

    def spy(self: module._Search, document: Document, distance: int, longest: int):
        records[self.language] += 1
        if self.language == "en" and distance == 128:
            return iter(())
        # Far questions are rare: here none in 100 records, then as many as there are in 20.
        rare = distance == 64 and records[self.language] % 120 <= 100
        return iter(()) if rare else look(self, document, distance, longest)

    monkeypatch.setattr(module._Search, "_probes", spy)
    made = recall_probes(
        tokenizer, distances=(64, 128), per_distance=4, language="both", context=512, seed=3
    )
    cells = [(probe.distance_tokens, probe.language) for probe in made]
    assert cells == [(64, "en"), (64, "ja")] * 2 + [(128, "ja")] * 2


def test_a_language_the_tokenizer_cannot_ask_in_is_searched_once(
    tokenizer: PreTrainedTokenizerBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.data import probes as module

    records: list[str] = []

    def none(self: module._Search, document: Document, distance: int, longest: int):
        records.append(self.language)
        return iter(())

    monkeypatch.setattr(module._Search, "_probes", none)
    assert not recall_probes(
        tokenizer, distances=(64, 128, 256), per_distance=4, language="ja", context=512, seed=0
    )
    assert len(records) == module._DOCUMENTS_PER_PROBE


def test_records_come_from_reserved_seeds(
    tokenizer: PreTrainedTokenizerBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.data import probes as module

    drawn: list[int] = []
    make = module.business_document

    def spy(seed: int, language: Language, characters: int) -> Document:
        drawn.append(seed)
        return make(seed, language, characters)

    monkeypatch.setattr(module, "business_document", spy)
    for seed in (0, 1, 2**40, -1):
        recall_probes(
            tokenizer, distances=(64,), per_distance=2, language="both", context=512, seed=seed
        )
    assert drawn and all(seed in PROBE_SEEDS for seed in drawn)


def test_probes_are_not_in_the_bundled_data(probes: list[RecallProbe]) -> None:
    lines = (ASSETS / "data" / "business-cases.jsonl").read_text(encoding="utf-8").splitlines()
    bundled = {json.loads(line)["text"][:200] for line in lines}
    assert not bundled & {probe.prompt[:200] for probe in probes}


def test_any_text_survives_the_bundled_tokenizer(tokenizer: PreTrainedTokenizerBase) -> None:
    rng = random.Random(0)
    texts = ["", "<0x41> a\t\r\n  b", "鬱病 😀 é", " KD402, 1,234.5 kPa ", "don't . , stop"]
    blocks = [(0x20, 0x7E), (0x3000, 0x9FFF), (0x1F300, 0x1F6FF), (0x00, 0x2FF)]
    texts += ["".join(chr(rng.randint(*rng.choice(blocks))) for _ in range(60)) for _ in range(40)]
    for text in texts:
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        assert tokenizer.decode(ids) == text


def test_codes_are_written_sign_by_sign(tokenizer: PreTrainedTokenizerBase) -> None:
    assert tokenizer.tokenize("は KD402") == ["は", " K", "D", "4", "0", "2"]
