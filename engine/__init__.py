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
    from engine.configs import KeptLayers as KeptLayers
    from engine.configs import RunConfig as RunConfig
    from engine.core.swap import revert as revert
    from engine.methods import *  # noqa: F403
    from engine.services.convert import convert as convert
    from engine.services.open import load as load

_HOME = {
    "load": "engine.services.open",
    "convert": "engine.services.convert",
    "revert": "engine.core.swap",
    "KeptLayers": "engine.configs",
    "RunConfig": "engine.configs",
}
"""Where each name lives; every other class is a method's, from the one list in engine.methods."""


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is not None:
        return getattr(import_module(home), name)
    if name[:1].isupper():  # submodules and dunders are asked for too, and must not import torch
        for method in import_module("engine.methods").METHODS.values():
            if method.__name__ == name:
                return method
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
