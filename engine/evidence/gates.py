"""Acceptance gates: their seal, and the context length that they speak of.

A threshold that is chosen after the result proves nothing. So the gates' SHA-256 is taken when the
run is created, and a verdict says whether they are still the ones it was taken of.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:  # torch comes with it, and pages import what imports this
    from engine.configs import AcceptanceGates, RunConfig

SealState = Literal["frozen", "not_frozen", "changed"]
"""Whether the gates are those the run was created with, came later, or were altered since."""


def judged_length(config: RunConfig, trained_context: int) -> int:
    """The context length in tokens at which speed, memory and cost are judged.

    It follows from the settings and the model alone, never from what was measured: the user's; else
    the longest of the run's own lengths within the trained context; else that context itself.
    """
    if config.gates.context_tokens is not None:
        return config.gates.context_tokens
    within = [n for n in config.comparison.context_tokens if n <= trained_context]
    return max(within, default=trained_context)


def sealed(config: RunConfig, *, trained_context: int) -> RunConfig:
    """The config with every gate spelled out, defaults and the judged length too, and their seal.

    Args:
        config: the settings of a new run.
        trained_context: of its original, in tokens.
    """
    values = config.gates.model_dump()
    values["context_tokens"] = judged_length(config, trained_context)
    gates = type(config.gates).model_validate(values)
    return config.model_copy(update={"gates": gates, "gates_sha256": _sha256(gates)})


def _sha256(gates: AcceptanceGates) -> str:
    # Only what the run's file says: a gate that a later version adds leaves earlier seals whole.
    return hashlib.sha256(gates.model_dump_json(exclude_unset=True).encode()).hexdigest()


def seal_state(
    gates: AcceptanceGates, sha256: str | None, recorded_sha256: str | None = None
) -> SealState:
    """Hold the gates against their seal.

    Args:
        gates: the run's.
        sha256: the seal in the run's settings; None is a run from before there were gates.
        recorded_sha256: the seal in the run's first event; None is a run from before it was there.
    """
    if sha256 is None and recorded_sha256 is None:
        return "not_frozen"
    recorded = recorded_sha256 if recorded_sha256 is not None else sha256
    return "frozen" if _sha256(gates) == sha256 == recorded else "changed"


def lengths_to_measure(asked: tuple[int, ...], config: RunConfig, judged: int) -> tuple[int, ...]:
    """The context lengths asked for, those of the run's settings, and the one to judge at.

    The run's own are there at every measurement, or a length at which the converted model does
    badly could be left out of a later one.
    """
    return tuple(sorted({*asked, *config.comparison.context_tokens, judged}))
