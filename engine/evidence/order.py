"""Does the order of the text matter to the original? If not, it was lost before it came here.

A data set whose lines were shuffled still has its words, so perplexity looks fine; but nothing in
it is far from anything, and what is measured over long inputs means little.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from engine.data.batches import Piece
from engine.evidence.quality import score
from engine.evidence.stats import Interval, paired_ratio

MOST_TOKENS = 6_000
MOST_OF_ONE = 512
"""Tokens read of one document: more documents say more than longer ones."""
FEWEST_UNITS = 4
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])")


def shuffled(text: str, rng: random.Random) -> tuple[str, str] | None:
    """The text's whole lines as they are and in random order, or its sentences where it has fewer
    than four lines; None where it has fewer than four of either.

    The last line or sentence is left out of both: it may have been cut, and a cut one in the middle
    would be punished.
    """
    units, joiner = [line for line in text.split("\n") if line.strip()][:-1], "\n"
    if len(units) < FEWEST_UNITS:
        units = [unit for unit in _SENTENCE_END.split(text) if unit.strip()][:-1]
        joiner = " " if re.search(r"[.!?]\s", text) else ""
    if len(units) < FEWEST_UNITS:
        return None
    mixed = list(units)
    rng.shuffle(mixed)
    return joiner.join(units), joiner.join(mixed)


def order_worth(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    pieces: Sequence[Piece],
    *,
    seed: int,
    tick: Callable[[], None] = lambda: None,
) -> Interval | None:
    """Nats per token that held-out text costs more with its lines or sentences shuffled, with its
    interval over documents; None with fewer than two documents to shuffle.

    Args:
        model: the original.
        tokenizer: its tokenizer.
        pieces: held-out text, of which up to 6,000 tokens are read, 512 at most of a document.
        seed: of the shuffling.
        tick: called often; may raise to stop.
    """
    rng = random.Random(f"order-{seed}")
    kept: list[Piece] = []
    mixed: list[Piece] = []
    left = MOST_TOKENS
    for piece in pieces:
        ids = piece.ids[:MOST_OF_ONE]
        text = str(tokenizer.decode(ids, skip_special_tokens=True)).strip("\ufffd")
        both = shuffled(text, rng)
        if both is None or len(ids) > left or any(k.document == piece.document for k in kept):
            continue
        left -= len(ids)
        for texts, content in zip((kept, mixed), both, strict=True):
            tokens = tokenizer(content, truncation=False, verbose=False)["input_ids"]
            texts.append(Piece(torch.tensor(tokens), piece.document, 0, None))
    if len(kept) < 2:
        return None
    ours, theirs = (score(model, texts, tick=tick).by_document for texts in (kept, mixed))
    pairs = [(a.nats, b.nats, a.tokens) for a, b in zip(ours, theirs, strict=True)]
    # The same text has about, not exactly, as many tokens when it is cut elsewhere.
    differences = [b - a for a, b, _ in pairs if a is not None and b is not None]
    if len(differences) < len(pairs):
        return None
    return paired_ratio(differences, [tokens for _, _, tokens in pairs])
