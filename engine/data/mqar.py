"""Multi-query associative recall (MQAR): how many pairs can a model keep apart?

After Arora et al. 2023 (arXiv:2312.04927, section 3), as a probe without training: keys and values
are random tokens of the model's own vocabulary, stated pair after pair, and then asked key by key.
There the queries follow at random distances; here they follow at once, all in one block, so that a
size says how many pairs there are and hardly anything else.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

SMALLEST = 4
LARGEST = 512
"""Pairs in a sequence, doubled from one size to the next."""

MOST_QUERIES = 16
"""Keys asked of one sequence at most, drawn at random."""


@dataclass(frozen=True)
class MqarProbe:
    """One sequence.

    Attributes:
        pairs: keys stated with their value.
        input_ids: pairs, then the queries, each followed by its value.
        queries: positions in `input_ids` of the asked keys; the next token is the value.
    """

    pairs: int
    input_ids: list[int]
    queries: tuple[int, ...]


def mqar_sizes(context_tokens: int, tokens: int) -> list[int]:
    """Numbers of pairs that fit: `tokens` is how many different ones there are to draw from."""
    sizes = [SMALLEST]
    while sizes[-1] < LARGEST:
        sizes.append(2 * sizes[-1])
    return [n for n in sizes if 2 * (n + min(n, MOST_QUERIES)) < context_tokens and 2 * n <= tokens]


def mqar_probes(
    tokenizer: PreTrainedTokenizerBase,
    *,
    vocabulary: int,
    context_tokens: int,
    per_size: int,
    seed: int,
) -> list[MqarProbe]:
    """`per_size` sequences of every size that fits the context.

    Args:
        tokenizer: the model's; its special tokens are not drawn, and those that it begins every
            text with begin every sequence.
        vocabulary: tokens that the model can read; the tokenizer may have fewer.
        context_tokens: of the original.
        per_size: sequences of each size.
        seed: of the drawing.
    """
    special = set(tokenizer.all_special_ids)
    usable = [n for n in range(min(vocabulary, len(tokenizer))) if n not in special]
    begin = list(takewhile(special.__contains__, tokenizer("a")["input_ids"]))
    return [
        _probe(random.Random(f"mqar-{size}-{number}-{seed}"), size, usable, begin)
        for size in mqar_sizes(context_tokens - len(begin), len(usable))
        for number in range(per_size)
    ]


def _probe(rng: random.Random, size: int, usable: Sequence[int], begin: Sequence[int]) -> MqarProbe:
    drawn = rng.sample(usable, 2 * size)  # no key is a value, and none occurs twice
    pairs = list(zip(drawn[:size], drawn[size:], strict=True))
    asked = rng.sample(pairs, min(size, MOST_QUERIES))
    ids = [*begin, *(token for pair in [*pairs, *asked] for token in pair)]
    first = len(begin) + 2 * size
    return MqarProbe(size, ids, tuple(range(first, len(ids), 2)))
