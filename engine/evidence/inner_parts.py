"""What was measured inside the converted model: which part of its attention does the work."""

from __future__ import annotations

import math
from typing import Literal

from engine.evidence.parts import ModelQuality, Result
from engine.evidence.stats import Interval

LinearBranch = Literal["carries", "partly", "idle", "undecided"]

IDLE_NATS = 0.005
"""A linear part is idle when leaving it out surely costs less than this, in nats per token (0.5 %
of perplexity), and no more than `IDLE_RECALL`."""
IDLE_NATS_OF_FEW = 0.001
"""The same of fewer than `ENOUGH_DOCUMENTS`: so few often lack those in which it works, and their
interval does not know (docs/evidence.md, "Calibration")."""
ENOUGH_DOCUMENTS = 20
IDLE_RECALL = 0.05
"""Share (0-1) of the recalled facts."""
CARRYING_SHARE = 0.25
"""A linear part carries when surely at least this share of the attention's worth, or this share of
the recalled facts, goes with it."""


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
    """"idle": without the linear part surely less than 0.005 nats per token (0.001 of fewer than 20
    documents), and at most 5 % of the recalled facts are lost. "carries": surely at least 25 % of
    attention_nats or of the recalled facts. "partly": surely 0.005 or more, or surely more than 5 %
    of the facts, but not that much. "undecided": none of these; or there is no interval. Surely
    means the whole of linear_interval, or of Wilson's interval for the share of facts lost. Before
    schema version 5 the label went by the estimates alone. Null where linear_nats is."""


def linear_branch(
    linear_nats: float | None,
    interval: Interval | None,
    attention_nats: float | None,
    facts_lost: Interval | None,
) -> LinearBranch | None:
    """The label of a linear part.

    Args:
        linear_nats: nats per token lost without it; None where that is no finite number.
        interval: of linear_nats; None where there is none.
        attention_nats: nats per token lost without any attention.
        facts_lost: share (0-1) of the recalled facts lost without it; None where none is recalled.
    """
    if linear_nats is None:
        return None
    low, high = (interval.low, interval.high) if interval else (-math.inf, math.inf)
    surely_lost, lost = (facts_lost.low, facts_lost.estimate) if facts_lost else (0.0, 0.0)
    of_attention = attention_nats is not None and low >= CARRYING_SHARE * attention_nats > 0
    if surely_lost >= CARRYING_SHARE or (of_attention and low >= IDLE_NATS):
        return "carries"
    if surely_lost > IDLE_RECALL or low >= IDLE_NATS:
        return "partly"
    idle = interval and high < idle_below(interval.n) and lost <= IDLE_RECALL
    return "idle" if idle else "undecided"


def idle_below(documents: int) -> float:
    """Nats per token under which the whole interval of so many documents must lie to say idle."""
    return IDLE_NATS if documents >= ENOUGH_DOCUMENTS else IDLE_NATS_OF_FEW
