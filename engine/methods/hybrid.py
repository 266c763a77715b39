"""Hybrid: an exact softmax window with sink tokens, and a linear far field behind it.

Zhang et al. 2024, "LoLCATs", arXiv:2410.10254, section 3.2; sink tokens after Xiao et al. 2023,
"Efficient Streaming Language Models with Attention Sinks", arXiv:2309.17453.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from engine.core.geometry import HeadGeometry
from engine.core.hybrid_mixer import HybridMixer
from engine.core.mixer import Mixer
from engine.methods.base import MethodConfig
from engine.methods.feature_maps import AnyFeatureMap
from engine.methods.hedgehog import Hedgehog


class Hybrid(MethodConfig):
    """Softmax over the last tokens and the first few, a linear far field over all the rest."""

    wants_softmax_layers: ClassVar[bool] = True

    name: Literal["hybrid"] = "hybrid"
    window: Annotated[int, Field(ge=1, le=4096)] = 32
    """Most recent tokens attended exactly, in tokens."""
    sinks: Annotated[int, Field(ge=0, le=64)] = 4
    """First tokens of the sequence attended exactly, in tokens."""
    far: AnyFeatureMap = Hedgehog()
    """Feature map of the far field; its eps is the smallest shared denominator."""

    def build(self, head: HeadGeometry) -> Mixer:
        far = self.far
        return HybridMixer(head, far.feature_map(head), self.window, self.sinks, far.eps)
