"""What all settings of a run have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """Base of every settings object: frozen, no unknown keys, attributes documented."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
