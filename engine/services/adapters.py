"""Which weights fine-tuning trains: all of them, or low-rank adapters on the attention."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn
from transformers import PreTrainedModel

from engine.core.geometry import attention_layers


def _projections(model: PreTrainedModel) -> list[str]:
    """Full names of the q, k, v and output projections, whatever the family calls them."""
    return [
        f"{layer.name}.{name}"
        for layer in attention_layers(model)
        for name, child in layer.module.named_children()
        if isinstance(getattr(child, "weight", None), nn.Parameter) and child.weight.dim() == 2
    ]


@contextmanager
def adapters(model: PreTrainedModel, rank: int, seed: int) -> Iterator[None]:
    """Within: exactly the weights to train require a gradient.

    With rank 0 that is all of them. Otherwise it is LoRA adapters (Hu et al. 2021,
    arXiv:2106.09685; scale 2) on the attention's projections, merged into the weights at the end,
    and the mixers' own weights. `seed` decides the adapters' first weights.
    """
    if rank == 0:
        for p in model.parameters():
            p.requires_grad_(True)
        yield
        return
    # peft takes seconds to import and small models never need it.
    from peft import LoraConfig, get_peft_model

    settings = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=_projections(model))
    devices = [model.device] if model.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        adapted = get_peft_model(model, settings)
    for name, p in model.named_parameters():
        if ".mixer." in name:
            p.requires_grad_(True)
    try:
        yield
    finally:
        adapted.merge_and_unload()
        for p in model.parameters():
            p.requires_grad_(True)
