"""Rows of tokens the bundled model is pretrained on: repeated random segments and documents.

Legend: B rows, T tokens. A batch is (input_ids [B, T], targets_known [B, T]); a token is *known*
when what came before it in the row determines it: a repeated token or a token of an answer.
"""

from __future__ import annotations

import random

import torch
from transformers import PreTrainedTokenizerBase

from engine.data.documents import HELD_OUT_SEEDS, LANGUAGES, Language, business_document
from scripts.bundled_tokenizer import EOS

Batch = tuple[torch.Tensor, torch.Tensor]
CHARACTERS_PER_TOKEN: dict[Language, float] = {"en": 3.45, "ja": 1.75}


def repeats(rng: random.Random, vocabulary: list[int], rows: int, tokens: int) -> Batch:
    """Segments of 4 to 24 random tokens, each two to four times in a row.

    Copying what followed the last time is what answering needs. Documents alone teach it very
    late, since their templates hide it; on this noise nothing else lowers the loss.
    """
    ids, known = [], []
    for _ in range(rows):
        row: list[int] = []
        row_known: list[bool] = []
        while len(row) < tokens:
            segment = rng.choices(vocabulary, k=rng.randint(4, 24))
            for copy in range(rng.randint(2, 4)):
                row += segment
                # The first token of a copy cannot be foreseen: a segment's length is unknown.
                row_known += [copy > 0 and place > 0 for place in range(len(segment))]
        ids.append(row[:tokens])
        known.append(row_known[:tokens])
    return torch.tensor(ids), torch.tensor(known)


class DocumentRows:
    """Rows cut from business documents, each row's first document starting at its first token."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self.tokenizer = tokenizer
        self.end = tokenizer.get_vocab()[EOS]

    def used_tokens(self) -> list[int]:
        """The tokens that business documents are written in: about half of the vocabulary."""
        ids = self.batch(HELD_OUT_SEEDS.start, 64, 1024)[0].unique().tolist()
        return [i for i in ids if i not in self.tokenizer.all_special_ids]

    def batch(self, first_seed: int, rows: int, tokens: int) -> Batch:
        """Rows whose documents have the seeds from `first_seed` on, languages in turn."""
        made = [self._row(first_seed + 64 * row, LANGUAGES[row % 2], tokens) for row in range(rows)]
        return torch.tensor([ids for ids, _ in made]), torch.tensor([known for _, known in made])

    def held_out(self, rows: int, tokens: int, number: int = 0) -> Batch:
        """Rows from seeds that training never draws."""
        return self.batch(HELD_OUT_SEEDS.start + number * 10_000, rows, tokens)

    def _row(self, seed: int, language: Language, tokens: int) -> tuple[list[int], list[bool]]:
        rng = random.Random(seed)
        row: list[int] = []
        row_known: list[bool] = []
        while len(row) < tokens:
            # One row in five holds several documents, as packed data sets do.
            size = tokens if rng.random() < 0.8 else tokens * rng.uniform(0.2, 0.7)
            characters = int(size * CHARACTERS_PER_TOKEN[language] * rng.uniform(0.95, 1.1))
            ids, known = self._document(seed, language, max(300, characters))
            row += ids
            row_known += known
            seed += 1
        return row[:tokens], row_known[:tokens]

    def _document(
        self, seed: int, language: Language, characters: int
    ) -> tuple[list[int], list[bool]]:
        document = business_document(seed, language, characters)
        encoding = self.tokenizer(document.text, return_offsets_mapping=True, verbose=False)
        known = [False] * len(encoding["input_ids"])
        answers = iter((recall.answer_start, recall.answer_end) for recall in document.recalls)
        start, end = next(answers, (len(document.text), len(document.text)))
        for index, (token_start, token_end) in enumerate(encoding["offset_mapping"]):
            if token_start >= end:
                start, end = next(answers, (len(document.text), len(document.text)))
            known[index] = token_end > start
        return [*encoding["input_ids"], self.end], [*known, False]
