"""What was measured inside the converted model: which part of its attention does the work."""

from __future__ import annotations

from typing import Literal

from engine.evidence.parts import ModelQuality, Result
from engine.evidence.stats import Interval

LinearBranch = Literal["carries", "partly", "idle"]

IDLE_NATS = 0.005
"""A linear part is idle when leaving it out costs less than this, in nats per token (0.5 % of
perplexity), and no more than `IDLE_RECALL`."""
IDLE_RECALL = 0.05
"""Share (0-1) of the recalled facts."""
CARRYING_SHARE = 0.25
"""A linear part carries when at least this share of the attention's worth, or of the recalled
facts, goes with it."""


class Ablation(Result):
    """What each part of a hybrid's attention contributes: parts left out of the converted layers,
    with the weights and everything else as they are."""

    without_linear: ModelQuality
    """The converted model without its linear far field: window and sinks alone."""
    without_window: ModelQuality
    """The converted model without its window and sinks: the linear far field alone."""
    without_both: ModelQuality
    """The converted model with no attention at all in the converted layers."""
    shuffled_features: ModelQuality | None
    """The converted model with the learned numbers of every feature map in random order; null when
    its feature map learns nothing."""
    window_and_sinks: ModelQuality
    """The untrained baseline to beat: the original with the same window and sinks in the same
    layers, no far field and no training."""
    linear_nats: float | None
    """What the linear part is worth: nats per token that the converted model loses without it."""
    linear_interval: Interval | None
    """The 95 % interval of linear_nats over held-out documents; null with fewer than two."""
    attention_nats: float | None
    """What all attention of the converted layers is worth: nats per token lost without both."""
    linear_share: float | None
    """linear_nats / attention_nats: the share of the quality that the linear part carries; null
    where attention_nats is not above 0."""
    questions: int
    """Recall questions asked of the ablated models: up to half of all, of every distance and
    language alike; 0 when there are none that the original masters."""
    recalled: int
    """Of these, answered by the whole converted model."""
    recalled_without_linear: int
    """Of these, answered by the converted model without its linear part."""
    recalled_by_window_and_sinks: int
    """Of these, answered by the untrained baseline."""
    linear_branch: LinearBranch | None
    """"idle": without the linear part less than 0.005 nats per token and at most 5 % of the
    recalled facts are lost. "carries": at least 25 % of attention_nats or of the recalled facts.
    "partly": anything between. Null where linear_nats is."""


def linear_branch(
    linear_nats: float | None, share: float | None, recall_lost: float
) -> LinearBranch | None:
    """The label of a linear part.

    Args:
        linear_nats: nats per token lost without it; None where that is no finite number.
        share: `Ablation.linear_share`.
        recall_lost: share (0-1) of the recalled facts lost without it.
    """
    if linear_nats is None:
        return None
    if linear_nats < IDLE_NATS and recall_lost <= IDLE_RECALL:
        return "idle"
    if recall_lost >= CARRYING_SHARE or (share or 0.0) >= CARRYING_SHARE:
        return "carries"
    return "partly"
