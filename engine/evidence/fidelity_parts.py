"""What was measured of the attention itself: how far each head is from what it replaced."""

from __future__ import annotations

from engine.evidence.parts import Result


class HeadFidelity(Result):
    """One query head of a converted layer against the same head of the original."""

    layer: int
    """Number of the layer, from 0."""
    head: int
    """Number of the query head, from 0."""
    divergence: float | None
    """Mean Jensen-Shannon divergence between the two attention maps of a token, in nats: 0 the
    same, 0.693 nothing in common. Null where it is not finite."""
    entropy_original: float | None
    """Mean entropy of the original's map of a token, in nats: low is sharp."""
    entropy_converted: float | None
    """The same of the converted mixer's materialised weights."""
    look_back_original: float | None
    """Mean distance from a token to what it attends to, weighted by attention, in tokens."""
    look_back_converted: float | None
    """The same of the converted mixer."""
    sink_mass_original: float | None
    """Mean share (0-1) of attention on the first four tokens."""
    sink_mass_converted: float | None
    """The same of the converted mixer."""
    output_error: float | None
    """Squared difference of the head's outputs divided by the original's squared output, summed
    over the tokens: 0 the same, 1 as wrong as an output of zero."""


class Fidelity(Result):
    """Attention of the converted layers against the original's, on held-out text."""

    heads: tuple[HeadFidelity, ...]
    """Every head of every converted layer."""
    drifting_layers: tuple[int, ...]
    """The converted layers, the largest mean output error first."""
    tokens: int
    """Tokens whose attention was compared."""
    documents: int
    """Held-out documents they come from."""
    note: str
    """How it was read, and of which layers the maps are not the family's own."""
