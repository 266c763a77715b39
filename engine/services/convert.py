"""Convert a pretrained model in place: choose the layers, build the mixers, swap."""

from __future__ import annotations

import torch
from transformers import PreTrainedModel

from engine.configs import KeptLayers
from engine.core import swap
from engine.core.geometry import attention_layers
from engine.errors import BadRunConfig
from engine.methods import MethodConfig


def layers_to_convert(kept: KeptLayers, n_layers: int) -> frozenset[int]:
    """Indices of the layers to convert in a model of `n_layers` layers.

    Raises:
        BadRunConfig: `kept` names layers that do not exist, keeps them all, or keeps none although
            it asks for some.
    """
    if beyond := [index for index in kept.layers if not 0 <= index < n_layers]:
        raise BadRunConfig(
            f"The layers to keep include {beyond}; the model has layers 0 to {n_layers - 1}.",
            "Name only layers that exist.",
        )
    chosen = frozenset(range(n_layers)) - kept.of(n_layers)
    if not chosen:
        raise BadRunConfig(
            f"All {n_layers} layers are kept softmax: nothing is left to convert.",
            "Keep fewer layers.",
        )
    return chosen


def convert(
    model: PreTrainedModel, method: MethodConfig, kept: KeptLayers, *, seed: int
) -> swap.Conversion:
    """Swap softmax for `method` in every layer that `kept` does not keep. `revert` undoes it.

    Everything is checked before the model is touched.

    Args:
        model: a causal language model, not converted.
        method: what replaces softmax.
        kept: the layers that keep it.
        seed: seed of the mixers' first weights.

    Raises:
        UnsupportedArchitecture: the model's attention cannot be swapped.
        IncompatibleMethod: the method's settings do not fit the model's heads.
        EngineError: the model is converted already.
        BadRunConfig: `kept` does not fit the model's layers (see `layers_to_convert`).
    """
    layers = attention_layers(model)
    chosen = layers_to_convert(kept, len(layers))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        mixers = {layer.index: method.build(layer.head) for layer in layers}
    return swap.convert(model, {i: mixer for i, mixer in mixers.items() if i in chosen})
