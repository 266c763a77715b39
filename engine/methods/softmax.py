"""Softmax attention: the null conversion, which must change nothing."""

from __future__ import annotations

from typing import Literal

from engine.core.geometry import HeadGeometry
from engine.core.mixer import Mixer, SoftmaxMixer
from engine.methods.base import MethodConfig


class Softmax(MethodConfig):
    """The original attention itself (null conversion): a check of the swap, not a method."""

    name: Literal["softmax"] = "softmax"

    def build(self, head: HeadGeometry) -> Mixer:
        return SoftmaxMixer(head)
