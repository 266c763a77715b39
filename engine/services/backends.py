"""Which code did a run's attention, stage by stage, for its record."""

from __future__ import annotations

from typing import Any

import torch
from transformers import PreTrainedModel

from engine.core.decoding import in_words, why_not_graph
from engine.core.swap import conversion_of
from engine.kernels.dispatch import Stage
from engine.services.finetune import training_dtype

_NAMES = {"triton": "Triton kernels", "pytorch": "PyTorch"}


def backends(original: PreTrainedModel, converted: PreTrainedModel) -> str:
    """One sentence: the original's attention function, who computes each stage of the converted
    model's, and how the decode steps of both run."""
    config: Any = original.config
    device, dtype = converted.device, converted.dtype
    mixers = conversion_of(converted).mixers().values()

    def of(stage: Stage, dtype: torch.dtype) -> str:
        found = {mixer.backend(stage, device, dtype) for mixer in mixers}
        return " and ".join(sorted(_NAMES[name] for name in found))

    ways = [in_words(why_not_graph(model)) for model in (original, converted)]
    steps = ways[0] if ways[0] == ways[1] else f"original {ways[0]}, converted {ways[1]}"
    return (
        f"original: {config._attn_implementation}; converted: "
        f"training {of('training', training_dtype(device, dtype))}, "
        f"chunked prefill {of('prefill', dtype)}, recurrent decode {of('decode', dtype)}; "
        f"decode steps, unless a note says otherwise: {steps}"
    )
