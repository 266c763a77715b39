"""Speed and memory readings of tiny originals and converted models."""

import pytest
import torch

from engine.configs import KeptLayers
from engine.core.decoding import GraphedSteps
from engine.core.state import cache_bytes
from engine.evidence import decode_way
from engine.evidence.memory import analytic_bytes, peak_memory
from engine.evidence.speed import lengths_within, measure
from engine.evidence.subject import Subject, thread_candidates
from engine.evidence.timed_party import in_this_process
from engine.methods import METHODS, Hybrid
from engine.services.convert import convert
from tests.support import frozen
from tests.support.models import tiny_model


def _read(model, tokens: int):
    with torch.inference_mode():
        ids = torch.arange(tokens)[None] % 200
        return model(input_ids=ids, use_cache=True).past_key_values


@pytest.mark.parametrize("family", ["llama", "gpt2", "gemma3", "mistral", "phi3", "opt"])
@pytest.mark.parametrize("tokens", [20, 300])
def test_formula_equals_measured_cache_of_originals(family, tokens):
    model = tiny_model(family)
    assert analytic_bytes(model, tokens) == cache_bytes(_read(model, tokens))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("tokens", [20, 300])
def test_formula_equals_measured_cache_of_converted_models(method, tokens):
    model = tiny_model("llama")
    convert(model, METHODS[method](), KeptLayers(every=4), seed=0)
    assert analytic_bytes(model, tokens) == cache_bytes(_read(model, tokens))


@pytest.mark.parametrize("method", [name for name in METHODS if name != "softmax"])
def test_a_fully_converted_cache_is_constant_down_to_the_storage(method):
    """A view of a long tensor would look small and keep all of it alive."""
    model = tiny_model("llama")
    convert(model, METHODS[method](), KeptLayers(), seed=0)
    held = []
    for tokens in (100, 400):
        cache = _read(model, tokens)
        assert cache_bytes(cache) == analytic_bytes(model, 1)
        parts = [p for layer in cache.layers for p in _tensors(layer.state)]
        held.append(sum(p.untyped_storage().nbytes() for p in parts))
    assert held[0] == held[1]


def _tensors(state) -> list[torch.Tensor]:
    found = []
    for value in vars(state).values():
        if isinstance(value, torch.Tensor):
            found.append(value)
        elif hasattr(value, "__dict__"):
            found += _tensors(value)
    return found


def test_peak_memory_sees_what_a_block_allocates():
    with peak_memory(torch.device("cpu")) as peak:
        block = torch.ones(8 * 2**20)
    del block
    if peak.bytes is None:
        pytest.skip(f"peak memory is {peak.source} on this system")
    assert 30 * 2**20 < peak.bytes < 64 * 2**20


def _pair(family: str):
    original, converted = tiny_model(family), tiny_model(family)
    convert(converted, Hybrid(), KeptLayers(every=4), seed=0)
    return original, converted


def test_readings_have_every_length_for_both_models():
    original, converted = _pair("llama")
    result, memory = measure(
        in_this_process(original, converted),
        context_tokens=(640, 64),
        decode_tokens=4,
        repeats=4,
        trained_context=512,
        learned_positions=False,
    )
    for pair in (result.prefill, result.decode):
        for points in (pair.original, pair.converted):
            assert [p.context_tokens for p in points] == [64, 640]
            assert [p.beyond_trained_context for p in points] == [False, True]
            for p in points:
                assert 3 <= p.repeats <= 4 and p.threads >= 1 and not p.out_of_memory
                assert p.p10 and p.tokens_per_s and p.p90 and p.median_ms
                assert p.p10 <= p.tokens_per_s <= p.p90 and len(p.seconds) == p.repeats
    point = result.decode.original[0]
    assert point.median_ms == pytest.approx(1000 / (point.tokens_per_s or 0))
    note = result.note or ""
    assert "timing only" in note
    # Two steps for the memory's peak, two tries of two for each number of threads, and the repeats.
    tried = len(thread_candidates(torch.device("cpu")))
    repeats = max(p.repeats for p in result.decode.original)
    assert f"up to {2 + 2 * 2 * tried + 4 * repeats} tokens further" in note
    assert "in one process;" in note
    for points in (result.decode.original, result.prefill.converted):
        assert all(p.starts == (0,) * p.repeats and len(p.threads_by_start) == 1 for p in points)
    assert "Decode steps ran one by one (no NVIDIA GPU)." in note
    for points in (memory.original, memory.converted):
        assert all(p.cache_bytes == p.analytic_bytes for p in points)


@pytest.mark.parametrize("graph_s", [0.0, 9.0])
def test_with_a_gpu_each_model_decodes_the_quicker_way(monkeypatch, graph_s):
    """The clock is replaced: here a recorded step is no quicker."""
    frozen.graphs_without_a_gpu(monkeypatch)
    monkeypatch.setattr(decode_way, "why_not_graph", lambda model: None)
    really = decode_way.timed

    def read(subject, phase, ids, steps):
        really(subject, phase, ids, steps)
        return graph_s if isinstance(subject.steps, GraphedSteps) else 1.0

    monkeypatch.setattr(decode_way, "timed", read)
    result, _ = measure(
        in_this_process(*_pair("llama")),
        context_tokens=(32, 64), decode_tokens=4, repeats=3, trained_context=512,
        learned_positions=False,
    )  # fmt: skip
    said = "as one CUDA graph" if graph_s == 0 else "one by one (quicker here than a CUDA graph)"
    assert f"Decode steps ran {said}." in (result.note or "")
    assert all(p.repeats == 3 for p in result.decode.original + result.decode.converted)


def test_no_memory_for_a_graph_is_no_end(monkeypatch):
    frozen.graphs_without_a_gpu(monkeypatch)
    original, converted = _pair("llama")
    monkeypatch.setattr(decode_way, "why_not_graph", lambda model: None)
    right = decode_way.GraphedSteps

    def scarce(model, *given, **more):
        if model is original:
            raise torch.OutOfMemoryError("too much")
        return right(model, *given, **more)

    monkeypatch.setattr(decode_way, "GraphedSteps", scarce)
    result, _ = measure(
        in_this_process(original, converted),
        context_tokens=(32,), decode_tokens=4, repeats=3, trained_context=512,
        learned_positions=False,
    )  # fmt: skip
    assert "original: one by one (no memory for a CUDA graph) at 32;" in (result.note or "")
    assert not result.decode.original[0].out_of_memory


def test_no_budget_still_means_three_repeats():
    original, converted = _pair("llama")
    result, _ = measure(
        in_this_process(original, converted),
        context_tokens=(32,),
        decode_tokens=4,
        repeats=9,
        trained_context=512,
        learned_positions=False,
        budget_s=0.0,
    )
    assert result.prefill.original[0].repeats == 3
    assert "To save time repeats were cut from 9 at lengths 32 (3)." in (result.note or "")


def test_learned_positions_are_measured_up_to_their_end():
    original, converted = _pair("gpt2")
    result, _ = measure(
        in_this_process(original, converted),
        context_tokens=(256, 8192),
        decode_tokens=4,
        repeats=3,
        trained_context=512,
        learned_positions=True,
    )
    assert [p.context_tokens for p in result.decode.converted] == [128, 256, 512]
    assert "left out" in (result.note or "")


def test_lengths_inside_a_hard_limit():
    assert lengths_within((2048, 512), None) == [512, 2048]
    assert lengths_within((128, 256), 512) == [128, 256]
    assert lengths_within((512, 1024, 2048), 256) == [64, 128, 256]


def test_running_out_of_memory_is_a_reading(monkeypatch):
    original, converted = _pair("llama")
    prefill = Subject.prefill

    def too_much(subject, ids, cache=None):
        if subject.model is original and ids.shape[1] > 32:
            raise torch.OutOfMemoryError("too much")
        prefill(subject, ids, cache)

    monkeypatch.setattr(Subject, "prefill", too_much)
    result, memory = measure(
        in_this_process(original, converted),
        context_tokens=(32, 64),
        decode_tokens=4,
        repeats=3,
        trained_context=512,
        learned_positions=False,
    )
    assert [p.out_of_memory for p in result.decode.original] == [False, True]
    assert result.prefill.original[1].tokens_per_s is None
    assert memory.original[1].cache_bytes is None
    assert result.prefill.converted[1].tokens_per_s
