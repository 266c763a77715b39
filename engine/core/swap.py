"""Convert and revert: the mixer behind transformers' own attention seam.

A family's attention module computes q, k, v (biases, norms, positions) and then calls the function
its config names. A converted module gets a copied config naming ours, and its mixer as a child; all
weights keep their names. A hook hands the layer's cache entry to our function as a keyword.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle
from transformers import PreTrainedModel
from transformers.cache_utils import Cache, DynamicCache
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS, AttentionInterface

from engine.core.geometry import AttentionLayer, attention_layers
from engine.core.mixer import Mixer
from engine.core.state import MixerCacheLayer
from engine.errors import IncompatibleCache

ATTENTION = "t2r_studio_mixer"
"""Our function's name among transformers' attention functions."""

Observer = Callable[[int, Mixer, Tensor, Tensor, Tensor, Tensor | None, Tensor], None]
"""Called with (layer index, mixer, q [B,H,T,D] scaled, k, v, valid, softmax output [B,H,T,V])."""


@dataclass
class Seat:
    """What a converted attention module needs to know, kept beside its mixer."""

    original_config: Any
    observer: Observer | None = None


@dataclass
class Conversion:
    """An undo record; lives on the model as `model.conversion`."""

    layers: dict[int, AttentionLayer]
    handles: list[RemovableHandle] = field(default_factory=list)

    def mixers(self) -> dict[int, Mixer]:
        """The mixer of each converted layer, by layer index."""
        return {index: layer.module.mixer for index, layer in self.layers.items()}


def conversion_of(model: nn.Module) -> Conversion:
    """The undo record of a converted model.

    Raises:
        ValueError: the model is not converted.
    """
    conversion = getattr(model, "conversion", None)
    if not isinstance(conversion, Conversion):
        raise ValueError("the model is not converted")
    return conversion


def valid_tokens(mask: Tensor | None, queries: int) -> Tensor | None:
    """Which of the last `queries` tokens are real, [B, T] bool, read off an attention mask.

    A token may always attend to itself unless it is padding: the mask's diagonal says so for full
    and sliding-window masks alike, where the last row would not.
    """
    if mask is None:
        return None
    if mask.dim() == 2:
        valid = mask[:, -queries:].bool()
    else:
        own = mask[:, 0].diagonal(offset=mask.shape[-1] - queries, dim1=-2, dim2=-1)
        valid = own if own.dtype == torch.bool else own == 0
    return None if bool(valid.all()) else valid


def _original_attention(module: Any) -> Callable[..., tuple[Tensor, Any]]:
    """The attention function the module would call had it not been converted."""
    family = sys.modules[type(module).__module__]
    name = module.seat.original_config._attn_implementation
    return ALL_ATTENTION_FUNCTIONS.get_interface(name, family.eager_attention_forward)


def mixer_attention(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    mixer_cache: MixerCacheLayer | None = None,
    **kwargs: Any,
) -> tuple[Tensor, Tensor | None]:
    """The attention function of converted layers: [B,H,T,D] in, [B,T,H,V] out (as transformers)."""
    mixer: Mixer = module.mixer
    observer: Observer | None = module.seat.observer
    scaled = query * (scaling if scaling is not None else query.shape[-1] ** -0.5)
    if mixer.keeps_kv_cache or observer is not None:
        out, seen = _original_attention(module)(
            module, query, key, value, attention_mask, scaling=scaling, **kwargs
        )
        if observer is not None:
            valid = valid_tokens(attention_mask, query.shape[2])
            observer(module.layer_idx, mixer, scaled, key, value, valid, out.transpose(1, 2))
        return out, seen
    # A mixer widens what it sums over a long past; autocast would narrow every product again.
    with torch.autocast(query.device.type, enabled=False):
        out = _mixed(mixer, scaled, key, value, attention_mask, mixer_cache)
    return out.transpose(1, 2).contiguous(), None


def _mixed(
    mixer: Mixer,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    attention_mask: Tensor | None,
    entry: MixerCacheLayer | None,
) -> Tensor:
    """The mixer's outputs [B, H, T, V], by a step or in parallel; `entry` takes the new tokens."""
    if entry is None:
        return mixer(q, k, v, valid_tokens(attention_mask, q.shape[2]))
    first = entry.state is None
    if first:
        entry.state = mixer.init_state(q.shape[0], q.device, k.dtype)
    if q.shape[2] == 1 and not first and not torch.is_grad_enabled():
        return mixer.step(q, k, v, entry.state)
    return mixer(q, k, v, valid_tokens(attention_mask, q.shape[2]), entry.state)


AttentionInterface.register(ATTENTION, mixer_attention)


def _hand_over_cache_entry(
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


def _adopt_cache(
    model: PreTrainedModel, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Before a converted model runs: an empty cache gets our entries, a missing one is made."""
    cache = kwargs.get("past_key_values")
    if cache is None:
        use = kwargs.get("use_cache")
        use = getattr(model.config, "use_cache", True) if use is None else use
        recomputing = model.training and any(
            getattr(module, "gradient_checkpointing", False) for module in model.modules()
        )
        if not use or recomputing:
            return args, kwargs
        cache = DynamicCache()
    converted = [
        i for i, mixer in conversion_of(model).mixers().items() if not mixer.keeps_kv_cache
    ]
    if any(isinstance(layer, MixerCacheLayer) for layer in cache.layers) or not converted:
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


def convert(model: PreTrainedModel, mixers: Mapping[int, Mixer]) -> Conversion:
    """Swap the attention of the given layers for the given mixers, in place.

    Args:
        model: a causal language model of a supported family, not converted yet.
        mixers: one mixer per layer index to convert; the other layers keep softmax.

    Raises:
        UnsupportedArchitecture: the model cannot be converted; it is unchanged.
        ValueError: it is converted already, or a layer index does not exist.
    """
    layers = {layer.index: layer for layer in attention_layers(model)}
    if hasattr(model, "conversion"):
        raise ValueError("the model is converted already: revert it first")
    if unknown := set(mixers) - set(layers):
        raise ValueError(f"the model has no layers {sorted(unknown)}")
    conversion = Conversion({index: layers[index] for index in sorted(mixers)})
    for index, layer in conversion.layers.items():
        module = layer.module
        weight = next(module.parameters())
        module.seat = Seat(original_config=module.config)
        module.mixer = mixers[index].to(weight.device)
        if not module.mixer.keeps_kv_cache:
            conversion.handles.append(
                module.register_forward_pre_hook(_hand_over_cache_entry, with_kwargs=True)
            )
        # All layers share one config object: only this layer's copy may name our function.
        module.config = copy.copy(module.config)
        module.config._attn_implementation = ATTENTION
    host: Any = model
    host.conversion = conversion
    conversion.handles.append(model.register_forward_pre_hook(_adopt_cache, with_kwargs=True))
    return conversion


def revert(model: PreTrainedModel) -> None:
    """Undo `convert` exactly: mixers, hooks and config copies are gone."""
    conversion, host = conversion_of(model), cast(Any, model)
    for layer in conversion.layers.values():
        layer.module.config = layer.module.seat.original_config
        del layer.module.mixer, layer.module.seat
    for handle in conversion.handles:
        handle.remove()
    del host.conversion


@contextmanager
def observing(model: PreTrainedModel, observer: Observer) -> Iterator[None]:
    """Within: converted layers run their original softmax, and `observer` sees q, k, v and its
    output. This is how a mixer is compared with, and learns from, the attention it replaces."""
    seats = [layer.module.seat for layer in conversion_of(model).layers.values()]
    for seat in seats:
        seat.observer = observer
    try:
        yield
    finally:
        for seat in seats:
            seat.observer = None
