"""Where a transformers model keeps its attention, and the shape of each layer's heads.

Knows transformers' internals: an attention module that can be swapped has `config`, `layer_idx`
and `is_causal`, and asks `ALL_ATTENTION_FUNCTIONS.get_interface` for the function that mixes q, k
and v.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from functools import cache
from typing import Any

from torch import nn
from transformers import PreTrainedModel

from engine.errors import UnsupportedArchitecture

SUPPORTED = {
    "llama": "Llama",
    "mistral": "Mistral",
    "qwen2": "Qwen2",
    "qwen3": "Qwen3",
    "gemma2": "Gemma 2",
    "gemma3_text": "Gemma 3 (text)",
    "phi3": "Phi-3",
    "olmo2": "OLMo2",
    "smollm3": "SmolLM3",
    "granite": "Granite",
    "gpt2": "GPT-2",
    "gpt_neox": "GPT-NeoX",
    "opt": "OPT",
}
"""Families by transformers' model type. Another family may use the seam and still hand it something
that a mixer would silently drop (gpt-oss: learned sinks), so each is tested before it is listed."""

CHOOSE_SUPPORTED = f"Choose a model of one of these families: {', '.join(SUPPORTED.values())}."


@dataclass(frozen=True)
class HeadGeometry:
    """The heads of one attention layer."""

    heads: int
    """H, query heads."""
    kv_heads: int
    """G, key/value heads; H is a multiple of G."""
    head_dim: int
    """D, width of a query, key and value head."""


@dataclass(frozen=True)
class AttentionLayer:
    """One causal self-attention module of a model."""

    index: int
    name: str
    module: Any
    """The family's own attention module; what it carries differs by family."""
    head: HeadGeometry


@cache
def _asks_the_seam(attention: type[nn.Module]) -> bool:
    """Whether an attention class calls transformers' attention interface in its forward."""
    return "ALL_ATTENTION_FUNCTIONS.get_interface" in inspect.getsource(attention.forward)


def _head_geometry(module: Any) -> HeadGeometry:
    config = module.config
    heads = int(config.num_attention_heads)
    kv_heads = int(getattr(config, "num_key_value_heads", None) or heads)
    head_dim = getattr(module, "head_dim", None) or getattr(module, "head_size", None)
    return HeadGeometry(heads, kv_heads, int(head_dim or config.hidden_size // heads))


def attention_function(model: PreTrainedModel) -> str:
    """The name of the attention function the model's unconverted layers call."""
    return str(model.config.get_text_config(decoder=True)._attn_implementation)


def position_encodings(model: PreTrainedModel) -> set[str]:
    """The rotary types of all layers; some families have one per type of layer, some none."""
    config: Any = model.config.get_text_config(decoder=True)
    given = getattr(config, "rope_parameters", None) or {}
    every = [given, *(part for part in given.values() if isinstance(part, dict))]
    return {part["rope_type"] for part in every if "rope_type" in part}


def attention_layers(model: PreTrainedModel) -> list[AttentionLayer]:
    """The model's attention layers in order. Looks, changes nothing; works on the meta device.

    Raises:
        UnsupportedArchitecture: not a causal language model of a family in `SUPPORTED`, or its
            attention does not go through transformers' attention interface.
    """
    config, kind = model.config, type(model).__name__

    def refuse(reason: str) -> UnsupportedArchitecture:
        return UnsupportedArchitecture(f"{kind} cannot be converted: {reason}.", CHOOSE_SUPPORTED)

    if getattr(config, "is_encoder_decoder", False):
        raise refuse("it is an encoder-decoder")
    if config.model_type not in SUPPORTED:
        raise refuse(f"its family ({config.model_type}) is not among the tested ones")
    if not kind.endswith(("ForCausalLM", "LMHeadModel")):
        raise refuse("it is not a causal language model")
    layers = []
    for name, found in model.named_modules():
        module: Any = found
        if (
            isinstance(getattr(module, "layer_idx", None), int)
            and hasattr(module, "config")
            and getattr(module, "is_causal", False)
            and _asks_the_seam(type(found))
        ):
            layers.append(AttentionLayer(module.layer_idx, name, module, _head_geometry(module)))
    expected = config.get_text_config(decoder=True).num_hidden_layers
    if [layer.index for layer in layers] != list(range(expected)):
        raise refuse(
            f"{len(layers)} of its {expected} layers use transformers' attention interface"
        )
    return layers
