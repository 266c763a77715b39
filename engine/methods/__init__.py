"""The methods: what may replace softmax attention. This is the one list."""

from typing import Annotated

from pydantic import Field

from engine.methods.base import MethodConfig
from engine.methods.elu import Elu
from engine.methods.feature_maps import FeatureMapMethods
from engine.methods.hedgehog import Hedgehog
from engine.methods.hybrid import Hybrid
from engine.methods.rfa import Rfa
from engine.methods.softmax import Softmax
from engine.methods.t2r import T2R

Methods = Softmax | FeatureMapMethods | Hybrid
AnyMethod = Annotated[Methods, Field(discriminator="name")]

METHODS: dict[str, type[MethodConfig]] = {
    method.model_fields["name"].default: method for method in Methods.__args__
}
"""Every method by its name."""

__all__ = [
    "METHODS",
    "AnyMethod",
    "Elu",
    "Hedgehog",
    "Hybrid",
    "MethodConfig",
    "Rfa",
    "Softmax",
    "T2R",
]
