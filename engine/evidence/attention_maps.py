"""Attention maps of one held-out passage, kept small: the last tokens of the longest text.

A passage at the beginning of a text would lie within a hybrid's window, where its maps are the
original's by construction. So the passage is the end of the text, and what its tokens put on all
that was read before is summed: on the first four tokens, and on the rest.

Legend: H query heads, T tokens of the text, P tokens of the passage.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from engine.evidence.fidelity_parts import AttentionMaps, HeadFidelity, HeadMap, MapSide

PASSAGE_TOKENS = 48
HEADS = 3
"""Heads whose maps are kept: those that differ most."""
_SINKS = 4
_DECIMALS = 4


@dataclass
class Kept:
    """The rows of the passage in every layer, original and converted, [H, P, 2 + P] on the CPU:
    the weight on the first tokens, on the others before the passage, and on each of its own."""

    start: int
    """Tokens before the passage."""
    layers: dict[int, tuple[Tensor, Tensor]] = field(default_factory=dict)

    def add(self, layer: int, theirs: Tensor, mine: Tensor) -> None:
        """Keep what is needed of a layer's maps [H, T, T]."""
        self.layers[layer] = (self._rows(theirs), self._rows(mine))

    def _rows(self, weights: Tensor) -> Tensor:
        rows, sinks = weights[:, self.start :], min(_SINKS, self.start)
        before = [rows[..., :sinks], rows[..., sinks : self.start]]
        sums = [part.sum(-1, keepdim=True) for part in before]
        return torch.cat([*sums, rows[..., self.start :]], dim=-1).float().cpu()


def passage_start(tokens: int) -> int:
    """Where the passage begins in a text of `tokens` tokens; at least one token lies before."""
    return max(1, tokens - PASSAGE_TOKENS)


def attention_maps(
    kept: Kept,
    heads: Sequence[HeadFidelity],
    *,
    document: int,
    texts: Sequence[str] | None,
) -> AttentionMaps | None:
    """The maps worth showing; None where there are none, or a weight is not finite.

    Args:
        kept: of the passage.
        heads: readings of all heads; those without a divergence have no map of their own.
        document: number of the text's document.
        texts: what each token of the text but its first adds; None where that is not known.
    """
    own = [h for h in heads if h.divergence is not None and h.layer in kept.layers]
    chosen = sorted(own, key=lambda h: h.divergence or 0.0, reverse=True)[:HEADS]
    layers = {h.layer for h in own}
    sides = {n: pair for n, pair in kept.layers.items() if n in layers}
    if not chosen or not _finite(sides):
        return None
    theirs, mine = (torch.cat([pair[side] for pair in sides.values()]).mean(0) for side in (0, 1))
    passage = theirs.shape[0]
    start = kept.start - 1  # `texts` leaves the first token out
    return AttentionMaps(
        document=document,
        from_token=kept.start,
        tokens=tuple(texts[start : start + passage]) if texts is not None else (),
        heads=tuple(
            HeadMap(
                layer=h.layer,
                head=h.head,
                original=_side(sides[h.layer][0][h.head]),
                converted=_side(sides[h.layer][1][h.head]),
            )
            for h in chosen
        ),
        mean_original=_side(theirs),
        mean_converted=_side(mine),
    )


def _finite(sides: Mapping[int, tuple[Tensor, Tensor]]) -> bool:
    return all(bool(x.isfinite().all()) for pair in sides.values() for x in pair)


def _side(rows: Tensor) -> MapSide:
    """Rows [P, 2 + P] in numbers; a token sees itself and what came before."""
    table = [[round(x, _DECIMALS) for x in row] for row in rows.tolist()]
    return MapSide(
        first=tuple(row[0] for row in table),
        earlier=tuple(row[1] for row in table),
        passage=tuple(tuple(row[2 : 3 + i]) for i, row in enumerate(table)),
    )
