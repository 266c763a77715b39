"""A feature map with the additive recurrence: S += phi(k) v^T, z += phi(k).

Dimension letters: B batch, H query heads, G kv heads, T tokens, D head dim, F feature dim, V value
dim.
"""

from __future__ import annotations

import torch
from torch import Tensor

from engine.core.feature_map import FeatureMap
from engine.core.geometry import HeadGeometry
from engine.core.mixer import Mixer, widen
from engine.kernels.dispatch import Backend, Stage, linear_backend
from engine.kernels.linear_attention.chunk import chunked
from engine.kernels.linear_attention.maps import FusedMap
from engine.kernels.linear_attention.reference import LinearState, empty_state, weights
from engine.kernels.linear_attention.step import step


class LinearMixer(Mixer):
    """Linear attention with a normaliser; the state is one S and z per kv head, in float32."""

    def __init__(self, head: HeadGeometry, feature_map: FeatureMap, eps: float) -> None:
        super().__init__(head)
        self.feature_map = feature_map
        self.eps = eps

    def _keys(self, k: Tensor, valid: Tensor | None) -> Tensor:
        phi_k = self.feature_map.key(widen(k))
        if torch.is_grad_enabled():
            self.feature_map.note(phi_k, valid)
        return phi_k if valid is None else phi_k * valid[:, None, :, None]

    def forward(
        self,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        valid: Tensor | None = None,
        state: LinearState | None = None,
    ) -> Tensor:
        stage = "training" if torch.is_grad_enabled() else "prefill"
        if self.running(stage, v) == "triton":
            return self._fused(q, k, v, valid, state)
        phi_q, phi_k = self.feature_map.query(widen(q)), self._keys(k, valid)
        out, after = chunked(phi_q, phi_k, widen(v), self.eps, state)
        if state is not None:
            state.S, state.z = after.S.contiguous(), after.z.contiguous()
        return out.to(v.dtype)

    def _fused(
        self, q: Tensor, k: Tensor, v: Tensor, valid: Tensor | None, state: LinearState | None
    ) -> Tensor:
        # Here, not above: only where the kernels run is Triton sure to be installed.
        from engine.kernels.linear_attention.fused_attention import linear_attention

        q, k, fmap = self._mapped(q, k)
        out, after = linear_attention(q, k, v, fmap, self.eps, state, valid)
        if torch.is_grad_enabled():
            fresh = after.z if state is None else after.z - state.z
            self.feature_map.note(fresh.unsqueeze(2), None)
        if state is not None:
            state.S, state.z = after.S, after.z
        return out

    def _mapped(self, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor, FusedMap]:
        """What the kernels take: q and k with the map they compute, or phi of both."""
        fmap = self.feature_map.fused()
        if fmap is not None:
            return q, k, fmap
        phi = self.feature_map
        return phi.query(widen(q)), phi.key(widen(k)), FusedMap("identity", phi.feature_dim)

    def step(self, q: Tensor, k: Tensor, v: Tensor, state: LinearState) -> Tensor:
        if self.running("decode", v) == "triton":
            from engine.kernels.linear_attention.fused import step as fused_step

            q, k, fmap = self._mapped(q, k)
            return fused_step(q, k, v, fmap, self.eps, state)
        phi_q, phi_k = self.feature_map.one_token(widen(q), widen(k))
        return step(phi_q, phi_k, widen(v), self.eps, state).to(v.dtype)

    def backend(self, stage: Stage, device: torch.device, dtype: torch.dtype) -> Backend:
        return linear_backend(
            stage, device, dtype, self.head.head_dim, self.feature_map.feature_dim
        )

    def init_state(
        self, batch: int, device: torch.device, dtype: torch.dtype = torch.float32
    ) -> LinearState:
        self.feature_map.renew()
        return empty_state(
            batch, self.head.kv_heads, self.feature_map.feature_dim, self.head.head_dim, device
        )

    def weights(self, q: Tensor, k: Tensor, valid: Tensor | None = None) -> Tensor:
        return weights(self.feature_map.query(widen(q)), self._keys(k, valid), self.eps)

    def dead_features(self) -> float | None:
        return self.feature_map.dead_features()

    def revive(self) -> int:
        return self.feature_map.revive()
