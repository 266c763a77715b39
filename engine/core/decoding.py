"""Decode steps of a model in one cache: one by one, or captured once as a CUDA graph and replayed.

A replay starts the same kernels with the same numbers on the same addresses and the host takes no
part in it. So a step that is captured reads token and position from buffers, changes the states of
converted layers where they lie, writes keys and values of softmax layers into preallocated entries,
and neither counts on the host nor waits for the device. Capturing runs nothing.

Dimension letters: B batch, N tokens that a preallocated entry has room for, V vocabulary.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache as remembered
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor
from transformers import Cache, PreTrainedModel

from engine.core.geometry import attention_function, position_encodings
from engine.core.state import count, layers_with_kv_cache, preallocate, rewind

log = logging.getLogger(__name__)

GRAPH = "as one CUDA graph"
_MASKED_BY_US = ("sdpa", "eager")
"""Attention functions that take a four-dimensional additive mask."""


def why_not_graph(model: PreTrainedModel) -> str | None:
    """The reason why this model's decode step cannot be one CUDA graph; None if it can."""
    if model.device.type != "cuda" or torch.version.hip is not None:
        return "no NVIDIA GPU"
    if rope := position_encodings(model) & {"dynamic", "longrope"}:
        return f"{' and '.join(sorted(rope))} position encoding is computed anew from the position"
    return why_not_in_place(model)


def why_not_in_place(model: PreTrainedModel) -> str | None:
    """The reason why this model's softmax layers cannot write into preallocated entries; None if
    they can, or if there are none."""
    kept = layers_with_kv_cache(model)
    if any(kept.values()):
        return "a layer with a native sliding window keeps softmax"
    if kept and (function := attention_function(model)) not in _MASKED_BY_US:
        return f"softmax layers run {function}"
    return None


def in_words(reason: str | None) -> str:
    """How steps run for which `why_not_graph` gave this reason."""
    return GRAPH if reason is None else f"one by one ({reason})"


_TAKEN: WeakKeyDictionary[PreTrainedModel, str] = WeakKeyDictionary()


def steps_taken(model: PreTrainedModel) -> str | None:
    """How the last decode steps that `decode_steps` gave this model ran; None before the first."""
    return _TAKEN.get(model)


@remembered
def _log_once(kind: str, how: str) -> None:
    log.info("Decode steps of %s: %s", kind, how)


class EagerSteps:
    """Each step is a call of the model, with whatever entries its cache has."""

    def __init__(
        self, model: PreTrainedModel, cache: Cache, tokens: int, *,
        last_position: int | None = None, reason: str = "not asked for",
    ) -> None:  # fmt: skip
        self.cache = cache
        self.tokens = tokens
        """Of context, so far."""
        self.reason: str | None = reason
        """Why not by a CUDA graph."""
        self._model, self._last_position = model, last_position

    def __call__(self, token: Tensor) -> Tensor:
        """Logits [B, V] after the tokens [B, 1]."""
        given: dict[str, Any] = {}
        if self._last_position is not None:
            given["position_ids"] = torch.full_like(token, min(self.tokens, self._last_position))
        out = self._model(input_ids=token, past_key_values=self.cache, use_cache=True, **given)
        self.cache = out.past_key_values
        self.tokens += 1
        return out.logits[:, -1]


class InPlaceSteps:
    """Each step is a call of the model that reads token and position from buffers; softmax layers
    write into preallocated entries, and a mask hides what lies beyond the position."""

    def __init__(
        self, model: PreTrainedModel, cache: Cache, tokens: int, *, room: int,
        last_position: int | None = None, reason: str | None = "not asked for",
    ) -> None:  # fmt: skip
        self.cache = cache
        self.tokens = tokens
        """Of context, so far."""
        self.reason = reason
        """Why not by a CUDA graph; None while it is one."""
        self._model, self._start, self._last_position = model, tokens, last_position
        # Keys of a softmax layer: a multiple of 8, without which SDPA copies the mask each time.
        slots = -8 * (-(tokens + room) // 8)
        self._most = tokens + room if preallocate(cache, slots) else None
        device = model.device
        self._slots = torch.arange(slots if self._most else 1, device=device)
        self._position = torch.full((1, 1), tokens, device=device)
        self._token: Tensor | None = None
        self._logits = torch.empty(0, device=device)

    def __call__(self, token: Tensor) -> Tensor:
        """Logits [B, V] after the tokens [B, 1].

        Raises:
            ValueError: softmax layers have no room for another token.
        """
        if self.tokens == self._most:
            raise ValueError(f"the cache has room for {self._most} tokens")
        if self._token is None:
            self._token = token.clone()
        self._token.copy_(token)
        self._step()
        self.tokens += 1
        count(self.cache, self.tokens)
        return self._logits

    def _step(self) -> None:
        self._advance()

    def restart(self) -> None:
        """Go on from the first token again where softmax layers would run out of room.

        Converted layers keep what they hold: they have no end.
        """
        if self._most is None:
            return
        self.tokens = self._start
        self._position.fill_(self._start)
        rewind(self.cache, self._start)
        count(self.cache, self.tokens)

    def _advance(self) -> None:
        """One step; what a CUDA graph captures."""
        at, last, dtype = self._position, self._last_position, self._model.dtype
        hidden = (self._slots > at).to(dtype)  # [1, N]
        # A mask even where no layer reads one: without it some families look for padding in the
        # tokens, on the host.
        out = self._model(
            input_ids=self._token, past_key_values=self.cache, use_cache=True,
            position_ids=at if last is None else at.clamp_max(last),
            attention_mask=(hidden * torch.finfo(dtype).min)[:, None, None],
        )  # fmt: skip
        at.add_(1)
        self._logits = out.logits[:, -1]


class GraphedSteps(InPlaceSteps):
    """The first step is a call of the model, which prepares all kernels; the second is captured;
    it and all later ones are replays. The logits are overwritten by the next step."""

    def __init__(
        self, model: PreTrainedModel, cache: Cache, tokens: int, *, room: int,
        last_position: int | None = None,
    ) -> None:  # fmt: skip
        super().__init__(
            model, cache, tokens, room=room, last_position=last_position, reason=None
        )  # fmt: skip
        self._replay: Callable[[], None] | None = None
        self._warm = False

    def _step(self) -> None:
        if self._warm and self._replay is None:
            self._replay = self._captured()
        if self._replay is None:
            run_aside(self._advance)
            self._warm = True
        else:
            self._replay()

    def _captured(self) -> Callable[[], None]:
        try:
            return captured(self._advance)
        except RuntimeError as error:
            # Nothing has run, so the states are as they were: the steps go on, only slower.
            # Ending the capture fails as well then; the first error says why.
            said = str(error.__context__ or error).strip().split("\n")[0]
            self.reason = f"CUDA would not capture a step: {said}"
            _TAKEN[self._model] = in_words(self.reason)
            log.warning("Decode steps of %s: %s", type(self._model).__name__, self.reason)
            return self._advance


def run_aside(advance: Callable[[], None]) -> None:
    """Run on a stream of its own, as CUDA graphs want what they capture to have been run."""
    stream, side = torch.cuda.current_stream(), torch.cuda.Stream()
    side.wait_stream(stream)
    with torch.cuda.stream(side):
        advance()
    stream.wait_stream(side)


def captured(advance: Callable[[], None]) -> Callable[[], None]:
    """What starts all that `advance` would start on the GPU, at once; `advance` does not run.

    Raises:
        RuntimeError: CUDA refuses, for instance because the host reads something back.
    """
    graph, stream = torch.cuda.CUDAGraph(), torch.cuda.current_stream()
    try:
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):
            advance()
    finally:
        torch.cuda.set_stream(stream)  # where CUDA refuses, PyTorch leaves its own in place
    return graph.replay


def decode_steps(
    model: PreTrainedModel, cache: Cache, tokens: int, *, room: int
) -> EagerSteps | GraphedSteps:
    """The steps after a prefill of `tokens` tokens, at most `room` of them: a CUDA graph wherever
    one is possible. Which it is and why is logged once for each kind of model."""
    reason = why_not_graph(model)
    _TAKEN[model] = in_words(reason)
    steps = (
        GraphedSteps(model, cache, tokens, room=room) if reason is None
        else EagerSteps(model, cache, tokens, reason=reason)
    )  # fmt: skip
    _log_once(type(model).__name__, in_words(steps.reason))
    return steps
