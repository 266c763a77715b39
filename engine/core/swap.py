"""Convert and revert: the mixer behind transformers' own attention seam.

A family's attention module computes q, k, v (biases, norms, positions) and then calls the function
its config names. A converted module gets a copied config naming ours, and its mixer as a child; all
weights keep their names. A hook hands the layer's cache entry to our function as a keyword.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle
from transformers import PreTrainedModel
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS, AttentionInterface

from engine.core.geometry import AttentionLayer, attention_layers
from engine.core.masks import valid_tokens
from engine.core.mixer import Mixer
from engine.core.state import MixerCacheLayer, adopt_cache, hand_over_entry
from engine.errors import EngineError

ATTENTION = "t2r_studio_mixer"
"""Our function's name among transformers' attention functions."""

Observer = Callable[[int, Mixer, Tensor, Tensor, Tensor, Tensor | None, Tensor], None]
"""Called with (layer index, mixer, q [B,H,T,D] scaled, k, v, valid, softmax output [B,H,T,V])."""


@dataclass
class Seat:
    """What a converted attention module needs to know, kept beside its mixer."""

    original_config: Any
    observer: Observer | None = None
    real: Tensor | None = None
    """[B, T] bool, False at padding that no attention mask tells of; None if all are real."""


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
        EngineError: the model is not converted.
    """
    conversion = getattr(model, "conversion", None)
    if not isinstance(conversion, Conversion):
        raise EngineError(
            "The model is not converted.", "Convert it first: engine.convert(model, method, kept)."
        )
    return conversion


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
            valid = _valid(module, attention_mask, query.shape[2])
            observer(module.layer_idx, mixer, scaled, key, value, valid, out.transpose(1, 2))
        return out, seen
    with _full_precision(query.device.type):
        out = _mixed(module, scaled, key, value, attention_mask, mixer_cache)
    return out.transpose(1, 2).contiguous(), None


def _full_precision(device: str) -> AbstractContextManager[Any]:
    """Within, no autocast: a mixer widens what it sums over a long past, and autocast would narrow
    every product again. Where none is on, nothing is entered, which a decode step would feel."""
    on = torch.is_autocast_enabled(device)
    return torch.autocast(device, enabled=False) if on else nullcontext()


def _valid(module: Any, attention_mask: Tensor | None, queries: int) -> Tensor | None:
    real = module.seat.real
    return valid_tokens(attention_mask, queries) if real is None else real


def _mixed(
    module: Any,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    attention_mask: Tensor | None,
    entry: MixerCacheLayer | None,
) -> Tensor:
    """The mixer's outputs [B, H, T, V], by a step or in parallel; `entry` takes the new tokens."""
    mixer: Mixer = module.mixer
    first = entry is not None and entry.state is None
    if entry is not None and q.shape[2] == 1 and not first and not torch.is_grad_enabled():
        return mixer.step(q, k, v, entry.state)  # without the mask: reading it waits for the GPU
    valid = _valid(module, attention_mask, q.shape[2])
    if entry is None:
        return mixer(q, k, v, valid)
    if first:
        entry.state = mixer.init_state(q.shape[0], q.device, k.dtype)
    return mixer(q, k, v, valid, entry.state)


AttentionInterface.register(ATTENTION, mixer_attention)


def convert(model: PreTrainedModel, mixers: Mapping[int, Mixer]) -> Conversion:
    """Swap the attention of the given layers for the given mixers, in place.

    Args:
        model: a causal language model of a supported family, not converted yet.
        mixers: one mixer per layer index to convert; the other layers keep softmax.

    Raises:
        UnsupportedArchitecture: the model cannot be converted; it is unchanged.
        EngineError: it is converted already.
        ValueError: a layer index does not exist.
    """
    layers = {layer.index: layer for layer in attention_layers(model)}
    if hasattr(model, "conversion"):
        raise EngineError(
            "The model is converted already.", "Undo that first: engine.revert(model)."
        )
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
                module.register_forward_pre_hook(hand_over_entry, with_kwargs=True)
            )
        # All layers share one config object: only this layer's copy may name our function.
        module.config = copy.copy(module.config)
        module.config._attn_implementation = ATTENTION
    host: Any = model
    host.conversion = conversion
    conversion.handles.append(model.register_forward_pre_hook(adopt_cache, with_kwargs=True))
    return conversion


def revert(model: PreTrainedModel) -> None:
    """Undo `convert` exactly: mixers, hooks and config copies are gone.

    Raises:
        EngineError: the model is not converted.
    """
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


@contextmanager
def knowing_padding(model: PreTrainedModel, real: Tensor) -> Iterator[None]:
    """Within: the mixers of a converted model know which tokens [B, T] of the batch are real.

    Right-padded rows need no attention mask for right outputs, and softmax is faster without one;
    but what padding does must not count, such as switching a feature on. Any other model is left
    alone.
    """
    conversion = getattr(model, "conversion", None)
    seats = [layer.module.seat for layer in conversion.layers.values()] if conversion else []
    told = None if bool(real.all()) else real
    for seat in seats:
        seat.real = told
    try:
        yield
    finally:
        for seat in seats:
            seat.real = None
