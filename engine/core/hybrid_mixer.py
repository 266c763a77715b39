"""A softmax window with sink tokens over a linear far field, under one shared denominator.

The formula stands in `engine/kernels/hybrid_attention/reference.py`. A token is in exactly one
place: among the sinks, in the window, or (once it left the window) in the far field's S and z.

Dimension letters: B batch, H query heads, G kv heads, T tokens, D head dim, V value dim, W window,
K sink slots.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from engine.core.feature_map import FeatureMap
from engine.core.geometry import HeadGeometry
from engine.core.mixer import Mixer, widen
from engine.kernels.hybrid_attention.chunk import chunked
from engine.kernels.hybrid_attention.reference import Sinks, far_sums, near_and_far
from engine.kernels.hybrid_attention.step import step
from engine.kernels.linear_attention.reference import LinearState, empty_state, group


@dataclass
class HybridState:
    """Everything the past leaves behind: constant size."""

    far: LinearState
    k: Tensor
    """[B, G, W, D]: the window's keys, a ring whose oldest slot is `cursor`."""
    v: Tensor
    """[B, G, W, V]."""
    plain: Tensor
    """[B, W] bool: slots that hold a real token which is no sink."""
    sink_k: Tensor
    """[B, G, K, D]."""
    sink_v: Tensor
    """[B, G, K, V]."""
    seen: Tensor
    """[B] long: real tokens so far, by which the first K become sinks."""
    cursor: int = 0


class HybridMixer(Mixer):
    """Window of W recent tokens and K first tokens by softmax, everything older by phi."""

    def __init__(
        self, head: HeadGeometry, feature_map: FeatureMap, window: int, sinks: int
    ) -> None:
        super().__init__(head)
        self.feature_map = feature_map
        self.window = window
        self.sinks = sinks
        self.log_gamma = nn.Parameter(torch.zeros(head.heads))

    def _arrange(
        self, k: Tensor, v: Tensor, valid: Tensor | None, state: HybridState
    ) -> tuple[Tensor, Sinks, Tensor]:
        """Who is a sink: the new tokens' `plain` [B, T], the sink slots, and `seen` afterwards."""
        batch, _, tokens, _ = k.shape
        if valid is None:
            valid = torch.ones(batch, tokens, dtype=torch.bool, device=k.device)
        order = state.seen[:, None] + valid.cumsum(1) - 1
        is_sink = valid & (order < self.sinks)
        slots = torch.arange(self.sinks, device=k.device)
        taken = is_sink[:, :, None] & (order[:, :, None] == slots)  # [B, T, K]
        position = taken.int().argmax(1)
        arrived = taken.any(1)

        def fill(x: Tensor, old: Tensor) -> Tensor:
            index = position[:, None, :, None].expand(-1, x.shape[1], -1, x.shape[3])
            return torch.where(arrived[:, None, :, None], x.gather(2, index), old)

        absent = torch.where(slots < state.seen[:, None], -1, tokens)
        sinks = Sinks(
            k=fill(k, state.sink_k.to(k.dtype)),
            v=fill(v, state.sink_v.to(v.dtype)),
            position=torch.where(arrived, position, absent),
        )
        return valid & ~is_sink, sinks, state.seen + valid.sum(1)

    def forward(
        self,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        valid: Tensor | None = None,
        state: HybridState | None = None,
    ) -> Tensor:
        start = state or self._state(q.shape[0], 0, q.device, widen(k).dtype)
        dtype = v.dtype
        q, k, v = widen(q), widen(k), widen(v)
        plain, sinks, seen = self._arrange(k, v, valid, start)
        k = torch.cat([start.k.roll(-start.cursor, 2).to(k.dtype), k], dim=2)
        v = torch.cat([start.v.roll(-start.cursor, 2).to(v.dtype), v], dim=2)
        plain = torch.cat([start.plain.roll(-start.cursor, 1), plain], dim=1)
        phi_q, phi_k = self.feature_map.query(q), self.feature_map.key(k)
        gamma = self.log_gamma.to(q.dtype).exp()
        out = chunked(q, k, v, phi_q, phi_k, plain, sinks, self.window, gamma, start.far)
        if state is not None:
            upto = k.shape[2] - self.window
            state.far = far_sums(phi_k, v, plain, state.far, upto)
            # Copies: a mere view would keep the whole prompt's keys and values alive.
            state.k = k[:, :, upto:].to(state.k.dtype, copy=True)
            state.v = v[:, :, upto:].to(state.v.dtype, copy=True)
            state.plain, state.seen, state.cursor = plain[:, upto:].clone(), seen, 0
            state.sink_k = sinks.k.to(state.sink_k.dtype)
            state.sink_v = sinks.v.to(state.sink_v.dtype)
        return out.to(dtype)

    def step(self, q: Tensor, k: Tensor, v: Tensor, state: HybridState) -> Tensor:
        dtype, slot = v.dtype, state.cursor
        leaving = state.plain[:, None, slot, None, None]
        phi_old = self.feature_map.key(widen(state.k[:, :, slot : slot + 1])) * leaving
        state.far.S.add_(phi_old.transpose(-1, -2) * widen(state.v[:, :, slot : slot + 1]))
        state.far.z.add_(phi_old.squeeze(2))

        plain, sinks, seen = self._arrange(k, v, None, state)
        state.k[:, :, slot], state.v[:, :, slot] = k.squeeze(2), v.squeeze(2)
        state.plain[:, slot] = plain.squeeze(1)
        state.sink_k.copy_(sinks.k)
        state.sink_v.copy_(sinks.v)
        state.seen.copy_(seen)
        state.cursor = (slot + 1) % self.window

        out = step(
            widen(q),
            widen(torch.cat([state.k, state.sink_k], dim=2)),
            widen(torch.cat([state.v, state.sink_v], dim=2)),
            torch.cat([state.plain, sinks.position <= 0], dim=1),
            self.feature_map.query(widen(q)),
            self.log_gamma.to(widen(q).dtype).exp(),
            state.far,
        )
        return out.to(dtype)

    def _state(
        self, batch: int, window: int, device: torch.device, dtype: torch.dtype
    ) -> HybridState:
        head = self.head

        def zeros(tokens: int) -> Tensor:
            shape = (batch, head.kv_heads, tokens, head.head_dim)
            return torch.zeros(shape, device=device, dtype=dtype)

        return HybridState(
            far=empty_state(
                batch, head.kv_heads, self.feature_map.feature_dim, head.head_dim, device
            ),
            k=zeros(window),
            v=zeros(window),
            plain=torch.zeros(batch, window, dtype=torch.bool, device=device),
            sink_k=zeros(self.sinks),
            sink_v=zeros(self.sinks),
            seen=torch.zeros(batch, dtype=torch.long, device=device),
        )

    def init_state(
        self, batch: int, device: torch.device, dtype: torch.dtype = torch.float32
    ) -> HybridState:
        return self._state(batch, self.window, device, dtype)

    def weights(self, q: Tensor, k: Tensor, valid: Tensor | None = None) -> Tensor:
        q, k = widen(q), widen(k)
        batch, heads, tokens, _ = q.shape
        kv_heads = k.shape[1]
        start = self._state(batch, 0, q.device, k.dtype)
        plain, sinks, _ = self._arrange(k, k, valid, start)
        near, sink, far = near_and_far(plain, sinks, self.window, 0)
        # A sink is a key like any other here: mark its own column instead of its slot.
        at = sinks.position.clamp_max(tokens - 1)[:, None, :].expand(-1, tokens, -1)
        near = near.int().scatter_add(2, at, sink.int()).bool()
        q_g, phi_g = group(q, kv_heads), group(self.feature_map.query(q), kv_heads)
        logits = torch.einsum("bgrid,bgjd->bgrij", q_g, k)
        logits = logits.masked_fill(~near[:, None, None], -torch.inf)
        top = logits.amax(-1, keepdim=True)
        gamma = self.log_gamma.to(q.dtype).exp().view(1, kv_heads, -1, 1, 1)
        scores = gamma * torch.exp(logits - torch.where(top.isfinite(), top, 0.0))
        phi = torch.einsum("bgrif,bgjf->bgrij", phi_g, self.feature_map.key(k))
        scores = scores + phi.masked_fill(~far[:, None, None], 0.0)
        total = scores.sum(-1, keepdim=True)
        return (scores / torch.where(total > 0, total, 1.0)).flatten(1, 2)

    def dead_features(self) -> float | None:
        return self.feature_map.dead_features()

    def revive(self) -> int:
        return self.feature_map.revive()
