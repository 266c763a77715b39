"""Which layers keep softmax attention."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from engine.errors import BadRunConfig
from engine.methods import METHODS
from engine.settings import Settings


class KeptLayers(Settings):
    """Which layers keep softmax attention; all others are converted."""

    every: Annotated[int, Field(ge=0)] = 0
    """Keep one layer in every group of this many; 0 keeps none."""
    layers: tuple[int, ...] = ()
    """Keep these layers (numbered from 0) besides."""

    def of(self, n_layers: int) -> frozenset[int]:
        """Indices of the layers kept softmax in a model of `n_layers` layers.

        Raises:
            BadRunConfig: `every` asks for kept layers, and the model is too small to have one.
        """
        ruled = range((self.every - 1) // 2, n_layers, self.every) if self.every else ()
        if self.every and not ruled:
            raise BadRunConfig(
                f"No layer would be kept: in every group of {self.every} it is layer "
                f"{(self.every - 1) // 2}, and the model has layers 0 to {n_layers - 1}.",
                "Take a smaller number, or 0 to keep no layer.",
            )
        return frozenset(ruled) | frozenset(self.layers)


FEW_LAYERS = 4
"""A model with fewer layers than this keeps every 2nd where others keep every 4th."""


def default_kept(method: str, layers: int) -> KeptLayers:
    """The layers that keep softmax unless the user says otherwise.

    Methods that are at their best beside some softmax layers (`hybrid`) keep every 4th, or every
    2nd in a model of two or three layers; all others keep none, and so does a model of one layer.

    Args:
        method: a name in `METHODS`.
        layers: attention layers of the model.
    """
    if not METHODS[method].wants_softmax_layers or layers < 2:
        return KeptLayers()
    return KeptLayers(every=4 if layers >= FEW_LAYERS else 2)
