"""Prediction of held-out text: perplexity and bits per byte.

Legend: B batch, T tokens, V vocabulary, R scored tokens of a micro-batch. Likelihoods are computed
in float32 whatever the model's precision, a few hundred rows of the vocabulary at a time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from transformers import PreTrainedModel

from engine.evidence.forward import micro_batches, right_padded
from engine.evidence.parts import DocumentReading, ModelQuality, PositionBin, finite

if TYPE_CHECKING:
    from engine.data.dataset import Piece

POSITION_EDGES = (0, 64, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072)
"""Edges of the position bins, in tokens of available context."""

_GOLDEN = (math.sqrt(5) - 1) / 2

ROWS = 512
"""Rows of logits turned into float32 log-probabilities at a time."""


@torch.inference_mode()
def score(
    model: PreTrainedModel,
    pieces: Sequence[Piece],
    *,
    text_bytes: int | None = None,
    sizes: Sequence[Sequence[int]] | None = None,
    tick: Callable[[], None] = lambda: None,
) -> ModelQuality:
    """Score every token of the pieces but each piece's first, weighting all tokens equally.

    The position of a token is the number of tokens before it in its piece: the context that the
    model really had. `text_bytes` is the number of UTF-8 bytes of the scored tokens' text, `sizes`
    that of each scored token by piece, for bits per byte by position. `tick` is called after every
    micro-batch and may raise to stop.
    """
    edges = position_edges(pieces)
    bins = torch.zeros(len(edges) - 1, dtype=torch.float64)
    counts = torch.zeros(len(edges) - 1, dtype=torch.long)
    inner_edges = torch.tensor(edges[1:-1])
    bin_bytes = torch.zeros_like(counts)
    documents = sorted({piece.document for piece in pieces})
    number = {document: at for at, document in enumerate(documents)}
    of_piece = torch.tensor([number[piece.document] for piece in pieces])
    document_bytes = torch.zeros(len(documents), dtype=torch.long)
    for piece_sizes, at in zip(sizes or (), of_piece, strict=False):
        of_bin = torch.bucketize(torch.arange(1, len(piece_sizes) + 1), inner_edges, right=True)
        bin_bytes.index_add_(0, of_bin, torch.tensor(piece_sizes))
        document_bytes[at] += sum(piece_sizes)
    document_nats = torch.zeros(len(documents), dtype=torch.float64)
    document_tokens = torch.zeros(len(documents), dtype=torch.long)
    for (logits,), targets, positions, sources in passes((model,), pieces):
        losses = torch.cat(
            [
                torch.nn.functional.cross_entropy(some.float(), wanted, reduction="none")
                for some, wanted in zip(logits.split(ROWS), targets.split(ROWS), strict=True)
            ]
        ).cpu()
        where = torch.bucketize(positions, inner_edges, right=True)
        bins.index_add_(0, where, losses.double())
        counts += torch.bincount(where, minlength=len(counts))
        document_nats.index_add_(0, of_piece[sources], losses.double())
        document_tokens += torch.bincount(of_piece[sources], minlength=len(documents))
        tick()
    tokens = int(counts.sum())
    nats = float(bins.sum())
    perplexity = _perplexity(nats, tokens)
    return ModelQuality(
        perplexity=perplexity,
        bits_per_byte=_bits_per_byte(nats, text_bytes or 0),
        perplexity_by_position=tuple(
            PositionBin(
                from_token=start,
                to_token=end,
                tokens=int(count),
                perplexity=_perplexity(float(total), int(count)),
                bits_per_byte=_bits_per_byte(float(total), int(size)),
            )
            for start, end, total, count, size in zip(
                edges, edges[1:], bins, counts, bin_bytes, strict=False
            )
        ),
        tokens=tokens,
        documents=len(documents),
        by_document=tuple(
            DocumentReading(
                document=document,
                tokens=int(count),
                nats=finite(float(total)),
                bytes=int(size) if sizes else None,
            )
            for document, count, total, size in zip(
                documents, document_tokens, document_nats, document_bytes, strict=True
            )
        ),
        note=None if perplexity is not None else "the model's likelihoods are not finite numbers",
    )


def position_edges(pieces: Sequence[Piece]) -> list[int]:
    """Edges of the position bins up to the longest piece."""
    longest = max(len(piece.ids) for piece in pieces)
    return [edge for edge in POSITION_EDGES if edge < longest] + [longest]


def select_pieces(pieces: Sequence[Piece], most_tokens: int) -> list[Piece]:
    """Held-out pieces of together at most `most_tokens` tokens, at least one, in their own order.

    Documents are what statistics rest on, so the tokens go round: the first piece of every
    document, then the second, and so on, documents visited in an order of which every beginning is
    spread over them all. Pieces are never cut, or nothing would be read far from its beginning; one
    that does not fit any more is passed over, so that a shorter one may still come in.
    """
    by_document: dict[int, list[int]] = {}
    for at, piece in enumerate(pieces):
        by_document.setdefault(piece.document, []).append(at)
    # Multiples of the golden ratio fill the circle evenly at any length.
    spread = sorted(enumerate(by_document.values()), key=lambda one: one[0] * _GOLDEN % 1)
    rounds = max(map(len, by_document.values()))
    visited = [own[r] for r in range(rounds) for _, own in spread if r < len(own)]
    chosen: list[int] = []
    left = most_tokens
    for at in visited:
        if len(pieces[at].ids) <= left or not chosen:
            chosen.append(at)
            left -= len(pieces[at].ids)
    return [pieces[at] for at in sorted(chosen)]


def passes(
    models: Sequence[PreTrainedModel], pieces: Sequence[Piece]
) -> Iterator[tuple[list[Tensor], Tensor, Tensor, Tensor]]:
    """Per micro-batch: each model's logits [R, V] for the scored tokens, those tokens [R] on the
    model's device, and on the CPU their positions [R] and the numbers [R] of their pieces.
    """
    lengths = [len(piece.ids) for piece in pieces]
    for indices in micro_batches(lengths, models[0].config.get_text_config().vocab_size):
        ids = right_padded([pieces[i].ids for i in indices], models[0].device)
        ends = torch.tensor([lengths[i] for i in indices])
        rows, columns = torch.nonzero(torch.arange(1, ids.shape[1]) < ends[:, None], as_tuple=True)
        logits = [model(input_ids=ids, use_cache=False).logits[rows, columns] for model in models]
        yield logits, ids[rows, columns + 1], columns + 1, torch.tensor(indices)[rows]


def _perplexity(nats: float, tokens: int) -> float | None:
    """exp(nats / tokens), or None where that is no finite number."""
    if not tokens or not math.isfinite(nats) or nats / tokens > 700:  # exp(710) overflows
        return None
    return math.exp(nats / tokens)


def _bits_per_byte(nats: float, text_bytes: int) -> float | None:
    """None where the bytes are not known, or the likelihood is not finite."""
    return finite(nats / math.log(2) / text_bytes) if text_bytes else None
