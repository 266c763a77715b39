"""The strongest baseline and several inputs at once."""

from dataclasses import replace

import pytest
import torch

from engine.configs import KeptLayers
from engine.core.state import cache_bytes
from engine.evidence import baseline, decode_way, timed_party
from engine.evidence.baseline import try_static
from engine.evidence.speed import measure
from engine.evidence.subject import Subject
from engine.evidence.timed_party import in_this_process
from engine.methods import T2R, Hybrid
from engine.services.convert import convert
from tests.support.models import tiny_model


def _pair(family: str):
    original, converted = tiny_model(family), tiny_model(family)
    convert(converted, Hybrid(), KeptLayers(every=4), seed=0)
    return original, converted


def _measured(original, converted, **settings):
    return measure(
        in_this_process(original, converted), decode_tokens=4, repeats=3,
        trained_context=512, learned_positions=False,
        **{"context_tokens": (32, 64), **settings},
    )  # fmt: skip


@pytest.mark.parametrize("family", ["llama", "gpt2", "gemma3", "opt"])
def test_a_preallocated_cache_writes_what_the_growing_one_writes(family):
    """Or its times would be those of something else."""
    _writes_the_same(tiny_model(family))


@pytest.mark.parametrize("family", ["llama", "gpt2", "gpt_neox"])
def test_kept_softmax_layers_write_the_same_over_preallocated_entries(family):
    _writes_the_same(_pair(family)[1])


def _writes_the_same(model):
    ids = torch.arange(2 * 100).reshape(2, 100) % 200
    growing = Subject(model, 511)
    with torch.inference_mode():
        growing.prefill(ids)
        found = try_static(growing, ids, 40, warm=2, tries=2, steps=3, candidates=(1,))
        assert found and found.steps.tokens == 100 + 2 + 2 * 3
        assert found.steps.cache is not growing.cache
        static = Subject(model, 511, steps=found.steps, cache=found.steps.cache, token=found.token)
        growing.decode(found.steps.tokens - growing.position)
        for _ in range(20):
            assert torch.equal(growing.token, static.token)
            growing.decode(1)
            static.decode(1)
    assert cache_bytes(static.cache) > cache_bytes(growing.cache)


def test_a_model_without_softmax_layers_has_nothing_to_preallocate():
    model = tiny_model("llama")
    convert(model, T2R(), KeptLayers(), seed=0)
    subject, ids = Subject(model, None), torch.arange(30)[None]
    with torch.inference_mode():
        assert try_static(subject, ids, 9, warm=1, tries=1, steps=2, candidates=(1,)) is None


def test_the_note_names_where_kept_layers_were_preallocated(monkeypatch):
    original, converted = _pair("llama")
    tried = baseline.try_static

    def biased(subject, *values, **settings):
        found = tried(subject, *values, **settings)
        return found and replace(found, seconds=0.0 if subject.model is converted else 1e9)

    monkeypatch.setattr(timed_party, "try_static", biased)
    speed, _ = _measured(original, converted)
    assert [one.converted_cache for one in speed.baselines] == ["static"] * 2
    assert [one.cache for one in speed.baselines] == ["dynamic"] * 2
    assert "softmax layers of the converted model" in (speed.note or "")


@pytest.mark.parametrize("quicker", ["dynamic", "static"])
def test_the_original_decodes_with_the_quicker_cache(monkeypatch, quicker):
    original, converted = _pair("llama")
    tried = baseline.try_static

    def biased(*values, **settings):
        found = tried(*values, **settings)
        return found and replace(found, seconds=0.0 if quicker == "static" else 1e9)

    used = set()
    decode = Subject.decode

    def watched(subject, steps):
        if subject.model is original:
            used.add(type(subject.cache).__name__)
        decode(subject, steps)

    monkeypatch.setattr(timed_party, "try_static", biased)
    monkeypatch.setattr(Subject, "decode", watched)
    speed, memory = _measured(original, converted)
    assert [one.cache for one in speed.baselines] == [quicker] * 2
    assert all(one.dynamic_ms for one in speed.baselines)
    assert used == {"DynamicCache", "StaticCache"}
    said = "with the preallocated one at 32, 64 tokens" if quicker == "static" else "everywhere"
    assert said in (speed.note or "")
    # What is kept stays what a model needs, not what was made room for.
    assert all(p.cache_bytes == p.analytic_bytes for p in memory.original)


def test_a_preallocated_cache_that_does_not_fit_is_no_reading_lost(monkeypatch):
    original, converted = _pair("llama")

    def too_much(model, tokens):
        raise torch.OutOfMemoryError("too much")

    monkeypatch.setattr(decode_way, "preallocated_cache", too_much)
    speed, _ = _measured(original, converted)
    assert all(one.cache == "dynamic" and one.static_ms is None for one in speed.baselines)
    assert all(point.tokens_per_s for point in speed.decode.original)


def test_several_inputs_at_once_are_counted_together():
    original, converted = _pair("llama")
    speed, memory = _measured(original, converted, batch=3)
    _, alone = _measured(original, converted)
    assert "Batch size 3" in (speed.note or "")
    for three, one in zip(memory.converted, alone.converted, strict=True):
        assert three.cache_bytes == three.analytic_bytes == 3 * (one.cache_bytes or 0)
    for pair, tokens in ((speed.prefill, 3 * 64), (speed.decode, 3 * 4)):
        point = pair.original[1]
        median = sorted(point.seconds)[1]
        assert point.tokens_per_s == pytest.approx(tokens / median)
    assert speed.decode.original[1].median_ms == pytest.approx(
        1000 * sorted(speed.decode.original[1].seconds)[1] / 4
    )
