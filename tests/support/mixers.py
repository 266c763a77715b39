"""Every mixer, with tensors and states in float64, for tests of their arithmetic."""

from __future__ import annotations

import torch

from engine.core.geometry import HeadGeometry
from engine.core.hybrid_mixer import HybridMixer
from engine.core.linear_mixer import LinearMixer
from engine.methods import Hybrid
from engine.methods.feature_maps import FeatureMapMethods

HEAD = HeadGeometry(heads=4, kv_heads=2, head_dim=8)
LINEAR = [cls() for cls in FeatureMapMethods.__args__]
HYBRIDS = [
    Hybrid(window=w, sinks=s, far=far) for w, s in [(1, 0), (7, 4), (64, 2)] for far in LINEAR
]
MIXING = [m for m in (*LINEAR, *HYBRIDS)]


def names(method) -> str:
    if isinstance(method, Hybrid):
        return f"hybrid-W{method.window}-K{method.sinks}-{method.far.name}"
    return method.name


def qkv(tokens: int, batch: int = 2, seed: int = 0):
    generator = torch.Generator().manual_seed(seed)

    def normal(heads: int):
        return torch.randn(batch, heads, tokens, 8, generator=generator, dtype=torch.float64)

    return normal(HEAD.heads), normal(HEAD.kv_heads), normal(HEAD.kv_heads)


def build(method):
    torch.manual_seed(1)
    mixer = method.build(HEAD).double()
    if isinstance(mixer, HybridMixer):
        mixer.log_gamma.data.normal_(std=0.3)
    return mixer


def double_state(mixer, batch: int = 2):
    """A state in float64, so that only the algebra is compared."""
    state = mixer.init_state(batch, torch.device("cpu"), torch.float64)
    far = state if isinstance(mixer, LinearMixer) else state.far
    far.S, far.z = far.S.double(), far.z.double()
    return state


def by_weights(mixer, q, k, v, valid=None):
    """The quadratic form: materialised weights times the values."""
    return mixer.weights(q, k, valid) @ v.repeat_interleave(2, 1)
