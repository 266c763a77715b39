"""Whether the context lengths that are asked for can be read at all, before any work begins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.errors import BadRunConfig
from engine.models.memory import BYTES_PER_PARAMETER, available_bytes

if TYPE_CHECKING:  # torch comes with them
    from engine.configs import RunConfig
    from engine.core.geometry import HeadGeometry


def require_lengths(
    config: RunConfig,
    lengths: Sequence[int],
    *,
    heads: Sequence[HeadGeometry],
    context_tokens: int,
    learned_positions: bool,
    device: str,
) -> None:
    """Refuse lengths that the model has no positions for, or that surely do not fit the memory.

    Memory is the least that any model of these heads takes to read a prompt: queries, keys and
    values of one layer and what goes into and comes out of it, in float32. What fits by that may
    still run out.

    Args:
        config: the run's settings, whose gates may name a length.
        lengths: context lengths to measure, in tokens; with learned positions longer ones than the
            trained context are left out of the measurement, so they do no harm.
        heads: the original's, by layer; context_tokens and learned_positions: as in `ModelReport`.
        device: where the models run, as torch names it.

    Raises:
        BadRunConfig: a length is out of reach; says which would do.
    """
    judged = config.gates.context_tokens
    if learned_positions and judged is not None and judged > context_tokens:
        raise BadRunConfig(
            f"gates.context_tokens={judged}: {config.model} has {context_tokens:,} learned"
            " positions and can read no more.",
            f"Give {context_tokens} or less, or leave it out.",
        )
    asked = [*lengths, *([judged] if judged is not None else [])]
    if learned_positions:
        asked = [min(length, context_tokens) for length in asked]
    a_token = max((3 * h.heads + 2 * h.kv_heads) * h.head_dim for h in heads) * BYTES_PER_PARAMETER
    available = available_bytes(device)
    longest = max(asked)
    if longest * a_token > available:
        where = "gates" if longest == judged else "comparison"
        raise BadRunConfig(
            f"{where}.context_tokens={longest}: reading so many tokens takes"
            f" {longest * a_token / 2**30:,.1f} GiB of memory at the least;"
            f" {available / 2**30:,.1f} GiB are free.",
            f"Give shorter lengths, surely below {available // a_token:,} tokens.",
        )
