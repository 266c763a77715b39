"""Recall probes: does a model still know a fact that stood so many tokens ago?

A probe is a business record cut off exactly before an answer. The model passes when it gives every
token of the answer. Under teacher forcing, all answer tokens being the likeliest ones is the same
event as greedy decoding giving the answer, so one forward pass per probe decides.
"""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from engine.data.documents import (
    LANGUAGES,
    PROBE_SEEDS,
    Document,
    Language,
    Recall,
    business_document,
)

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# A probe belongs to a distance if it is off by no more than 3 %, or 16 tokens where that is more.
RELATIVE_TOLERANCE = 0.03
LEAST_TOLERANCE_TOKENS = 16

_SEEDS_PER_CALL = 2**20
_LEAST_OVERHEAD_TOKENS = 48  # a header, the fact and the answer
# At the farthest distance about one record in ten has a question there; giving up is for languages
# that the tokenizer cannot ask in.
_DOCUMENTS_PER_PROBE = 600


@dataclass(frozen=True)
class RecallProbe:
    """A prompt that ends just before an answer; token ids are the tokenizer's, special tokens in.

    `distance_tokens` is the distance asked for, `measured_tokens` the true one: the tokens between
    the end of the fact's sentence and the start of the answer. The answer occurs nowhere between.
    """

    language: Language
    distance_tokens: int
    input_ids: list[int]
    answer_ids: list[int]
    prompt: str
    answer: str
    kind: str
    measured_tokens: int


def distance_tolerance(distance_tokens: int) -> int:
    """Tokens by which a probe's true distance may differ from its nominal one."""
    return max(LEAST_TOLERANCE_TOKENS, round(distance_tokens * RELATIVE_TOLERANCE))


def recall_probes(
    tokenizer: PreTrainedTokenizerBase,
    *,
    distances: Sequence[int],
    per_distance: int,
    language: Literal["en", "ja", "both"],
    context: int,
    seed: int,
) -> list[RecallProbe]:
    """`per_distance` probes for every distance (in tokens) that fits into `context` tokens.

    With "both", the languages take turns within the `per_distance`; one that has no question there
    leaves the other's untouched. Every probe comes from its own record, drawn from seeds that no
    training or bundled record uses. A distance too long for the context yields nothing. Probes come
    ordered by distance, as the distances were given.
    """
    if not tokenizer.is_fast:
        raise ValueError("recall probes need a fast tokenizer: they read its character offsets")
    languages: tuple[Language, ...] = LANGUAGES if language == "both" else (language,)
    searches: dict[Language, _Search] = {
        name: _Search(tokenizer, name, context, seed) for name in languages
    }
    probes: list[RecallProbe] = []
    for distance in distances:
        absent: set[Language] = set()
        for number in range(per_distance):
            name = languages[number % len(languages)]
            if name in absent:
                continue
            probe = searches[name].find(distance)
            if probe is None:
                absent.add(name)
            else:
                probes.append(probe)
    return probes


class _Search:
    """Draws records of one language until one holds a question at the wanted distance."""

    def __init__(
        self, tokenizer: PreTrainedTokenizerBase, language: Language, context: int, seed: int
    ) -> None:
        self.language: Language = language
        self.tokenizer, self.context = tokenizer, context
        first = PROBE_SEEDS.start + (seed * _SEEDS_PER_CALL) % len(PROBE_SEEDS)
        self.seeds = iter(range(first, first + _SEEDS_PER_CALL))
        sample = business_document(next(self.seeds), language, 2_000).text
        self.characters_per_token = len(sample) / len(tokenizer(sample)["input_ids"])
        self.successes = self.failures = 0

    def find(self, distance: int) -> RecallProbe | None:
        """A probe, or None if the distance or the tokenizer has none."""
        longest = min(self.context, int(1.25 * distance) + 256)
        # A language in which the very first search failed is not searched again: its answers do
        # not survive this tokenizer, and long records are slow to write.
        hopeless = self.failures and not self.successes
        if hopeless or distance + _LEAST_OVERHEAD_TOKENS > longest:
            return None
        for _ in range(_DOCUMENTS_PER_PROBE):
            seed = next(self.seeds)
            # A little too long, since the cut comes at the answer anyway.
            characters = max(300, int(1.1 * longest * self.characters_per_token))
            document = business_document(seed, self.language, characters)
            found = list(self._probes(document, distance, longest))
            if found:
                self.successes += 1
                return random.Random(seed).choice(found)
        self.failures += 1
        return None

    def _probes(self, document: Document, distance: int, longest: int) -> Iterator[RecallProbe]:
        encoding = self.tokenizer(
            document.text, return_offsets_mapping=True, truncation=False, verbose=False
        )
        ids, spans = encoding["input_ids"], encoding["offset_mapping"]
        # Special tokens have the empty span (0, 0); a running maximum keeps ends sorted with them.
        ends = [end for _, end in spans]
        for index in range(1, len(ends)):
            ends[index] = max(ends[index], ends[index - 1])
        for recall in document.recalls:
            bounds = _answer_tokens(document.text, recall, spans, ends)
            if bounds is None:
                continue
            first, stop = bounds
            measured = first - bisect_left(ends, recall.fact_end) - 1
            if abs(measured - distance) > distance_tolerance(distance) or stop > longest:
                continue
            answer = document.text[recall.answer_start : recall.answer_end]
            # An earlier answer to the same question would bring the value nearer than measured.
            if document.text.find(answer, recall.fact_end) != recall.answer_start:
                continue
            yield RecallProbe(
                language=self.language,
                distance_tokens=distance,
                input_ids=ids[:first],
                answer_ids=ids[first:stop],
                prompt=document.text[: spans[first][0]],
                answer=answer,
                kind=recall.kind,
                measured_tokens=measured,
            )


def _answer_tokens(
    text: str, recall: Recall, spans: Sequence[tuple[int, int]], ends: Sequence[int]
) -> tuple[int, int] | None:
    """First and one-past-last token of the answer, or None if a token reaches beyond it.

    A token may take in the space before the answer, as many tokenizers write a word's start.
    """
    first = bisect_left(ends, recall.answer_start + 1)
    last = bisect_left(ends, recall.answer_end)
    if last == len(ends):  # a tokenizer that drops what it has no word for
        return None
    before = text[spans[first][0] : recall.answer_start]
    if before.strip() or ends[last] != recall.answer_end:
        return None
    return first, last + 1
