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


@torch.no_grad()
def amplitude(target: Tensor, real: Tensor) -> tuple[float, int]:
    """Sum of squared deviations of an attention output from its mean, and how many numbers.

    Args:
        target: [B, H, T, V]. real: [B, T] bool.
    """
    values = target.float().transpose(1, 2)[real]
    return float((values - values.mean(0)).square().sum()), values.numel()
