"""What every method is: a frozen config that builds a mixer for one layer's heads."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from engine.core.feature_map import FeatureMap
from engine.core.geometry import HeadGeometry
from engine.core.linear_mixer import LinearMixer
from engine.core.mixer import Mixer

FeatureDim = Annotated[int, Field(ge=2, le=512)]
"""F, the width of a head's feature map."""


class MethodConfig(BaseModel, ABC):
    """A user-facing recipe's attention. One subclass per file, listed once in `engine.methods`."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    wants_softmax_layers: ClassVar[bool] = False
    """Whether some layers keep softmax by default."""

    @abstractmethod
    def build(self, head: HeadGeometry) -> Mixer:
        """Make the untrained mixer for a layer with this head geometry.

        Raises:
            IncompatibleMethod: the settings do not fit the geometry.
        """


class FeatureMapMethod(MethodConfig):
    """A method that is one feature map under the additive recurrence with a normaliser."""

    eps: Annotated[float, Field(gt=0, le=1)] = 1e-6
    """Smallest denominator of the normaliser."""

    @abstractmethod
    def feature_map(self, head: HeadGeometry) -> FeatureMap:
        """The untrained phi for a layer with this head geometry."""

    def build(self, head: HeadGeometry) -> Mixer:
        return LinearMixer(head, self.feature_map(head), self.eps)
