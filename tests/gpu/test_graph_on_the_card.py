"""A decode step captured by CUDA itself gives what eager steps give."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from engine.configs import KeptLayers
from engine.core import decoding
from engine.core.decoding import EagerSteps, GraphedSteps
from engine.evidence.speed import measure
from engine.evidence.timed_party import in_this_process
from engine.methods import T2R, Elu, Hedgehog, Hybrid, Rfa
from engine.services.convert import convert
from engine.services.generate import generate
from tests.support.models import FAMILIES, VOCABULARY, tiny_model, tiny_tokenizer

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU: this needs a CUDA card"),
]

METHODS: list[Any] = [
    None, T2R(feature_dim=16), Elu(), Hedgehog(), Rfa(), Hybrid(window=16, sinks=4),
]  # fmt: skip
PROMPT, STEPS = 40, 40


def on_the_card(family: str, method: Any, every: int = 0, dtype: Any = torch.float32) -> Any:
    model = tiny_model(family)
    if method is not None:
        convert(model, method, KeptLayers(every=every), seed=0)
    return model.to("cuda").to(dtype)


def logits_of(model: Any, kind: Any, batch: int, **more: Any) -> tuple[torch.Tensor, Any]:
    generator = torch.Generator().manual_seed(3)
    ids = torch.randint(3, VOCABULARY, (batch, PROMPT + STEPS), generator=generator).to("cuda")
    cache = model(ids[:, :PROMPT], use_cache=True).past_key_values
    steps = kind(model, cache, PROMPT, **more)
    found = [steps(x).float().clone() for x in ids[:, PROMPT:].split(1, dim=1)]
    return torch.stack(found, 1), steps


def compare(model: Any, batch: int, most: float) -> None:
    found, steps = logits_of(model, GraphedSteps, batch, room=STEPS)
    truth, _ = logits_of(model, EagerSteps, batch)
    assert steps.reason is None and steps._replay is not None
    torch.testing.assert_close(found, truth, rtol=0, atol=most)


@pytest.mark.parametrize("every", [0, 2])
@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.name if m else "original")
@pytest.mark.parametrize("family", ["llama", "gpt2", "gpt_neox"])
@torch.inference_mode()
def test_replays_are_eager_steps(family, method, every):
    compare(on_the_card(family, method, every), batch=2, most=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
@torch.inference_mode()
def test_every_family_is_captured(family):
    model = on_the_card(family, T2R(feature_dim=16))
    if reason := decoding.why_not_graph(model):
        pytest.skip(f"decided against: {reason}")
    compare(model, batch=1, most=1e-5)


@torch.inference_mode()
def test_a_graph_in_bfloat16():
    model = on_the_card("llama", Hybrid(window=16, sinks=4), every=4, dtype=torch.bfloat16)
    compare(model, batch=1, most=0.05)


def test_the_text_is_the_same(monkeypatch):
    model, tokenizer = on_the_card("llama", Hybrid(window=16)), tiny_tokenizer()
    model.generation_config.eos_token_id = tokenizer.eos_token = None

    def write() -> Any:
        return generate(
            model, tokenizer, "Pump 7.", max_new_tokens=60, context_tokens=512
        ).finish()  # fmt: skip

    graphed = write()
    monkeypatch.setattr(decoding, "why_not_graph", lambda model: "to compare")
    one_by_one = write()
    assert (graphed.steps, one_by_one.steps) == ("as one CUDA graph", "one by one (to compare)")
    assert graphed.token_ids == one_by_one.token_ids


def test_a_timing_says_how_it_decoded():
    models = [on_the_card("llama", method) for method in (None, T2R(feature_dim=16))]
    speed, _ = measure(
        in_this_process(*models), context_tokens=(128, 512), decode_tokens=16, repeats=3,
        trained_context=512, learned_positions=False,
    )  # fmt: skip
    assert "CUDA graph" in (speed.note or "")
    assert "would not capture" not in (speed.note or "")
