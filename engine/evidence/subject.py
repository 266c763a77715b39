"""One model at one context length while its speed and memory are read."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor
from transformers import Cache, PreTrainedModel

from engine.core.decoding import EagerSteps, GraphedSteps, InPlaceSteps
from engine.evidence.forward import last_logits_only
from engine.evidence.memory import NOT_MEASURED

Phase = Literal["prefill", "decode"]
PHASES: tuple[Phase, ...] = ("prefill", "decode")


@dataclass
class Subject:
    """One model at one context length while it is measured."""

    model: PreTrainedModel
    last_position: int | None
    cache: Cache | None = None
    steps: EagerSteps | InPlaceSteps | None = None
    """What takes the decode steps in `cache`; a prefill begins anew with single calls."""
    token: Tensor = field(default_factory=lambda: torch.zeros(1, 1, dtype=torch.long))
    position: int = 0
    reached: int = 0
    """Most tokens of context that a decode step had."""
    out_of_memory: bool = False
    threads: dict[Phase, int] = field(default_factory=dict)
    seconds: dict[Phase, list[float]] = field(default_factory=lambda: {"prefill": [], "decode": []})
    cache_bytes: int | None = None
    peak_bytes: int | None = None
    peak_source: str = NOT_MEASURED

    def prefill(self, ids: Tensor, cache: Cache | None = None) -> None:
        """Read ids [B, T] into `cache`, which is empty, or into a new one of the model's own."""
        out = self.model(
            input_ids=ids, past_key_values=cache, use_cache=True, **last_logits_only(self.model)
        )
        self.cache, self.position = out.past_key_values, ids.shape[1]
        self.steps = None
        self.token = out.logits[:, -1:].argmax(-1)

    def decode(self, steps: int) -> None:
        """Take `steps` greedy single-token steps.

        Learned positions end at the trained context; steps beyond reuse the last one, since the
        time does not depend on which.
        """
        if self.steps is None:
            assert self.cache is not None  # the prefill made it
            self.steps = EagerSteps(
                self.model, self.cache, self.position, last_position=self.last_position
            )
        for _ in range(steps):
            self.token = self.steps(self.token).argmax(-1, keepdim=True)
        self.cache, self.position = self.steps.cache, self.steps.tokens
        self.reached = max(self.reached, self.position)


def timed(subject: Subject, phase: Phase, ids: Tensor, steps: int) -> float:
    """Seconds of one prefill, or of `steps` decode steps; a CUDA graph over a preallocated cache
    begins them where it was captured."""
    if phase == "prefill":
        subject.cache = subject.steps = None
    elif isinstance(subject.steps, GraphedSteps):
        subject.steps.restart()
    synchronise(subject.model.device)
    start = time.perf_counter()
    if phase == "prefill":
        subject.prefill(ids)
    else:
        subject.decode(steps)
    synchronise(subject.model.device)
    return time.perf_counter() - start


def synchronise(device: torch.device) -> None:
    """Wait for the device, which works behind the program's back."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def thread_candidates(device: torch.device) -> tuple[int, ...]:
    """CPU thread counts worth trying: one, and all."""
    present = torch.get_num_threads()
    return (1, present) if device.type == "cpu" and present > 1 else (present,)


@contextmanager
def using_threads(count: int) -> Iterator[None]:
    """Run the block with this many CPU threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def flags_out_of_memory(subject: Subject) -> Iterator[None]:
    """Note on the subject that memory ran out, and go on without it."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError):
        subject.out_of_memory = True
    except RuntimeError as error:  # what PyTorch's CPU allocator raises has no class of its own
        if "can't allocate memory" not in str(error):
            raise
        subject.out_of_memory = True
    if subject.out_of_memory:
        subject.cache = subject.steps = subject.cache_bytes = subject.peak_bytes = None
