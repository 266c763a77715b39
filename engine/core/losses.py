"""The losses of the two stages.

Dimension letters: B batch, H query heads, T tokens, V value dim, Y vocabulary.
"""

from __future__ import annotations

import torch
import torch.nn.functional as nnf
from torch import Tensor

IGNORED = -100
"""Label of a position that has no target (padding)."""


def squared_error(out: Tensor, target: Tensor, real: Tensor) -> Tensor:
    """Sum over real tokens of the squared distance of two attention outputs.

    Args:
        out: [B, H, T, V]. target: [B, H, T, V]. real: [B, T] bool.
    """
    return ((out.float() - target.float()).square() * real[:, None, :, None]).sum()


def next_token_losses(
    logits: Tensor, labels: Tensor, teacher_logits: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Cross-entropy with the text and divergence from the teacher, each summed over targets.

    Args:
        logits: [B, T, Y]; position t predicts token t+1.
        labels: [B, T], the tokens themselves, -100 at padding.
        teacher_logits: [B, T, Y] of the original; None leaves the divergence at 0.

    Returns:
        Sum of -log p(next token) in nats, and sum of KL(teacher || student) in nats.
    """
    targets = labels[:, 1:]
    real = targets != IGNORED
    log_p = nnf.log_softmax(logits[:, :-1][real].float(), dim=-1)
    text = nnf.nll_loss(log_p, targets[real], reduction="sum")
    if teacher_logits is None:
        return text, log_p.new_zeros(())
    log_t = nnf.log_softmax(teacher_logits[:, :-1][real].float(), dim=-1)
    return text, nnf.kl_div(log_p, log_t, log_target=True, reduction="sum")


def target_count(labels: Tensor) -> int:
    """Number of next-token targets in labels [B, T]."""
    return int((labels[:, 1:] != IGNORED).sum())


class Variance:
    """Variance of an attention output around its mean, gathered batch by batch.

    One number for a layer: the mean over heads, dimensions and real tokens.
    """

    def __init__(self) -> None:
        self.total: Tensor | float = 0.0
        self.squares, self.tokens = 0.0, 0

    @torch.no_grad()
    def add(self, target: Tensor, real: Tensor) -> None:
        """Take in target [B, H, T, V] at the real tokens [B, T]."""
        values = target.transpose(1, 2)[real].double()  # [tokens, H, V]
        self.total = self.total + values.sum(0)
        self.squares += float(values.square().sum())
        self.tokens += len(values)

    def value(self) -> float:
        """The variance; never zero, so that it can divide."""
        mean = torch.as_tensor(self.total) / max(1, self.tokens)
        spread = self.squares - self.tokens * float(mean.square().sum())
        return max(spread, 0.0) / max(1, self.tokens * mean.numel()) + 1e-12
