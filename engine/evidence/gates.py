"""Acceptance gates: their seal, and the context length that they speak of.

A threshold that is chosen after the result proves nothing. So the gates' SHA-256 is taken when the
run is created, and a verdict says whether they are still the ones it was taken of.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Literal

from engine.evidence.parts import Speed

if TYPE_CHECKING:  # torch comes with it, and pages import what imports this
    from engine.configs import AcceptanceGates, RunConfig

SealState = Literal["frozen", "not_frozen", "changed"]
"""Whether the gates are those the run was created with, came later, or were altered since."""


def sealed(config: RunConfig) -> RunConfig:
    """The config with every gate spelled out, defaults too, and their seal."""
    gates = type(config.gates).model_validate(config.gates.model_dump())
    return config.model_copy(update={"gates": gates, "gates_sha256": _sha256(gates)})


def _sha256(gates: AcceptanceGates) -> str:
    # Only what the run's file says: a gate that a later version adds leaves earlier seals whole.
    return hashlib.sha256(gates.model_dump_json(exclude_unset=True).encode()).hexdigest()


def seal_state(gates: AcceptanceGates, sha256: str | None) -> SealState:
    """Hold the gates against their seal; None is a run from before there were gates."""
    if sha256 is None:
        return "not_frozen"
    return "frozen" if _sha256(gates) == sha256 else "changed"


def lengths_to_measure(lengths: tuple[int, ...], gates: AcceptanceGates) -> tuple[int, ...]:
    """The context lengths asked for, and the one that the gates speak of."""
    return tuple(sorted({*lengths, *([gates.context_tokens] if gates.context_tokens else ())}))


def judged_length(gates: AcceptanceGates, speed: Speed) -> int | None:
    """The context length at which to judge; None where nothing was measured.

    Without a length of the user's it is the longest one measured within the trained context.
    """
    if gates.context_tokens is not None:
        return gates.context_tokens
    points = speed.decode.converted
    within = [p.context_tokens for p in points if not p.beyond_trained_context]
    return max(within, default=min((p.context_tokens for p in points), default=None))
