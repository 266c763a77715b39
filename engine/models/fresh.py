"""A model like another one with none of what that has learned."""

from __future__ import annotations

import copy

import torch
from transformers import AutoModelForCausalLM, PreTrainedModel


def fresh_model(model: PreTrainedModel, *, seed: int) -> PreTrainedModel:
    """The same architecture with the random weights that its family starts training from.

    Args:
        model: a causal language model, not converted.
        seed: of the weights; the global random state is left as it was.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made = AutoModelForCausalLM.from_config(copy.deepcopy(model.config), dtype=model.dtype)
    return made.to(model.device).eval()
