"""Finished runs of one training with several seeds, made up."""

from __future__ import annotations

from typing import Any

from engine.evidence.seeds import Trained
from engine.evidence.verdict import GateVerdict, Word, overall
from tests.support import example_runs as examples


def trained(seed: int, ratio: float | None = 1.02, verdict: Word = "go", **config: Any) -> Trained:
    """A run whose converted model has `ratio` times the control's perplexity (None: no finite one),
    with this verdict on quality and Go on memory."""
    found = examples.comparison()
    quality = found.quality
    assert quality.control and quality.control.perplexity
    converted = quality.converted.model_copy(
        update={"perplexity": None if ratio is None else ratio * quality.control.perplexity}
    )
    gates = [
        GateVerdict(gate="quality", verdict=verdict, reason="within", limit=3.0),
        GateVerdict(gate="memory", verdict="go", reason="within", limit=0.5, value=0.2),
    ]
    changes = {
        "quality": quality.model_copy(update={"converted": converted}),
        "verdict": overall(gates, "frozen", "0"),
    }
    return Trained(
        f"run-{seed}", examples.config(seed=seed, **config), found.model_copy(update=changes)
    )
