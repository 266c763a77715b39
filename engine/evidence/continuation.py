"""Whole continuations of held-out text, token against token."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from transformers import PreTrainedModel

from engine.core.decoding import decode_steps
from engine.evidence.behaviour_parts import ContinuationAgreement
from engine.evidence.forward import last_logits_only

if TYPE_CHECKING:
    from engine.data.dataset import Piece

PROMPTS = 6
NEW_TOKENS = 48
_SHORTEST_PROMPT = 16
_PROMPT_SHARE = 0.75


@dataclass(frozen=True)
class Prompts:
    """Beginnings of held-out documents, all of one length.

    Attributes:
        ids: [n, T] token ids.
        documents: the documents' numbers.
        new_tokens: tokens that are to be written.
    """

    ids: torch.Tensor
    documents: tuple[int, ...]
    new_tokens: int


def choose_prompts(pieces: Sequence[Piece], context_tokens: int) -> Prompts | None:
    """Beginnings of the longest pieces, one a document and none shorter than half of the longest,
    as long as the shortest of them and the context allow; None where that is too short."""
    longest: dict[int, Piece] = {}
    for piece in sorted(pieces, key=lambda piece: -len(piece.ids)):
        longest.setdefault(piece.document, piece)
    most = max(len(piece.ids) for piece in pieces)
    chosen = [piece for piece in longest.values() if 2 * len(piece.ids) >= most][:PROMPTS]
    room = min(int(_PROMPT_SHARE * context_tokens), context_tokens - NEW_TOKENS)
    length = min(room, *(int(_PROMPT_SHARE * len(piece.ids)) for piece in chosen))
    if length < _SHORTEST_PROMPT:
        return None
    ids = torch.stack([piece.ids[:length] for piece in chosen])
    return Prompts(ids, tuple(piece.document for piece in chosen), NEW_TOKENS)


@torch.inference_mode()
def continue_greedily(
    model: PreTrainedModel,
    prompts: Prompts,
    ends: frozenset[int],
    *,
    tick: Callable[[], None] = lambda: None,
) -> list[list[int]]:
    """What the model writes after each prompt, up to the first token in `ends`.

    All prompts go through one cache, which a converted model keeps as its state, by the steps of
    the generation service: one CUDA graph wherever that can be.
    """
    ids = prompts.ids.to(model.device)
    out = model(input_ids=ids, use_cache=True, **last_logits_only(model))
    written = [out.logits[:, -1:].argmax(-1)]
    tick()
    steps = decode_steps(model, out.past_key_values, ids.shape[1], room=prompts.new_tokens)
    while len(written) < prompts.new_tokens:
        written.append(steps(written[-1]).argmax(-1, keepdim=True))
        tick()
    rows = torch.cat(written, 1).tolist()
    stops = [next((i for i, token in enumerate(row) if token in ends), len(row)) for row in rows]
    return [row[:stop] for row, stop in zip(rows, stops, strict=True)]


def agreement(
    original: Sequence[Sequence[int]], other: Sequence[Sequence[int]]
) -> ContinuationAgreement:
    """Each continuation of `other` against the original's of the same prompt."""
    pairs = list(zip(original, other, strict=True))
    prefixes = tuple(same_prefix(a, b) for a, b in pairs)
    rouge = tuple(rouge_l(a, b) for a, b in pairs)
    return ContinuationAgreement(
        same_prefix_tokens=prefixes,
        rouge_l=rouge,
        mean_prefix_tokens=sum(prefixes) / len(pairs),
        mean_rouge_l=sum(rouge) / len(pairs),
    )


def same_prefix(ours: Sequence[int], theirs: Sequence[int]) -> int:
    """Tokens from the start in which both sequences are identical."""
    pairs = zip(ours, theirs, strict=False)
    return next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(ours), len(theirs)))


def rouge_l(ours: Sequence[int], theirs: Sequence[int]) -> float:
    """ROUGE-L of two token sequences (Lin 2004, eq. 2-4 with equal weights): the harmonic mean of
    their longest common subsequence's share of each. Two empty sequences are alike: 1."""
    if not ours or not theirs:
        return float(len(ours) == len(theirs))
    row = [0] * (len(theirs) + 1)
    for a in ours:
        diagonal = 0
        for at, b in enumerate(theirs, start=1):
            above = row[at]
            row[at] = diagonal + 1 if a == b else max(above, row[at - 1])
            diagonal = above
    return 2 * row[-1] / (len(ours) + len(theirs))
