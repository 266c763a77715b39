"""Let two models answer one long input at once, step by step, with what each step took.

Both get the same tokens, sampling (none: the likeliest token), pieces and threads; they take turns,
and who goes first changes with every turn, so what slows the machine slows both. A turn is timed by
itself: neither model's time holds the other's.

Dimension letters: T tokens.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor
from transformers import Cache

from engine.core.decoding import EagerSteps, GraphedSteps, decode_steps
from engine.core.state import cache_bytes
from engine.evidence.forward import last_logits_only
from engine.models.load import Loaded

Side = Literal["original", "converted"]
Phase = Literal["reading", "writing", "done"]
READING_TURNS = 24
"""A long input is read in about as many pieces, so that the cache can be watched as it grows."""
SHORTEST_PIECE = 64
_INCOMPLETE = "\ufffd"  # what a tokenizer gives for the bytes of a character not complete yet


@dataclass(frozen=True)
class Turn:
    """What one model has done so far, after its turn."""

    side: Side
    phase: Phase
    tokens_read: int
    tokens_written: int
    piece: str
    """Text that the turn added."""
    first_token_ms: float | None
    """Reading the whole input up to the first token, this model's turns only."""
    tokens_per_s: float | None
    """Decode steps after the first token; None before there is one."""
    cache_bytes: int
    """Exact bytes of the cache now."""


@dataclass(frozen=True)
class Fit:
    """How an input lies in the trained context."""

    tokens: int
    """Of the whole input."""
    dropped: int
    """Left out at its beginning, for both models."""
    beyond: bool
    """Both models read more than they were trained for: times and bytes hold, the text does not."""


def fitted(
    ids: Sequence[int], context_tokens: int, answer_tokens: int, *, whole: bool
) -> tuple[list[int], Fit]:
    """The tokens that both models read.

    Args:
        ids: of the whole input.
        context_tokens: the original's trained context, the limit for both.
        answer_tokens: room that the answer needs.
        whole: read all of it, even beyond the context.
    """
    room = max(1, context_tokens - answer_tokens)
    kept = list(ids) if whole else list(ids[-room:])
    fit = Fit(tokens=len(ids), dropped=len(ids) - len(kept), beyond=len(kept) > room)
    return kept, fit


@dataclass
class _Model:
    """One model while it answers."""

    side: Side
    loaded: Loaded
    ids: list[int]
    cache: Cache | None = None
    steps: EagerSteps | GraphedSteps | None = None
    token: int = -1
    read: int = 0
    written: list[int] = field(default_factory=list)
    shown: str = ""
    reading_s: float = 0.0
    writing_s: float = 0.0
    ended: bool = False

    def turn(self, piece: int, answer_tokens: int) -> Turn:
        """Read the next `piece` tokens, or write one token."""
        before = self.shown
        if self.read < len(self.ids):
            self.reading_s += self._forward(self.ids[self.read : self.read + piece])
            self.read = min(len(self.ids), self.read + piece)
            if self.read == len(self.ids):
                self._take(answer_tokens)
        else:
            self.writing_s += self._step(answer_tokens)
            self._take(answer_tokens)
        return self._told(self.shown[len(before) :])

    def _forward(self, ids: list[int]) -> float:
        """Seconds of a forward pass over ids [1, T]; the token that follows is kept."""
        device = self.loaded.model.device
        given: Tensor = torch.tensor([ids], device=device)
        start = time.perf_counter()
        with torch.inference_mode():
            out: Any = self.loaded.model(
                input_ids=given, past_key_values=self.cache, use_cache=True,
                **last_logits_only(self.loaded.model),
            )  # fmt: skip
            self.token = int(out.logits[0, -1].argmax())  # waits for the device
        self.cache = out.past_key_values
        return time.perf_counter() - start

    def _step(self, answer_tokens: int) -> float:
        """Seconds of one decode step; the token that follows is kept."""
        start, model = time.perf_counter(), self.loaded.model
        assert self.cache is not None  # reading made it
        with torch.inference_mode():
            if self.steps is None:
                self.steps = decode_steps(model, self.cache, len(self.ids), room=answer_tokens)
            logits = self.steps(torch.tensor([[self.token]], device=model.device))
            self.token = int(logits[0].argmax())  # waits for the device
        self.cache = self.steps.cache
        return time.perf_counter() - start

    def _take(self, answer_tokens: int) -> None:
        """Keep the token just found, unless it ends the text."""
        if self.token in self._ends():
            self.ended = True
            self.shown = self._text()
            return
        self.written.append(self.token)
        self.ended = len(self.written) >= answer_tokens
        text = self._text()
        self.shown = text if self.ended else text.rstrip(_INCOMPLETE)

    def _text(self) -> str:
        return str(self.loaded.tokenizer.decode(self.written, skip_special_tokens=True))

    def _ends(self) -> set[int]:
        named: Any = self.loaded.model.generation_config.eos_token_id
        own: Any = self.loaded.tokenizer.eos_token_id
        return {*(named if isinstance(named, list) else [named]), own} - {None}

    def _told(self, piece: str) -> Turn:
        reading = self.read < len(self.ids)
        steps = len(self.written) - 1
        return Turn(
            side=self.side,
            phase="reading" if reading else "done" if self.ended else "writing",
            tokens_read=self.read,
            tokens_written=len(self.written),
            piece=piece,
            first_token_ms=None if reading else 1000 * self.reading_s,
            tokens_per_s=steps / self.writing_s if steps > 0 and self.writing_s > 0 else None,
            cache_bytes=cache_bytes(self.cache) if self.cache is not None else 0,
        )


def side_by_side(
    original: Loaded, converted: Loaded, ids: Sequence[int], *, answer_tokens: int
) -> Iterator[Turn]:
    """Every turn of both models until both have ended.

    Args:
        ids: the tokens that both read, at least one (see `fitted`).
        answer_tokens: most tokens of an answer.
    """
    models = [_Model("original", original, list(ids)), _Model("converted", converted, list(ids))]
    piece = max(SHORTEST_PIECE, -(-len(ids) // READING_TURNS))
    while not all(model.ended for model in models):
        for model in models:
            if not model.ended:
                yield model.turn(piece, answer_tokens)
        models.reverse()
