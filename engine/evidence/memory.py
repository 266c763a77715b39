"""Memory of a model at work: exact cache bytes, the formula beside them, and the peak."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import PreTrainedModel

from engine.core.geometry import AttentionLayer, attention_layers
from engine.core.state import kept_tokens, tensors_of

NOT_MEASURED = "not measured"
_STATUS = Path("/proc/self/status")
_CLEAR_REFS = Path("/proc/self/clear_refs")


def analytic_bytes(model: PreTrainedModel, context_tokens: int) -> int:
    """Bytes of the cache after `context_tokens` tokens, from the layers' shapes alone (batch 1).

    A softmax layer keeps a key and a value per token: 2 x KV heads x head dim x tokens x bytes per
    number, where a layer with a sliding window keeps one token less than its window at most. A
    converted layer keeps its state, whose size does not depend on the tokens.
    """
    total = 0
    for layer in attention_layers(model):
        state = _state_bytes(layer, model.dtype)
        if state is None:
            tokens = kept_tokens(model.config, layer.index, context_tokens)
            numbers = 2 * layer.head.kv_heads * layer.head.head_dim * tokens
            state = numbers * model.dtype.itemsize
        total += state
    return total


def _state_bytes(layer: AttentionLayer, dtype: torch.dtype) -> int | None:
    """Bytes of a converted layer's state for batch 1; None for a layer that keeps keys and values.

    Built on the meta device: shapes and types without the memory.
    """
    mixer = getattr(layer.module, "mixer", None)
    if mixer is None or mixer.keeps_kv_cache:
        return None
    state = mixer.init_state(1, torch.device("meta"), dtype)
    return sum(x.numel() * x.element_size() for x in tensors_of(state))


def weights_bytes(model: PreTrainedModel) -> int:
    """Bytes of the weights and buffers, tied ones counted once."""
    tensors = {x.data_ptr(): x for x in (*model.parameters(), *model.buffers())}
    return sum(x.numel() * x.element_size() for x in tensors.values())


@dataclass
class Peak:
    """What a `peak_memory` block needed; filled in when the block has run."""

    bytes: int | None = None
    source: str = NOT_MEASURED


@contextmanager
def peak_memory(device: torch.device) -> Iterator[Peak]:
    """Measures how far memory grows above its level at entry while the block runs.

    On a GPU this is PyTorch's own count. On Linux it is the resident memory of the process, whose
    high-water mark the kernel lets a process reset; memory that was freed before but not yet
    returned to the system is returned first, or reusing it would hide growth. Elsewhere nothing
    is measured.
    """
    peak = Peak()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
        start = torch.cuda.memory_allocated(device)
        yield peak
        torch.cuda.synchronize(device)
        peak.bytes = torch.cuda.max_memory_allocated(device) - start
        peak.source = "torch.cuda.max_memory_allocated"
    elif _return_freed_memory() and _reset_high_water():
        start = _status_bytes("VmRSS")
        yield peak
        peak.bytes = max(0, _status_bytes("VmHWM") - start)
        peak.source = "growth of the process's resident memory (VmHWM)"
    else:
        yield peak


def _return_freed_memory() -> bool:
    """Hand freed memory back to the system; False where the C library cannot."""
    if not _STATUS.exists():
        return False
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
    return trim is not None


def _reset_high_water() -> bool:
    """Set VmHWM back to the present VmRSS (proc(5), clear_refs 5); False where not allowed."""
    try:
        _CLEAR_REFS.write_text("5")
    except OSError:
        return False
    return True


def _status_bytes(name: str) -> int:
    """A memory figure of this process, from the kernel, in bytes."""
    found = re.search(rf"^{name}:\s+(\d+) kB", _STATUS.read_text(), re.MULTILINE)
    return int(found.group(1)) * 1024 if found else 0
