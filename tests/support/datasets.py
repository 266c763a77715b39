"""A small data set that a tiny model can learn something from in a few steps."""

from __future__ import annotations

import random

import torch

from engine.data.batches import Piece
from engine.data.dataset import Dataset


def tiny_dataset(*, rows: int = 24, tokens: int = 48, seed: int = 0) -> Dataset:
    """Rows that count upwards from a random start, of slightly different lengths."""
    rng = random.Random(seed)

    def pieces(count: int, first: int) -> tuple[Piece, ...]:
        made = []
        for number in range(count):
            start, length = rng.randint(3, 200), tokens - rng.randint(0, 8)
            ids = (torch.arange(length) * 3 + start) % 250 + 3
            made.append(Piece(ids, first + number, 0, length - 1))
        return tuple(made)

    return Dataset(
        train=pieces(rows, 0), validation=pieces(6, rows), heldout=pieces(6, rows + 6),
        counts={}, near_duplicates=0, max_tokens=tokens,
    )  # fmt: skip
