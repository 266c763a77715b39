"""The place of a mixer's state in transformers' cache.

A converted layer's entry in a `Cache` is a `MixerCacheLayer`: it counts tokens like any other
entry, so that positions and masks come out right, but holds a constant-size state. Two hooks put
the entries in place and hand them to the layers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel
from transformers.cache_utils import (
    Cache,
    CacheLayerMixin,
    DynamicCache,
    StaticCache,
    StaticLayer,
)

from engine.errors import IncompatibleCache


def tensors_of(state: Any) -> Iterator[Tensor]:
    """Every tensor of a state, which is a (nested) dataclass."""
    for field in fields(state):
        value = getattr(state, field.name)
        if isinstance(value, Tensor):
            yield value
        elif is_dataclass(value):
            yield from tensors_of(value)


def _replace_tensors(state: Any, change: Callable[[Tensor], Tensor]) -> None:
    for field in fields(state):
        value = getattr(state, field.name)
        if isinstance(value, Tensor):
            setattr(state, field.name, change(value))
        elif is_dataclass(value):
            _replace_tensors(value, change)


class MixerCacheLayer(CacheLayerMixin):
    """One converted layer's state, seen by transformers as a cache entry."""

    is_sliding = False

    def __init__(self) -> None:
        super().__init__()
        self.state: Any = None
        self.tokens = 0

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        self.is_initialized = True

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        """Count the new tokens and hand back only their keys and values."""
        self.is_initialized = True
        self.tokens += key_states.shape[-2]
        return key_states, value_states

    def get_seq_length(self) -> int:
        return self.tokens

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self.tokens + query_length, 0

    def get_max_length(self) -> int:
        return -1

    def _change(self, change: Callable[[Tensor], Tensor]) -> None:
        if self.state is not None:
            _replace_tensors(self.state, change)

    def offload(self) -> None:
        self._change(lambda x: x.to("cpu", non_blocking=True))

    def prefetch(self) -> None:
        # The mixer moves nothing itself, so a state on the CPU would fail loudly, not silently.
        return

    def reset(self) -> None:
        self.state, self.tokens, self.is_initialized = None, 0, False

    def reorder_cache(self, beam_idx: torch.LongTensor) -> None:
        self._change(lambda x: x.index_select(0, beam_idx.to(x.device)))

    def batch_repeat_interleave(self, repeats: int) -> None:
        self._change(lambda x: x.repeat_interleave(repeats, dim=0))

    def batch_select_indices(self, indices: Tensor) -> None:
        self._change(lambda x: x[indices])

    def crop(self, tokens_to_remove: int) -> None:
        raise IncompatibleCache(
            "A converted model cannot take tokens back: its past is summed into one state.",
            "Generate without an assistant (speculative) model.",
        )


def hand_over_entry(
    module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Before a converted attention module runs: pass its cache entry on, whatever the argument
    that carries the cache is called in this family."""
    for value in (*args, *kwargs.values()):
        if isinstance(value, Cache):
            entry = value.layers[module.layer_idx] if len(value.layers) else None
            if not isinstance(entry, MixerCacheLayer):
                raise IncompatibleCache(
                    "The cache handed to this converted model was not made for it.",
                    "Pass past_key_values=None, or an empty DynamicCache, to the whole model.",
                )
            return args, {**kwargs, "mixer_cache": entry}
    return args, kwargs


def adopt_cache(
    model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Before a converted model runs: an empty cache gets our entries, a missing one is made."""
    cache = kwargs.get("past_key_values")
    if cache is not None and any(isinstance(layer, MixerCacheLayer) for layer in cache.layers):
        return args, kwargs  # ours already, as in every decode step
    if cache is None:
        use = kwargs.get("use_cache")
        use = getattr(model.config, "use_cache", True) if use is None else use
        recomputing = model.training and any(
            getattr(module, "gradient_checkpointing", False) for module in model.modules()
        )
        if not use or recomputing:
            return args, kwargs
        cache = DynamicCache()
    mixers = model.conversion.mixers()
    converted = [index for index, mixer in mixers.items() if not mixer.keeps_kv_cache]
    if not converted:
        return args, {**kwargs, "past_key_values": cache}
    if type(cache) is not DynamicCache or cache.get_seq_length():
        raise IncompatibleCache(
            f"A converted model needs an empty DynamicCache; found {type(cache).__name__} "
            f"with {cache.get_seq_length()} tokens.",
            "Let the model make its own cache: leave past_key_values and cache_implementation out.",
        )
    entries = DynamicCache(config=model.config.get_text_config(decoder=True))
    cache.layers = [
        MixerCacheLayer() if index in converted else entry
        for index, entry in enumerate(entries.layers)
    ]
    cache.layer_class_to_replicate = None
    return args, {**kwargs, "past_key_values": cache}


def layers_with_kv_cache(model: Any) -> dict[int, bool]:
    """The layers that keep keys and values, softmax's; True where a native sliding window cuts
    them off."""
    conversion = getattr(model, "conversion", None)
    mixers = conversion.mixers() if conversion else {}
    config = model.config.get_text_config(decoder=True)
    entries = DynamicCache(config=config).layers
    return {
        index: index < len(entries) and getattr(entries[index], "is_sliding", False)
        for index in range(config.num_hidden_layers)
        if index not in mixers or mixers[index].keeps_kv_cache
    }


def preallocate(cache: Cache, tokens: int) -> bool:
    """Give the entries of softmax layers room for `tokens` tokens at addresses that stay; whether
    there are any such layers."""
    found = False
    for index, layer in enumerate(cache.layers):
        entry: Any = layer
        if not isinstance(entry, MixerCacheLayer):
            found, roomy = True, StaticLayer(max_cache_len=tokens)
            roomy.update(entry.keys, entry.values)
            cache.layers[index] = roomy  # at once, so that the old one makes room for the next
    return found


def preallocated_cache(model: PreTrainedModel, tokens: int) -> Cache | None:
    """An empty cache with room for `tokens` tokens; None where it would not suit the model: a
    converted one keeps states, which no such cache can hold, and of the originals only those fit
    whose family has been prepared for one."""
    prepared = getattr(model, "_can_compile_fullgraph", False)
    if hasattr(model, "conversion") or not prepared:
        return None
    return StaticCache(config=model.config, max_cache_len=tokens)


def count(cache: Cache, tokens: int) -> None:
    """Tell the entries of converted layers, on the host, how many tokens they hold."""
    for entry in cache.layers:
        if isinstance(entry, MixerCacheLayer):
            entry.tokens = tokens


def rewind(cache: Cache, tokens: int) -> None:
    """Let preallocated entries write on behind their first `tokens` tokens. Converted layers keep
    what they hold: they have no end."""
    for layer in cache.layers:
        entry: Any = layer
        if not isinstance(entry, MixerCacheLayer):
            entry.cumulative_length.fill_(tokens)


def kept_tokens(config: Any, layer: int, context_tokens: int) -> int:
    """Tokens whose keys and values a softmax layer's cache keeps after `context_tokens` tokens.

    All of them, or one less than its window in a layer with a native sliding window.
    """
    entries = DynamicCache(config=config).layers
    most = entries[layer].get_max_length() if layer < len(entries) else -1
    return context_tokens if most < 0 else min(context_tokens, most - 1)


def cache_bytes(cache: Cache) -> int:
    """Exact bytes of all tensors a cache holds, of converted and of softmax layers."""
    total = 0
    for layer in cache.layers:
        if isinstance(layer, MixerCacheLayer):
            held = list(tensors_of(layer.state)) if layer.state is not None else []
        else:
            kept = (getattr(layer, "keys", None), getattr(layer, "values", None))
            held = [x for x in kept if isinstance(x, Tensor)]
        total += sum(x.numel() * x.element_size() for x in held)
    return total
