"""Pieces to training steps: any step can be asked for at any time, which exact resuming needs.

B rows, T tokens.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch

from engine.core.losses import IGNORED

_SMALLEST_STEP = 0.25


@dataclass(frozen=True, eq=False)
class Piece:
    """A stretch of one document.

    Attributes:
        ids: LongTensor [T], 2 <= T <= max_tokens.
        document: index of the document in the corpus.
        start_token: offset of ids[0] in the document's own tokens.
        target_bytes: UTF-8 bytes of the text that ids[1:] stand for, to within a few where the
            piece begins or ends inside a character; None where the tokenizer has no word for some
            of it.
    """

    ids: torch.Tensor
    document: int
    start_token: int
    target_bytes: int | None


@dataclass(frozen=True, eq=False)
class Batch:
    """One micro-batch, padded on the right, so causal models need no attention mask.

    Attributes:
        input_ids: LongTensor [B, T]; 0 at padding.
        labels: LongTensor [B, T]; the ids again, -100 at padding (the loss shifts them by one).
        step_targets: predicted tokens of the whole step, over all its micro-batches. Dividing each
            micro-batch's summed loss by it makes the step independent of the accumulation.
    """

    input_ids: torch.Tensor
    labels: torch.Tensor
    step_targets: int


class Batches:
    """`batches(step)` gives a step's micro-batches; steps are numbered from 0 without end.

    An epoch takes every piece once. Rows of a step are of similar length. All is decided by the
    pieces, `tokens_per_step` and the seed; the accumulation only cuts a step's rows into parts.

    Attributes:
        steps_per_epoch: the same in every epoch.
    """

    def __init__(
        self, pieces: Sequence[Piece], *, tokens_per_step: int, accumulation: int, seed: int
    ) -> None:
        if not pieces:
            raise ValueError("there are no pieces to make batches of")
        self._pieces = pieces
        self._accumulation = accumulation
        self._seed = seed
        self._lengths = [_rounded_up(len(piece.ids)) for piece in pieces]
        # Steps are cut along rounded lengths, which are the same in each epoch in whatever order
        # the pieces come; so the cuts are too, and step n is found without replaying epochs.
        self._cuts = _cut(sorted(self._lengths, reverse=True), tokens_per_step)
        self._epoch: tuple[int, list[list[int]]] | None = None

    @property
    def steps_per_epoch(self) -> int:
        return len(self._cuts)

    def __call__(self, step: int) -> list[Batch]:
        epoch, place = divmod(step, self.steps_per_epoch)
        if self._epoch is None or self._epoch[0] != epoch:
            self._epoch = (epoch, self._plan(epoch))
        rows = [self._pieces[index].ids for index in self._epoch[1][place]]
        targets = sum(len(ids) - 1 for ids in rows)
        parts = min(self._accumulation, len(rows))
        bounds = [len(rows) * part // parts for part in range(parts + 1)]
        return [_pad(rows[a:b], targets) for a, b in pairwise(bounds)]

    def _plan(self, epoch: int) -> list[list[int]]:
        """The pieces of each step of an epoch, longest first within a step."""
        rng = random.Random(f"batches-{self._seed}-{epoch}")
        order = list(range(len(self._pieces)))
        rng.shuffle(order)
        order.sort(key=lambda index: -self._lengths[index])
        steps = [order[first:last] for first, last in self._cuts]
        for step in steps:
            step.sort(key=lambda index: -len(self._pieces[index].ids))
        rng.shuffle(steps)
        return steps


def batches(
    pieces: Sequence[Piece], *, tokens_per_step: int, accumulation: int, seed: int
) -> Batches:
    """Steps of about `tokens_per_step` tokens (rows times padded length), at least one row each.

    accumulation: micro-batches a step is cut into; fewer where a step has fewer rows.
    """
    return Batches(pieces, tokens_per_step=tokens_per_step, accumulation=accumulation, seed=seed)


def _rounded_up(length: int) -> int:
    """The length, rounded up by at most an eighth, so that many pieces share one."""
    quantum = 1 << max(length.bit_length() - 4, 0)
    return -(-length // quantum) * quantum


def _cut(lengths: Sequence[int], budget: int) -> list[tuple[int, int]]:
    """Bounds of steps over descending lengths: rows times the longest stay within the budget.

    A small rest at the end joins the step before it where that step then exceeds the budget by
    no more than a quarter: a step of a few short rows would be noise at a full learning rate.
    """
    cuts: list[tuple[int, int]] = []
    first = 0
    for row in range(1, len(lengths) + 1):
        if row == len(lengths) or (row + 1 - first) * lengths[first] > budget:
            cuts.append((first, row))
            first = row
    if len(cuts) > 1:
        first, last = cuts[-1]
        before = cuts[-2][0]
        small = (last - first) * lengths[first] < _SMALLEST_STEP * budget
        if small and (last - before) * lengths[before] <= (1 + _SMALLEST_STEP) * budget:
            cuts[-2:] = [(before, last)]
    return cuts


def _pad(rows: Sequence[torch.Tensor], step_targets: int) -> Batch:
    longest = max(len(ids) for ids in rows)
    input_ids = torch.zeros(len(rows), longest, dtype=torch.long)
    labels = torch.full((len(rows), longest), IGNORED, dtype=torch.long)
    for row, ids in enumerate(rows):
        input_ids[row, : len(ids)] = ids
        labels[row, : len(ids)] = ids
    return Batch(input_ids, labels, step_targets)
