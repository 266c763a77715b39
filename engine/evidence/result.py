"""What every result of a comparison has in common."""

from __future__ import annotations

import math

from pydantic import BaseModel, ConfigDict


class Result(BaseModel):
    """Base of every result: frozen, no unknown keys, no NaN and no infinity."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False
    )


def finite(value: float) -> float | None:
    """`value`, or None where JSON has no word for it (NaN, infinity)."""
    return value if math.isfinite(value) else None
