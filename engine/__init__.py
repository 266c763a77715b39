"""T2R Studio's engine: the public API a notebook user needs.

    import engine
    loaded = engine.load("business-2k")
    engine.convert(loaded.model, engine.T2R(), engine.KeptLayers(), seed=0)

Names are looked up on first use: importing `engine` alone costs no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.configs import KeptLayers, RunConfig
    from engine.core.swap import revert
    from engine.methods import T2R, Elu, Hedgehog, Hybrid, Rfa, Softmax
    from engine.services.convert import convert
    from engine.services.open import load

_HOME = {
    "load": "engine.services.open",
    "convert": "engine.services.convert",
    "revert": "engine.core.swap",
    "KeptLayers": "engine.configs",
    "RunConfig": "engine.configs",
    "T2R": "engine.methods",
    "Elu": "engine.methods",
    "Rfa": "engine.methods",
    "Hedgehog": "engine.methods",
    "Hybrid": "engine.methods",
    "Softmax": "engine.methods",
}

__all__ = [
    "Elu", "Hedgehog", "Hybrid", "KeptLayers", "Rfa", "RunConfig", "Softmax", "T2R",
    "convert", "load", "revert",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
