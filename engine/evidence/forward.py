"""Right-padded forward passes for measuring.

Legend: B batch, T tokens, V vocabulary. A causal model's real tokens never see the padding that
stands to their right, so no attention mask is needed.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

# Logits of one micro-batch hold at most this many numbers (128 MiB in float32).
_LOGIT_NUMBERS = 2**25
_MOST_TOKENS = 8192


def right_padded(rows: Sequence[Sequence[int] | Tensor], device: torch.device) -> Tensor:
    """Token ids [B, T] with zeros after each row's end (any id would do: nobody reads there)."""
    tensors = [torch.as_tensor(row, dtype=torch.long) for row in rows]
    return torch.nn.utils.rnn.pad_sequence(tensors, batch_first=True).to(device)


def micro_batches(lengths: Sequence[int], vocabulary: int) -> Iterator[list[int]]:
    """Indices of rows to run together: similar lengths, and few enough tokens for the memory.

    A single row longer than the limit still makes a batch of its own.
    """
    limit = min(_MOST_TOKENS, _LOGIT_NUMBERS // vocabulary)
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda i: (lengths[i], i)):
        if batch and (len(batch) + 1) * lengths[index] > limit:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def can_keep_logits(model: PreTrainedModel) -> bool:
    """Whether the model can leave out the logits that nobody asked for."""
    return "logits_to_keep" in inspect.signature(model.forward).parameters


def last_logits_only(model: PreTrainedModel) -> dict[str, Any]:
    """Arguments that make a prefill compute the last token's logits only, where possible."""
    return {"logits_to_keep": 1} if can_keep_logits(model) else {}


def logits_at(model: PreTrainedModel, ids: Tensor, positions: Tensor) -> Tensor:
    """Logits [B, len(positions), V] of ids [B, T] at the given token positions of every row."""
    if can_keep_logits(model):
        return model(input_ids=ids, use_cache=False, logits_to_keep=positions).logits
    return model(input_ids=ids, use_cache=False).logits[:, positions]
