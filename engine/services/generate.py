"""Write a continuation piece by piece: the same loop for originals and converted models.

A prefill of the prompt, then one token at a time with the model's own cache, which for a converted
model is the constant-size state. On a GPU a step is one CUDA graph wherever that can be.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from transformers import Cache, PreTrainedModel, PreTrainedTokenizerBase

from engine.core.decoding import EagerSteps, GraphedSteps, decode_steps, in_words
from engine.core.state import cache_bytes
from engine.errors import BadRunConfig
from engine.evidence.forward import last_logits_only

# What a tokenizer's decoder gives for the bytes of a character that is not complete yet.
_INCOMPLETE = "\ufffd"


@dataclass
class GenerationRecord:
    """What is known about a continuation, filled in as it is written."""

    prompt_tokens: int
    """Tokens of the prompt that the model read."""
    prompt_tokens_dropped: int
    """Tokens cut off the prompt's beginning because they did not fit."""
    token_ids: list[int] = field(default_factory=list)
    """The tokens written so far; an end-of-text token is not among them."""
    text: str = ""
    """Their text."""
    pieces: list[str] = field(default_factory=list)
    """What each of them adds to it; "" where a character is not complete yet."""
    first_token_ms: float = 0.0
    """Time from the start of the prefill to the first token, in ms."""
    decode_s: float = 0.0
    """Time of the decode steps after the first token, capturing a CUDA graph included, in
    seconds."""
    steps: str = ""
    """How the decode steps ran, in words; empty before the first."""
    cache_bytes: int = 0
    """Exact bytes of the cache after the last step."""

    @property
    def tokens_per_s(self) -> float | None:
        """Decode speed after the first token; None before there is a second one."""
        steps = len(self.token_ids) - 1
        return steps / self.decode_s if steps > 0 and self.decode_s > 0 else None


class Generation:
    """A continuation in the making: iterate for its pieces of text; `record` says the rest."""

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        ids: list[int],
        record: GenerationRecord,
        *,
        max_new_tokens: int,
        seed: int,
        temperature: float,
    ) -> None:
        self.record = record
        self._model, self._tokenizer, self._ids = model, tokenizer, ids
        self._max_new_tokens = max_new_tokens
        self._temperature = temperature
        self._random = torch.Generator().manual_seed(seed)
        self._cache: Cache | None = None
        self._steps: EagerSteps | GraphedSteps | None = None

    def __iter__(self) -> Iterator[str]:
        """Write on, and give each piece of text as soon as its characters are complete."""
        record, shown = self.record, 0
        ends = self._end_ids()
        while len(record.token_ids) < self._max_new_tokens:
            start = time.perf_counter()
            token = self._next(record.token_ids[-1:])
            seconds = time.perf_counter() - start
            if token in ends:
                break
            if record.token_ids:
                record.decode_s += seconds
            else:
                record.first_token_ms = 1000 * seconds
            record.token_ids.append(token)
            assert self._cache is not None
            record.cache_bytes = cache_bytes(self._cache)
            text = self._tokenizer.decode(record.token_ids, skip_special_tokens=True)
            record.text = str(text)  # a list only for a list of lists
            whole = record.text.rstrip(_INCOMPLETE)
            record.pieces.append(whole[shown:])
            if len(whole) > shown:
                yield whole[shown:]
                shown = len(whole)
        if len(record.text) > shown:
            record.pieces[-1] += record.text[shown:]
            yield record.text[shown:]

    def finish(self) -> GenerationRecord:
        """Write to the end without watching."""
        for _ in self:
            pass
        return self.record

    def _next(self, last: list[int]) -> int:
        """The token after the last one written; after the prompt if there is none yet."""
        device = self._model.device
        # Not around the whole loop: while it waits at a yield the caller's mode must not change.
        with torch.inference_mode():
            if last:
                logits = self._step(torch.tensor([last], device=device))
            else:
                out = self._model(
                    input_ids=torch.tensor([self._ids], device=device),
                    use_cache=True,
                    **last_logits_only(self._model),
                )
                self._cache, logits = out.past_key_values, out.logits[:, -1]
            logits = logits[0].float().cpu()
            if self._temperature == 0:
                return int(logits.argmax())
            odds = (logits / self._temperature).softmax(-1)
            return int(torch.multinomial(odds, 1, generator=self._random))

    def _step(self, token: Tensor) -> Tensor:
        """Logits [1, V] after one more token [1, 1]."""
        assert self._cache is not None  # the prefill made it
        if self._steps is None:
            self._steps = decode_steps(
                self._model, self._cache, len(self._ids), room=self._max_new_tokens
            )
        logits = self._steps(token)
        self._cache, self.record.steps = self._steps.cache, in_words(self._steps.reason)
        return logits

    def _end_ids(self) -> set[int]:
        """Tokens that end a text, by the model's and the tokenizer's word."""
        named: Any = self._model.generation_config.eos_token_id
        tokenizers: Any = self._tokenizer.eos_token_id
        return {*(named if isinstance(named, list) else [named]), tokenizers} - {None}


def generate(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompt: str | Sequence[int],
    *,
    max_new_tokens: int,
    context_tokens: int,
    seed: int = 0,
    temperature: float = 0.0,
) -> Generation:
    """Prepare the continuation of `prompt`; iterating over the result writes it.

    Args:
        model: original or converted, in eval mode.
        tokenizer: the model's.
        prompt: what to continue, as text or as token ids.
        max_new_tokens: write at most this many tokens; fewer if the text ends before.
        context_tokens: tokens the prompt and its continuation may have together; a longer prompt
            loses its beginning, and the record says how much.
        seed: seed of the choice of tokens; without effect at temperature 0.
        temperature: 0 always takes the likeliest token (greedy); 1 draws as the model's odds say.

    Raises:
        BadRunConfig: the prompt is empty, or the context leaves it no room.
    """
    ids: list[int]
    if isinstance(prompt, str):
        ids = tokenizer(prompt, truncation=False, verbose=False)["input_ids"]
    else:
        ids = list(prompt)
    room = context_tokens - max_new_tokens
    if not ids:
        raise BadRunConfig("The prompt is empty.", "Write at least one word to continue.")
    if room < 1:
        raise BadRunConfig(
            f"An answer of {max_new_tokens} tokens leaves no room for a prompt in a context of "
            f"{context_tokens} tokens.",
            "Ask for a shorter answer.",
        )
    kept = ids[-room:]
    record = GenerationRecord(prompt_tokens=len(kept), prompt_tokens_dropped=len(ids) - len(kept))
    return Generation(
        model,
        tokenizer,
        kept,
        record,
        max_new_tokens=max_new_tokens,
        seed=seed,
        temperature=temperature,
    )
