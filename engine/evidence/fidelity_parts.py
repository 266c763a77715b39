"""What was measured of the attention itself: how far each head is from what it replaced."""

from __future__ import annotations

from engine.evidence.parts import Result

MOST_TOKENS = 512
"""Of a document, from its beginning."""
FEWEST_BEFORE = 16
"""Tokens with less context than this are left out: where little can be seen every map agrees."""


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


class LayerState(Result):
    """What the linear state of one converted layer does while held-out text is read."""

    layer: int
    """Number of the layer, from 0."""
    norms: tuple[float, ...] | None
    """Norm (Frobenius) of the state S after each of state_at_tokens, mean over the kv heads; null
    where one is not finite."""
    dead_features: float | None
    """Share (0-1) of its features that were zero for every key of the texts read; null where the
    layer has no feature map."""


class MapSide(Result):
    """One model's attention weights for every token of the passage."""

    first: tuple[float, ...]
    """Weight on those of the text's first four tokens that lie before the passage."""
    earlier: tuple[float, ...]
    """Weight on all other tokens before the passage, together."""
    passage: tuple[tuple[float, ...], ...]
    """Weights on the passage's own tokens, from its first one to the token itself."""


class HeadMap(Result):
    """Attention maps of one head, side by side."""

    layer: int
    """Number of the layer, from 0."""
    head: int
    """Number of the query head, from 0."""
    original: MapSide
    """softmax(q k^T) of the original's own queries and keys."""
    converted: MapSide
    """The converted mixer's materialised weights of its own queries and keys."""


class AttentionMaps(Result):
    """Where both models look in one held-out passage; weights, to four decimals, not causes."""

    document: int
    """The document's number in the data set."""
    from_token: int
    """Tokens of the text that both models read before the passage."""
    tokens: tuple[str, ...]
    """The text that each token of the passage adds; empty where the tokenizer does not tell it."""
    heads: tuple[HeadMap, ...]
    """The heads whose maps differ most from the original's (divergence), worst first."""
    mean_original: MapSide
    """Mean over all heads of the converted layers, of the original's weights."""
    mean_converted: MapSide
    """The same of the converted mixers'."""


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
    state_at_tokens: tuple[int, ...] = ()
    """Tokens of the longest text after which the state was looked at: its quarters. Empty in files
    from before it was measured."""
    states: tuple[LayerState, ...] = ()
    """State of every converted layer; empty in files from before it was measured."""
    maps: AttentionMaps | None = None
    """Attention maps of one passage; null where no map is the family's own or a weight is not
    finite, and in files from before they were kept."""
