"""What a converted layer's state does as text is read: how large it grows, which features fire.

Legend: B batch (1), G kv heads, T tokens, F feature dim, V value dim.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

from torch import Tensor

from engine.core.hybrid_mixer import HybridMixer
from engine.core.hybrid_state import HybridState
from engine.core.linear_mixer import LinearMixer
from engine.core.mixer import Mixer, widen
from engine.evidence.fidelity_parts import LayerState
from engine.kernels.linear_attention.reference import LinearState

_PARTS = 4


@dataclass
class Watched:
    """One layer's state and features, over all texts."""

    norms: tuple[float, ...] | None = None
    fired: Tensor | None = None
    """[G, F] bool: features that were not zero for at least one key."""

    def add_keys(self, mixer: Mixer, k: Tensor) -> None:
        """Note which features the keys [1, G, T, D] of a text switch on."""
        if isinstance(mixer, LinearMixer | HybridMixer):
            on = (mixer.feature_map.key(widen(k)) != 0).any(2)[0]
            self.fired = on if self.fired is None else self.fired | on

    def measured(self, layer: int) -> LayerState:
        """What was seen, in numbers."""
        finite = self.norms is not None and all(map(math.isfinite, self.norms))
        dead = None if self.fired is None else 1 - self.fired.float().mean().item()
        return LayerState(layer=layer, norms=self.norms if finite else None, dead_features=dead)


def quarters(tokens: int) -> tuple[int, ...]:
    """After how many of `tokens` tokens a state is looked at: a quarter, a half, ..., all."""
    return tuple(round(tokens * part / _PARTS) for part in range(1, _PARTS + 1))


def state_norms(mixer: Mixer, q: Tensor, k: Tensor, v: Tensor) -> tuple[float, ...]:
    """Norms of S after each quarter of the text, mean over the kv heads; its own state is used.

    Args:
        mixer: of a converted layer. q: [1, H, T, D]. k: [1, G, T, D]. v: [1, G, T, V].
    """
    state = mixer.init_state(1, q.device, k.dtype)
    found = []
    for begin, end in pairwise((0, *quarters(q.shape[2]))):
        a, b, c = (x[:, :, begin:end] for x in (q, k, v))
        mixer.forward(a, b, c, None, state)  # not through hooks: they watch the model's own calls
        found.append(_sums(state).S.float().norm(dim=(-2, -1)).mean().item())
    return tuple(found)


def _sums(state: LinearState | HybridState) -> LinearState:
    return state if isinstance(state, LinearState) else state.far
