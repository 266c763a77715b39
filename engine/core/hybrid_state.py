"""What the past leaves behind in a hybrid layer.

Dimension letters: B batch, G kv heads, D head dim, V value dim, W window, K sink slots.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from engine.kernels.linear_attention.reference import LinearState


@dataclass
class HybridState:
    """Everything the past leaves behind: constant size.

    The near field lies in one tensor, the window's ring in slots 0..W-1 and the sinks behind it,
    so that a decode step reads it as it is.
    """

    far: LinearState
    k: Tensor
    """[B, G, W+K, D]."""
    v: Tensor
    """[B, G, W+K, V]."""
    visible: Tensor
    """[B, G, W+K] bool: ring slots that hold a real token which is no sink; sink slots in use.
    Like `seen` and `cursor` the same for every kv head, so that a kernel's program that owns one
    may change its copy."""
    seen: Tensor
    """[B, G] long: real tokens so far, by which the first K become sinks."""
    cursor: Tensor
    """[B, G] long: the ring's oldest slot, the same for every sequence."""
    unsettled: int
    """Decode steps after which every slot of every sequence holds a real token for certain, each
    step bringing every sequence one; 0 if all do. While it is above W, sink slots may be free.
    Counted on the host: reading the slots back would make it wait for the GPU."""
