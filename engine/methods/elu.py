"""ELU + 1: the fixed feature map of the first linear transformer.

Katharopoulos et al. 2020, "Transformers are RNNs", arXiv:2006.16236, eq. 7:
phi(x) = elu(x) + 1, feature dim = head dim, nothing to learn.
"""

from __future__ import annotations

from typing import Literal

import torch.nn.functional as nnf
from torch import Tensor

from engine.core.feature_map import FeatureMap
from engine.core.geometry import HeadGeometry
from engine.kernels.linear_attention.maps import FusedMap
from engine.methods.base import FeatureMapMethod


class EluFeatureMap(FeatureMap):
    """elu(x) + 1, the same for queries and keys."""

    def __init__(self, head: HeadGeometry) -> None:
        super().__init__()
        self.feature_dim = head.head_dim

    def query(self, q: Tensor) -> Tensor:
        return nnf.elu(q) + 1

    def key(self, k: Tensor) -> Tensor:
        return nnf.elu(k) + 1

    def fused(self) -> FusedMap:
        return FusedMap("elu", self.feature_dim)


class Elu(FeatureMapMethod):
    """Fixed map elu(x) + 1 (Katharopoulos et al. 2020): the simplest rival, no new weights."""

    name: Literal["elu"] = "elu"

    def feature_map(self, head: HeadGeometry) -> FeatureMap:
        return EluFeatureMap(head)
