"""The list of methods that are one feature map; `hybrid` can take any of them for its far field."""

from typing import Annotated

from pydantic import Field

from engine.methods.elu import Elu
from engine.methods.hedgehog import Hedgehog
from engine.methods.rfa import Rfa
from engine.methods.t2r import T2R

FeatureMapMethods = T2R | Elu | Rfa | Hedgehog
AnyFeatureMap = Annotated[FeatureMapMethods, Field(discriminator="name")]
