"""Two models answering in turns: the same tokens as alone, and honest about the context."""

from __future__ import annotations

import pytest

from engine.configs import KeptLayers
from engine.methods import Hybrid
from engine.models.load import Loaded
from engine.services.convert import convert
from engine.services.generate import generate
from engine.services.side_by_side import fitted, side_by_side
from tests.support.models import tiny_model, tiny_tokenizer


def _loaded(converted: bool) -> Loaded:
    model = tiny_model("llama")
    model.generation_config.eos_token_id = None
    if converted:
        convert(model, Hybrid(), KeptLayers(every=4), seed=0)
    tokenizer = tiny_tokenizer()
    tokenizer.eos_token = None
    return Loaded(model, tokenizer, "tiny", 512, False, "0" * 64)


@pytest.fixture(scope="module")
def both() -> tuple[Loaded, Loaded]:
    return _loaded(False), _loaded(True)


@pytest.mark.parametrize("length", [1, 150, 400])
def test_each_answers_as_it_does_alone(both: tuple[Loaded, Loaded], length: int) -> None:
    ids = [(7 * i) % 90 + 5 for i in range(length)]
    turns = list(side_by_side(*both, ids, answer_tokens=12))
    for side, model in zip(("original", "converted"), both, strict=True):
        mine = [turn for turn in turns if turn.side == side]
        alone = generate(model.model, model.tokenizer, ids, max_new_tokens=12, context_tokens=512)
        assert "".join(turn.piece for turn in mine) == alone.finish().text
        last = mine[-1]
        assert (last.phase, last.tokens_read, last.tokens_written) == ("done", length, 12)
        assert last.first_token_ms and last.tokens_per_s
        assert last.cache_bytes == alone.record.cache_bytes


def test_the_cache_is_seen_growing_while_it_reads(both: tuple[Loaded, Loaded]) -> None:
    turns = list(side_by_side(*both, list(range(5, 85)) * 5, answer_tokens=2))
    read = [t for t in turns if t.side == "original" and t.phase == "reading"]
    assert len(read) > 3 and read[0].cache_bytes < read[-1].cache_bytes
    assert all(t.first_token_ms is None for t in read)


def test_they_take_turns_and_change_who_goes_first(both: tuple[Loaded, Loaded]) -> None:
    order = [t.side for t in side_by_side(*both, list(range(5, 50)), answer_tokens=5)]
    assert order[:4] == ["original", "converted", "converted", "original"]


def test_what_does_not_fit_is_left_out_for_both_or_said_to_be_beyond() -> None:
    ids = list(range(1000))
    kept, fit = fitted(ids, 512, 80, whole=False)
    assert kept == ids[-432:] and (fit.tokens, fit.dropped, fit.beyond) == (1000, 568, False)
    kept, fit = fitted(ids, 512, 80, whole=True)
    assert kept == ids and fit.beyond
    assert fitted(ids[:100], 512, 80, whole=False)[1].dropped == 0
