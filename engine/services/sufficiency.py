"""Is the data enough, before anything is trained: to learn from, and to judge by?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch

from engine.configs import ComparisonSettings, Recipe
from engine.data.batches import Piece
from engine.data.dataset import MIN_SCORED_TOKENS, MIN_TRAIN_TOKENS, stretches
from engine.data.split import split
from engine.evidence.quality import select_pieces
from engine.evidence.verdict import FEW_DOCUMENTS, FEWEST

MOST_PASSES = 4.0
"""Reading the same text up to four times teaches about as much as new text would (Muennighoff et
al. 2023, arXiv 2305.16264, section 6)."""

Light = Literal["enough", "little", "too_little"]
Lack = Literal[
    "train_tokens", "scored_tokens", "no_interval", "few_documents", "few_scored", "repeats"
]
"""Too few tokens to train on or to score (the run would be refused); so few held-out documents
that the quality gate cannot be judged; few; few that the comparison has tokens for, because they
are long; the recipe reads the text too often."""
_GRAVE: tuple[Lack, ...] = ("train_tokens", "scored_tokens", "no_interval")


@dataclass(frozen=True)
class Sufficiency:
    """What the data is enough for.

    Attributes:
        light: the worst of what it lacks.
        lacks: what it lacks, the gravest first.
        train_tokens: in the training split.
        read_tokens: that the recipe reads at most, both stages.
        heldout_documents: in the held-out split.
        scored_documents: of them that the comparison has tokens for.
    """

    light: Light
    lacks: tuple[Lack, ...]
    train_tokens: int
    read_tokens: int
    heldout_documents: int
    scored_documents: int

    @property
    def passes(self) -> float:
        """How often the recipe reads the training text, at most."""
        return self.read_tokens / max(1, self.train_tokens)


def sufficiency(
    documents: Sequence[str],
    lengths: Sequence[int],
    recipe: Recipe,
    comparison: ComparisonSettings,
    *,
    context_tokens: int,
    data_seed: int = 0,
) -> Sufficiency:
    """Hold a corpus against a recipe and against what the gates need, by the run's own split.

    Args:
        documents: the corpus.
        lengths: tokens of each document; an estimate will do.
        recipe: how long the training is.
        comparison: how much of the held-out text is scored.
        context_tokens: the model's trained context.
        data_seed: of the split.
    """
    parts = split(documents, data_seed)
    most = min(recipe.max_tokens, context_tokens)
    pieces = {
        name: [
            # Only the number of tokens matters here, so the pieces hold none.
            Piece(torch.empty(b - a, device="meta"), index, a, None)
            for index in getattr(parts, name)
            for a, b in stretches(lengths[index], most)
        ]
        for name in ("train", "validation", "heldout")
    }
    tokens = {name: sum(len(piece.ids) for piece in own) for name, own in pieces.items()}
    heldout = len({piece.document for piece in pieces["heldout"]})
    chosen = select_pieces(pieces["heldout"], comparison.heldout_tokens) if heldout else []
    scored = len({piece.document for piece in chosen})
    read = recipe.tokens_per_step * (recipe.transfer.steps + recipe.finetune.steps)
    lacks: list[Lack] = []
    if tokens["train"] < MIN_TRAIN_TOKENS:
        lacks.append("train_tokens")
    if min(tokens["validation"], tokens["heldout"]) < MIN_SCORED_TOKENS:
        lacks.append("scored_tokens")
    if scored < FEWEST["documents"]:
        lacks.append("no_interval")
    elif scored < FEW_DOCUMENTS:
        lacks.append("few_documents" if scored == heldout else "few_scored")
    if read > MOST_PASSES * tokens["train"]:
        lacks.append("repeats")
    light: Light = "little" if lacks else "enough"
    if any(lack in _GRAVE for lack in lacks):
        light = "too_little"
    return Sufficiency(light, tuple(lacks), tokens["train"], read, heldout, scored)
