"""Which way a model's decode steps are timed: whichever is quicker for this model and length.

On a GPU both models are tried with a CUDA graph and without, so that neither is held back;
elsewhere there is no graph. Without one, softmax layers, of the original or kept ones, may have
their keys and values preallocated.
"""

from __future__ import annotations

import torch
from torch import Tensor

from engine.core.decoding import (
    EagerSteps,
    GraphedSteps,
    InPlaceSteps,
    why_not_graph,
    why_not_in_place,
)
from engine.core.state import layers_with_kv_cache, preallocated_cache
from engine.evidence.subject import Subject, timed

_TRIES = 2


def choose_steps(subject: Subject, ids: Tensor, decode_tokens: int) -> None:
    """Give a subject that has read `ids` [1, T] its decode steps.

    Args:
        subject: its cache and token are those after `ids` or a few steps further.
        ids: what it has read.
        decode_tokens: steps of one timed repeat.
    """
    reason = why_not_graph(subject.model)
    if reason is None:
        reason = _why_not_quicker(subject, ids, decode_tokens)
        if reason is None:
            return
        subject.cache = subject.steps = None
        subject.prefill(ids)
    assert subject.cache is not None
    subject.steps = EagerSteps(
        subject.model, subject.cache, subject.position,
        last_position=subject.last_position, reason=reason,
    )  # fmt: skip


def _why_not_quicker(subject: Subject, ids: Tensor, decode_tokens: int) -> str | None:
    """Try both ways; None leaves the subject with the graph."""

    def quickest() -> float:
        return min(timed(subject, "decode", ids, decode_tokens) for _ in range(_TRIES))

    one_by_one = quickest()
    subject.cache = subject.steps = None
    subject.prefill(ids)
    try:
        replay_from_here(subject, decode_tokens)
        graphed = quickest()
    except torch.OutOfMemoryError:
        return "no memory for a CUDA graph"
    assert subject.steps is not None
    if subject.steps.reason is not None:
        return subject.steps.reason
    return None if graphed < one_by_one else "quicker here than a CUDA graph"


def replay_from_here(subject: Subject, decode_tokens: int) -> None:
    """Let a subject fresh from its prefill take its next `decode_tokens` steps by a CUDA graph."""
    assert subject.cache is not None
    subject.steps = GraphedSteps(
        subject.model, subject.cache, subject.position,
        room=max(2, decode_tokens), last_position=subject.last_position,
    )  # fmt: skip
    subject.decode(2)  # the first prepares, the second is captured


def preallocate_from_here(subject: Subject, ids: Tensor, room: int) -> bool:
    """Let a subject read `ids` [B, T] and take its next `room` decode steps over preallocated
    entries; False, and nothing is done, where it cannot or has no softmax layer."""
    model = subject.model
    cache = preallocated_cache(model, ids.shape[1] + room)
    if cache is not None:
        subject.prefill(ids, cache)
        return True
    if not layers_with_kv_cache(model) or why_not_in_place(model) is not None:
        return False
    subject.prefill(ids)
    assert subject.cache is not None  # the prefill made it
    subject.steps = InPlaceSteps(
        model, subject.cache, subject.position, room=room, last_position=subject.last_position
    )  # fmt: skip
    return True
