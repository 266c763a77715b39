"""What was checked about the data itself: is it fit to judge a model by?"""

from __future__ import annotations

from engine.evidence.parts import Result
from engine.evidence.stats import Interval


class LeakedDocument(Result):
    """A held-out document that the training text holds too, nearly or in part."""

    document: int
    """The document's number in the data set."""
    share: float
    """Share (0-1) of its stretches of 50 characters, or of its lines of 30 characters or more where
    that is more, that occur in the training text."""


class DataChecks(Result):
    """Copies, leaks and lost order: reasons not to believe the rest."""

    heldout_documents: int
    """Held-out documents checked."""
    leaked: tuple[LeakedDocument, ...]
    """Those of which half or more occurs in the training text, worst first. They are scored like
    all others."""
    copies: int
    """Documents dropped because another one has the same text, but for case, width and spaces."""
    order_interval: Interval | None
    """What the order of the text is worth to the original: nats per token that held-out documents
    cost more with their lines (sentences, where there are fewer than four lines) shuffled; null
    with fewer than two documents that can be shuffled."""
    warnings: tuple[str, ...]
    """What is wrong, in words; empty when nothing was found."""
