"""How long a context fits: measured where memory ran out, drawn on where it did not."""

from __future__ import annotations

import pytest

from engine.evidence.capacity import device_memory, fit
from engine.evidence.memory import weights_bytes
from engine.evidence.memory_parts import Memory
from tests.support import example_runs as examples
from tests.support.models import tiny_model

MEMORY = examples.comparison().memory


def _memory(kept: list[int | None], peaks: list[int | None], weights: int | None = None) -> Memory:
    points = [
        {"context_tokens": 1000 * 2**i, "cache_bytes": a, "analytic_bytes": 1, "peak_bytes": b,
         "peak_source": "made up"} for i, (a, b) in enumerate(zip(kept, peaks, strict=True))
    ]  # fmt: skip
    return Memory.model_validate(
        {"original": points, "converted": points, "original_weights_bytes": weights}
    )


def test_what_grows_with_every_token_is_drawn_on_as_a_line() -> None:
    found = fit(MEMORY, "original", "kept", 2048 * 1_000_000)
    assert (found.longest, found.grows, found.ran_out_at) == (1_000_000, True, None)
    assert found.points[-1] == (8192, 2048 * 8192)


def test_the_weights_come_on_top() -> None:
    memory = _memory([1000, 2000], [None, None], weights=5000)
    assert fit(memory, "original", "kept", 9000).longest == 4000
    assert fit(memory, "original", "kept", 9000).points == ((1000, 6000), (2000, 7000))
    assert fit(memory, "converted", "kept", 9000).longest == 9000


def test_a_peak_that_grows_faster_than_the_prompt_is_not_drawn_on_as_a_line() -> None:
    memory = _memory([1, 1], [100, 400])  # with the square of the length
    assert fit(memory, "original", "peak", 40_000).longest == pytest.approx(20_000, abs=1000)


def test_what_does_not_grow_has_no_end() -> None:
    found = fit(_memory([500, 500], [None, None]), "converted", "kept", 10**9)
    assert (found.longest, found.grows) == (None, False)


def test_where_memory_ran_out_nothing_is_drawn_on() -> None:
    found = fit(_memory([10, 20, None], [10, 20, None]), "original", "peak", 10**9)
    assert (found.longest, found.ran_out_at) == (2000, 4000)


def test_the_card_counts_where_the_models_ran_on_one() -> None:
    here = examples.comparison().environment
    assert device_memory(here) == 8 * 2**30
    card = here.model_copy(update={"device": "NVIDIA H200", "device_memory_bytes": 141 * 10**9})
    assert device_memory(card) == 141 * 10**9
    old = card.model_copy(update={"device_memory_bytes": None})
    assert device_memory(old) is None, "the machine's memory is not the card's"


def test_tied_weights_count_once() -> None:
    model = tiny_model("llama")
    tied = {id(p): p for p in (*model.parameters(), *model.buffers())}
    assert weights_bytes(model) == sum(4 * p.numel() for p in tied.values())
