"""A decode step recorded once and replayed gives what eager steps give.

Without a GPU the recording is `tests.support.frozen`'s, which keeps numbers and addresses as they
were, as a CUDA graph does.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch

from engine.configs import KeptLayers
from engine.core import decoding, hybrid_mixer, linear_mixer
from engine.core.decoding import EagerSteps, GraphedSteps
from engine.core.hybrid_mixer import HybridMixer
from engine.evidence.continuation import Prompts, continue_greedily
from engine.kernels.hybrid_attention import triton_step
from engine.kernels.linear_attention import fused
from engine.methods import T2R, Elu, Hedgehog, Hybrid, Rfa
from engine.services.convert import convert
from tests.support import frozen
from tests.support.models import FAMILIES, VOCABULARY, tiny_model

PURE = [
    T2R(feature_dim=8), Elu(), Hedgehog(feature_dim=8), Rfa(feature_dim=8),
    Hybrid(window=5, sinks=2, far=Hedgehog(feature_dim=8)),
]  # fmt: skip
PROMPT, STEPS = 19, 14
"""Longer than the window, so that its ring turns more than once."""


def tokens(count: int, batch: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(3)
    return torch.randint(3, VOCABULARY, (batch, count), generator=generator)


def converted(family: str, method: Any, every: int = 0) -> Any:
    model = tiny_model(family)
    convert(model, method, KeptLayers(every=every), seed=0)
    return model


def logits_of(model: Any, make: Any, ids: torch.Tensor, prompt: int = PROMPT) -> torch.Tensor:
    """The logits [B, steps, V] of every step after the prompt, the tokens given."""
    cache = model(ids[:, :prompt], use_cache=True).past_key_values
    steps = make(model, cache, prompt)
    return torch.stack([steps(x).clone() for x in ids[:, prompt:].split(1, dim=1)], 1)


class Recorded(GraphedSteps):
    """Steps of which no recording may be refused."""

    def __call__(self, token: torch.Tensor) -> torch.Tensor:
        logits = super().__call__(token)
        assert self.reason is None, self.reason
        return logits


def graphed(model: Any, cache: Any, tokens: int) -> GraphedSteps:
    return Recorded(model, cache, tokens, room=STEPS)


@pytest.fixture(autouse=True)
def without_a_gpu(monkeypatch):
    frozen.graphs_without_a_gpu(monkeypatch)


@pytest.mark.parametrize("method", PURE, ids=lambda m: m.name)
@pytest.mark.parametrize("family", ["llama", "gpt2", "gpt_neox"])
@torch.inference_mode()
def test_replays_are_the_eager_steps_bit_by_bit(family, method):
    model, ids = converted(family, method), tokens(PROMPT + STEPS)
    assert torch.equal(logits_of(model, graphed, ids), logits_of(model, EagerSteps, ids))


@pytest.mark.parametrize("family", FAMILIES)
@torch.inference_mode()
def test_a_step_of_every_family_can_be_recorded(family):
    model, ids = converted(family, T2R(feature_dim=8)), tokens(PROMPT + STEPS, batch=2)
    assert torch.equal(logits_of(model, graphed, ids), logits_of(model, EagerSteps, ids))


@pytest.mark.parametrize("method", [None, *PURE[-2:]], ids=["original", "rfa", "hybrid"])
@pytest.mark.parametrize("family", ["llama", "gpt2", "gpt_neox", "opt", "qwen3"])
@torch.inference_mode()
def test_softmax_layers_in_a_preallocated_cache(family, method):
    """They sum over more slots, whose weights are zero: equal up to rounding, here 2e-6, or twice
    what float32 costs where that is more (as with random features of random weights)."""
    model = tiny_model(family) if method is None else converted(family, method, every=2)
    ids = tokens(PROMPT + STEPS)
    found, eager = (logits_of(model, make, ids) for make in (graphed, EagerSteps))
    truth = logits_of(model.double(), EagerSteps, ids)
    rounding = (eager - truth).abs().max().item()
    torch.testing.assert_close(found, eager, rtol=0, atol=max(2e-6, 2 * rounding))


@pytest.mark.parametrize("prompt", [1, 2, 3])
@torch.inference_mode()
def test_sink_slots_are_still_empty_when_the_step_is_recorded(prompt):
    model, ids = converted("llama", Hybrid(window=3, sinks=6)), tokens(prompt + STEPS)
    found, truth = (logits_of(model, make, ids, prompt) for make in (graphed, EagerSteps))
    assert torch.equal(found, truth)
    torch.testing.assert_close(found, model(ids).logits[:, prompt:], rtol=0, atol=2e-6)


@pytest.mark.parametrize("method", [T2R(feature_dim=8), Rfa(feature_dim=8), PURE[-1]],
                         ids=lambda m: m.name)  # fmt: skip
@torch.inference_mode()
def test_the_kernels_are_recorded_too(monkeypatch, method):
    pytest.importorskip("triton")
    monkeypatch.setattr(linear_mixer, "linear_backend", lambda stage, *_: by_stage(stage))
    monkeypatch.setattr(hybrid_mixer, "hybrid_backend", lambda stage, *_: by_stage(stage))
    for module in (fused, triton_step):
        monkeypatch.setattr(module, "launch", frozen.launch)
    model, ids = converted("llama", method), tokens(PROMPT + 5)
    assert torch.equal(logits_of(model, graphed, ids), logits_of(model, EagerSteps, ids))


def by_stage(stage: str) -> str:
    return "triton" if stage == "decode" else "pytorch"


@pytest.mark.parametrize("every", [0, 2])
@torch.inference_mode()
def test_after_replays_the_cache_goes_on_eagerly(every):
    model, ids = converted("llama", PURE[-1], every), tokens(PROMPT + 8)
    cache = model(ids[:, :PROMPT], use_cache=True).past_key_values
    steps = graphed(model, cache, PROMPT)
    for token in ids[:, PROMPT:-1].split(1, dim=1):
        steps(token)
    assert int(steps.cache.get_seq_length()) == steps.tokens == PROMPT + 7
    if not every:
        last = model(ids[:, -1:], past_key_values=steps.cache, use_cache=True).logits
        torch.testing.assert_close(last, model(ids).logits[:, -1:], rtol=0, atol=2e-6)


@torch.inference_mode()
def test_an_original_can_be_timed_again_from_the_same_context():
    model, ids = tiny_model("llama"), tokens(PROMPT + STEPS)
    cache = model(ids[:, :PROMPT], use_cache=True).past_key_values
    steps = graphed(model, cache, PROMPT)

    def run() -> torch.Tensor:
        return torch.stack([steps(x).clone() for x in ids[:, PROMPT:].split(1, dim=1)])

    first = run()
    with pytest.raises(ValueError, match="room for 33 tokens"):
        steps(ids[:, :1])
    steps.restart()
    assert torch.equal(run(), first)


@torch.inference_mode()
def test_learned_positions_end_at_the_last_one():
    model, ids = converted("gpt2", T2R(feature_dim=8)), tokens(PROMPT + STEPS)

    def clamped(kind: Any, **room: int) -> torch.Tensor:
        return logits_of(model, lambda *a: kind(*a, last_position=PROMPT + 3, **room), ids)

    found = clamped(Recorded, room=STEPS)
    assert torch.equal(found, clamped(EagerSteps))
    assert not torch.equal(found, logits_of(model, EagerSteps, ids))


@torch.inference_mode()
def test_a_step_that_waits_for_the_gpu_runs_one_by_one_and_says_so(monkeypatch):
    model, ids = converted("llama", PURE[-1]), tokens(PROMPT + STEPS)
    truth, right = logits_of(model, EagerSteps, ids), HybridMixer.step

    def waiting(mixer: HybridMixer, q: Any, k: Any, v: Any, state: Any) -> Any:
        assert int(state.cursor[0, 0]) >= 0
        return right(mixer, q, k, v, state)

    monkeypatch.setattr(HybridMixer, "step", waiting)
    made: list[GraphedSteps] = []

    def watched(*given: Any) -> GraphedSteps:
        made.append(GraphedSteps(*given, room=STEPS))
        return made[0]

    assert torch.equal(logits_of(model, watched, ids), truth)
    assert made[0].reason == "CUDA would not capture a step: item reads back from the device"


@torch.inference_mode()
def test_the_recording_would_show_a_step_that_counts_on_the_host(monkeypatch):
    """The proof's own proof: a position that the host counts stays what it was."""
    model, ids = converted("llama", T2R(feature_dim=8)), tokens(PROMPT + STEPS)
    truth = logits_of(model, EagerSteps, ids)

    class Counting(Recorded):
        def _advance(self) -> None:
            out = self._model(input_ids=self._token, past_key_values=self.cache, use_cache=True)
            self._logits = out.logits[:, -1]

    found = logits_of(model, lambda *a: Counting(*a, room=STEPS), ids)
    assert torch.equal(found[:, :2], truth[:, :2]) and not torch.equal(found[:, 2:], truth[:, 2:])


def test_the_choice_of_steps_follows_the_reason(monkeypatch):
    model = converted("llama", T2R(feature_dim=8))
    with torch.inference_mode():
        cache = model(tokens(5), use_cache=True).past_key_values
    assert isinstance(decoding.decode_steps(model, cache, 5, room=2), GraphedSteps)
    monkeypatch.setattr(decoding, "why_not_graph", lambda model: "no NVIDIA GPU")
    steps = decoding.decode_steps(model, cache, 5, room=2)
    assert isinstance(steps, EagerSteps)
    assert decoding.in_words(steps.reason) == "one by one (no NVIDIA GPU)"


@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_continuations_are_written_by_replays(family):
    """As `generate` writes them, several prompts at once, and the record says by what."""
    model, prompts = converted(family, PURE[-1], every=2), Prompts(tokens(PROMPT, 2), (0, 1), 10)
    expected = model.generate(prompts.ids, max_new_tokens=10, do_sample=False, eos_token_id=None)
    assert continue_greedily(model, prompts, frozenset()) == expected[:, PROMPT:].tolist()
    assert decoding.steps_taken(model) == decoding.GRAPH
