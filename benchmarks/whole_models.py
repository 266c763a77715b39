"""Whole models of real shapes with random weights, and their decode steps, for
`benchmarks.endtoend`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from typing import Any, cast

import torch
import transformers as hf
from torch import Tensor
from transformers import PreTrainedModel
from transformers.cache_utils import Cache, DynamicCache, StaticCache

from benchmarks.measuring import Call, say
from engine import T2R, Hybrid, KeptLayers, convert
from engine.core.decoding import GraphedSteps, InPlaceSteps
from engine.core.geometry import attention_layers
from engine.core.state import MixerCacheLayer
from engine.evidence.memory import analytic_bytes

MODELS: dict[str, Callable[[int], hf.PretrainedConfig]] = {
    "gpt2-124m": lambda longest: hf.GPT2Config(n_positions=longest),
    "qwen2.5-0.5b": lambda longest: hf.Qwen2Config(
        hidden_size=896, intermediate_size=4864, num_hidden_layers=24, num_attention_heads=14,
        num_key_value_heads=2, vocab_size=151_936, tie_word_embeddings=True,
        max_position_embeddings=longest,
    ),
    "llama-3.2-1b": lambda longest: hf.LlamaConfig(
        hidden_size=2048, intermediate_size=8192, num_hidden_layers=16, num_attention_heads=32,
        num_key_value_heads=8, head_dim=64, vocab_size=128_256, tie_word_embeddings=True,
        max_position_embeddings=longest,
    ),
    "mistral-7b": lambda longest: hf.MistralConfig(
        num_key_value_heads=8, vocab_size=32_768, sliding_window=None,
        max_position_embeddings=longest,
    ),
}  # fmt: skip
METHODS: dict[str, Callable[[int], tuple[Any, KeptLayers]]] = {
    "t2r": lambda features: (T2R(feature_dim=features), KeptLayers()),
    "hybrid": lambda features: (Hybrid(window=64, sinks=4), KeptLayers(every=4)),
}
ROOM = 64
"""Positions beyond the context, for the steps that are timed."""


def pair(
    name: str, method: str, longest: int, device: torch.device, features: int
) -> list[PreTrainedModel]:
    """Original and converted, sharing their weights."""
    dtype = torch.float32 if device.type == "cpu" else torch.bfloat16
    with torch.device(device):
        torch.manual_seed(0)
        original = hf.AutoModelForCausalLM.from_config(MODELS[name](longest + ROOM), dtype=dtype)
    original.eval()
    converted = copy.deepcopy(original, {id(p): p for p in original.parameters()})
    convert(converted, *METHODS[method](features), seed=0)
    return [original, converted]


def kv_bytes_per_token(model: PreTrainedModel) -> int:
    """By which the cache of one sequence grows with each token, all layers."""
    return analytic_bytes(model, 2) - analytic_bytes(model, 1)


def filled(model: PreTrainedModel, kind: str, batch: int, tokens: int) -> Cache:
    """A cache of this kind as after `tokens` tokens, its contents random."""
    ids = torch.ones(batch, 1, dtype=torch.long, device=model.device)
    cache: Any = (
        StaticCache(config=model.config, max_cache_len=tokens + ROOM) if kind == "static"
        else cast(Any, model)(input_ids=ids, use_cache=True).past_key_values
    )  # fmt: skip
    for index, layer in enumerate(attention_layers(model)):
        entry = cache.layers[index]
        if isinstance(entry, MixerCacheLayer):
            entry.tokens = tokens
            continue
        more = tokens if kind == "static" else tokens - 1
        size = (batch, layer.head.kv_heads, more, layer.head.head_dim)
        k, v = (torch.randn(size, device=model.device, dtype=model.dtype) for _ in "kv")
        cache.update(k, v, index)
    return cache


def eager_step(model: PreTrainedModel, cache: Cache, tokens: int) -> Callable[[Tensor], Tensor]:
    """A call of the model; in a preallocated cache the next one writes the same slot, since there
    is no room for all."""

    def step(token: Tensor) -> Tensor:
        out = cast(Any, model)(input_ids=token, past_key_values=cache, use_cache=True)
        for entry in cast(Any, cache).layers if isinstance(cache, StaticCache) else ():
            entry.cumulative_length.fill_(tokens)
        return out.logits[:, -1]

    return step


class NotCaptured(Exception):
    """CUDA would not capture the step, which would then be timed without; says why."""


def buffered_step(
    model: PreTrainedModel, cache: Cache, tokens: int, graph: bool
) -> Callable[[Tensor], Tensor]:
    """A step over preallocated entries, a replay or a call of the model; once in `ROOM` steps
    softmax layers go back to where they began.

    Raises:
        NotCaptured: at the second step, where it should be a replay.
    """
    steps = (GraphedSteps if graph else InPlaceSteps)(model, cache, tokens, room=ROOM)

    def step(token: Tensor) -> Tensor:
        if steps.tokens == tokens + ROOM:
            steps.restart()
        logits = steps(token)
        if graph and steps.reason is not None:
            raise NotCaptured(steps.reason)
        return logits

    return step


MAKERS: dict[str, Callable[[PreTrainedModel, Cache, int], Callable[[Tensor], Tensor]]] = {
    "growing": eager_step,
    "static": eager_step,
    "in place": partial(buffered_step, graph=False),
    "graph": partial(buffered_step, graph=True),
}
"""Steps by kind; "static" is transformers' own preallocated cache."""


def decode_step(model: PreTrainedModel, kind: str, batch: int, tokens: int) -> Call:
    """One step after `tokens` tokens, of a kind in `MAKERS`."""
    step = MAKERS[kind](model, filled(model, kind, batch, tokens), tokens)
    token = torch.ones(batch, 1, dtype=torch.long, device=model.device)
    return lambda: step(token)


def kinds(device: torch.device) -> dict[str, tuple[int, str]]:
    """Who decodes how: name, which of both models, kind of step."""
    if device.type == "cuda":
        return {"converted": (1, "graph"), "original_dynamic": (0, "growing"),
                "original_static": (0, "graph")}  # fmt: skip
    return {"converted": (1, "in place"), "original_dynamic": (0, "growing"),
            "original_static": (0, "static")}  # fmt: skip


def check_steps(models: list[PreTrainedModel], device: torch.device) -> None:
    """What is timed does what it should: steps after a prefill of whatever kind give the logits of
    reading all at once. What cannot be captured will not be timed either.

    Raises:
        ArithmeticError: they do not.
    """
    read, more = 39, 4
    ids = torch.randint(models[0].config.vocab_size, (1, read + more), device=device)
    for name, (side, kind) in kinds(device).items():
        model = cast(Any, models[side])
        empty = (
            StaticCache(config=model.config, max_cache_len=read + ROOM) if kind == "static"
            else DynamicCache(config=model.config)
        )  # fmt: skip
        whole = model(input_ids=ids, use_cache=False).logits[:, -1]
        first = model(input_ids=ids[:, :read], past_key_values=empty, use_cache=True)
        step = MAKERS[kind](model, first.past_key_values, read)
        tokens = ids[:, read:].split(1, dim=1)
        if kind == "static":  # which stays where it is: only its first step is a continuation
            whole, tokens = model(input_ids=ids[:, : read + 1]).logits[:, -1], tokens[:1]
        try:
            last = [step(token).clone() for token in tokens][-1]
        except NotCaptured as refused:
            say(f"  {name}: {refused}")
            continue
        difference = (last - whole).norm() / whole.norm()
        if difference > min(32 * torch.finfo(model.dtype).eps, 0.1):
            raise ArithmeticError(f"{name}: decode differs from prefill by {difference:.1e}")
