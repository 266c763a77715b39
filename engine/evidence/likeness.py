"""How close the converted model's next-token distribution is to the original's.

Legend: R scored tokens of a micro-batch, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from engine.data.token_text import TOKEN_CLASSES, TokenClass
from engine.evidence.behaviour_parts import (
    ClassLikeness,
    Likeness,
    LikenessReport,
    PositionLikeness,
)
from engine.evidence.parts import finite
from engine.evidence.quality import ROWS, passes, position_edges

if TYPE_CHECKING:
    from engine.data.dataset import Piece

_TOP = 5


@dataclass(frozen=True)
class _Readings:
    """Per token, in no particular order: divergence in nats, same first choice, share of the top
    five, position, and class by number."""

    kl: Tensor
    top1: Tensor
    top5: Tensor
    position: Tensor
    token_class: Tensor

    def summary(self, which: Tensor | None = None) -> dict[str, Any]:
        """The numbers of a `Likeness`, of all tokens or of those in `which` [R] bool."""
        kl, top1, top5 = (x if which is None else x[which] for x in (self.kl, self.top1, self.top5))
        mean = finite(float(kl.mean()))
        known = mean is not None
        return {
            "tokens": kl.numel(),
            "kl": mean,
            "kl_p95": finite(_percentile(kl, 0.95)) if known else None,
            "top1": float(top1.mean()) if known else None,
            "top5": float(top5.mean()) if known else None,
        }


@torch.inference_mode()
def likeness(
    original: PreTrainedModel,
    converted: PreTrainedModel,
    pieces: Sequence[Piece],
    *,
    classes: Sequence[Sequence[TokenClass]] | None = None,
    tick: Callable[[], None] = lambda: None,
) -> LikenessReport:
    """Compare both models' predictions of the tokens that `score` scores.

    Args:
        original, converted: models over the same vocabulary.
        pieces: held-out text.
        classes: for each piece, the class of each scored token; None leaves classes out.
        tick: called after every micro-batch; may raise to stop.
    """
    number = {name: at for at, name in enumerate(TOKEN_CLASSES)}
    of_piece = [torch.tensor([number[name] for name in of]) for of in classes or ()]
    gathered: list[tuple[Tensor, ...]] = []
    for (ours, theirs), _, positions, sources in passes((original, converted), pieces):
        parts = [_compare(p, q) for p, q in zip(ours.split(ROWS), theirs.split(ROWS), strict=True)]
        kind = torch.zeros_like(positions)
        for piece in sources.unique().tolist() if classes else ():
            mine = sources == piece
            kind[mine] = of_piece[piece][positions[mine] - 1]
        gathered.append((*(torch.cat(some) for some in zip(*parts)), positions, kind))
        tick()
    readings = _Readings(*(torch.cat(some) for some in zip(*gathered)))
    edges = position_edges(pieces)
    by_position = []
    for start, end in zip(edges, edges[1:], strict=False):
        which = (readings.position >= start) & (readings.position < end)
        if which.any():
            numbers = readings.summary(which)
            by_position.append(PositionLikeness(from_token=start, to_token=end, **numbers))
    by_class = [
        ClassLikeness(token_class=name, **readings.summary(readings.token_class == at))
        for name, at in number.items()
        if classes and (readings.token_class == at).any()
    ]
    return LikenessReport(
        overall=Likeness(**readings.summary()),
        by_position=tuple(by_position),
        by_class=tuple(by_class),
    )


def _compare(p: Tensor, q: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """From logits [R, V] of original and converted: divergence, same first, share of the top five,
    each [R] in float64 on the CPU."""
    log_p, log_q = p.float().log_softmax(-1), q.float().log_softmax(-1)
    # p log p -> 0 where p underflows to 0, though log p may be -inf there.
    kl = torch.where(log_p.isinf(), 0.0, log_p.exp() * (log_p - log_q)).sum(-1)
    ours, theirs = (x.topk(min(_TOP, x.shape[-1])).indices for x in (p, q))
    top1 = ours[:, 0] == theirs[:, 0]
    top5 = (ours[:, :, None] == theirs[:, None, :]).any(-1).double().mean(-1)
    return kl.double().cpu(), top1.double().cpu(), top5.cpu()


def _percentile(values: Tensor, share: float) -> float:
    """The value that `share` of the values do not exceed (no interpolation)."""
    rank = max(1, -int(-share * values.numel() // 1))
    return float(values.kthvalue(rank).values)
