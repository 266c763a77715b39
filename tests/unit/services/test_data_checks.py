"""Leaking, duplicated and shuffled data sets are named, and a clean one is left alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from app import notes
from engine.data.dataset import build_dataset
from engine.data.documents import business_documents
from engine.data.ingest import read_corpus
from engine.data.probes import RecallProbe
from engine.evidence.recall import questions
from engine.evidence.stats import Interval
from engine.services import data_checks
from engine.services.data_checks import (
    data_warnings,
    guessing_warnings,
    leaks_of,
    personal_warnings,
    recall_warnings,
)
from tests.support.data_files import ENGLISH, jsonl, write
from tests.support.models import tiny_model, tiny_tokenizer

_MADE = business_documents(0, characters=(700, 900))
TEXTS = [next(_MADE).text for _ in range(60)]


def _data(tmp_path: Path, texts: list[str]):
    file = tmp_path / "data.jsonl"
    file.write_text("\n".join(json.dumps({"text": text}) for text in texts), "utf-8")
    corpus = read_corpus(file)
    return corpus, build_dataset(corpus, tiny_tokenizer(), max_tokens=256, seed=0)


def _warnings(tmp_path: Path, texts: list[str], order: Interval | None = None) -> tuple[str, ...]:
    corpus, dataset = _data(tmp_path, texts)
    return data_warnings(corpus, dataset, leaks_of(corpus, dataset), order)


def test_clean_data_gets_no_warning(tmp_path: Path) -> None:
    assert _warnings(tmp_path, TEXTS, Interval(estimate=0.3, low=0.1, high=0.5, n=9)) == ()


def test_an_original_that_cannot_read_the_text_is_named(tmp_path: Path) -> None:
    _, dataset = _data(tmp_path, TEXTS)
    model = tiny_model("llama")
    with torch.no_grad():
        model.get_output_embeddings().weight.mul_(500)
    (warning,) = guessing_warnings(model, dataset, tokens_per_step=256)
    assert warning.startswith("The original does no better than guessing on this text")
    ids = torch.stack([torch.as_tensor(piece.ids[:64]) for piece in dataset.validation[:4]])
    model = tiny_model("llama")
    learning = torch.optim.Adam(model.parameters(), 0.02)
    for _ in range(30):
        learning.zero_grad()
        model(input_ids=ids.long(), labels=ids.long()).loss.backward()
        learning.step()
    assert guessing_warnings(model, dataset, tokens_per_step=256) == ()


def _probes() -> list[RecallProbe]:
    found, _ = questions(tiny_tokenizer(), context_tokens=4096, per_distance=40, seed=0)
    return found


def _answering(
    monkeypatch: pytest.MonkeyPatch, right: Callable[[RecallProbe], bool]
) -> list[RecallProbe]:
    """Let the original answer as made up; takes what it is asked."""
    asked: list[RecallProbe] = []

    def ask(model: object, probes: list[RecallProbe]) -> list[bool]:
        asked.extend(probes)
        return [right(probe) for probe in probes]

    monkeypatch.setattr(data_checks, "ask", ask)
    return asked


def test_an_original_that_finds_no_near_fact_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    probes = _probes()
    asked = _answering(monkeypatch, lambda _: False)
    (warning,) = recall_warnings(tiny_model("llama"), probes, None)
    assert warning.startswith(f"Recall: the original finds 0 of {len(asked)} facts")
    nearest = min(probe.distance_tokens for probe in probes)
    assert {probe.distance_tokens for probe in asked} == {nearest}
    assert {probe.language for probe in asked} == {probe.language for probe in probes}
    assert len(asked) < len([probe for probe in probes if probe.distance_tokens == nearest])
    said = notes.told(warning, "ja")
    assert f"{len(asked)} 件中 0 件" in said and "Recall" not in said


def test_one_language_is_enough_to_be_asked_for_facts(monkeypatch: pytest.MonkeyPatch) -> None:
    probes = _probes()
    language = probes[0].language
    _answering(monkeypatch, lambda probe: probe.language == language)
    assert recall_warnings(tiny_model("llama"), probes, None) == ()


def test_that_no_question_fits_is_told_as_it_is() -> None:
    assert recall_warnings(tiny_model("llama"), [], "None fits.") == ("None fits.",)


def test_a_leak_is_named(tmp_path: Path) -> None:
    near = [text.replace("7", "8") + " Second edition." for text in TEXTS]
    (warning,) = _warnings(tmp_path, TEXTS + near)
    assert warning.startswith("Leak: of ") and "overstated" in warning


def test_duplicates_are_named(tmp_path: Path) -> None:
    (warning,) = _warnings(tmp_path, TEXTS + TEXTS[:20])
    assert warning.startswith("Duplicates: 20 of 80 documents")


@pytest.mark.parametrize(("low", "n", "told"), [(-0.1, 9, True), (0.1, 9, False), (-1, 3, False)])
def test_lost_order_is_named(tmp_path: Path, low: float, n: int, told: bool) -> None:
    found = _warnings(tmp_path, TEXTS, Interval(estimate=0.02, low=low, high=0.2, n=n))
    assert [text.startswith("Order:") for text in found] == [True] * told


def test_personal_data_is_warned_of_with_counts_and_never_quoted(tmp_path: Path) -> None:
    texts = [f"{d} Write to taro{n}@example.co.jp." for n, d in enumerate(ENGLISH)]
    file = write(tmp_path, "a.jsonl", jsonl([{"text": text} for text in texts]))
    (said,) = personal_warnings(read_corpus(file))
    assert "60 e-mail addresses in 60 of 60 documents" in said and "taro" not in said
    assert "can replace them" in said and "Names" in said
    assert personal_warnings(read_corpus(file, mask_personal_data=True)) == ()
