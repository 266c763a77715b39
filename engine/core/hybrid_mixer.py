"""A softmax window with sink tokens over a linear far field, under one shared denominator.

The formula stands in `engine/kernels/hybrid_attention/reference.py`. A token is in exactly one
place: among the sinks, in the window, or (once it left the window) in the far field's S and z.

Dimension letters: B batch, H query heads, G kv heads, T tokens, D head dim, V value dim, W window,
K sink slots.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from engine.core.feature_map import FeatureMap
from engine.core.geometry import HeadGeometry
from engine.core.hybrid_sinks import arrange
from engine.core.hybrid_state import HybridState
from engine.core.mixer import Mixer, widen
from engine.kernels.dispatch import Backend, Stage, hybrid_backend
from engine.kernels.hybrid_attention.chunk import chunked
from engine.kernels.hybrid_attention.reference import far_sums, near_and_far
from engine.kernels.hybrid_attention.step import step
from engine.kernels.linear_attention.maps import FusedMap
from engine.kernels.linear_attention.reference import LinearState, empty_state, group
from engine.kernels.linear_attention.step import add_token


class HybridMixer(Mixer):
    """Window of W recent tokens and K first tokens by softmax, everything older by phi."""

    def __init__(
        self, head: HeadGeometry, feature_map: FeatureMap, window: int, sinks: int, eps: float
    ) -> None:
        super().__init__(head)
        self.feature_map = feature_map
        self.window = window
        self.sinks = sinks
        self.eps = eps
        self.log_gamma = nn.Parameter(torch.zeros(head.heads))
        self._near = self._far = True

    @contextmanager
    def without(self, *, near: bool = False, far: bool = False) -> Iterator[None]:
        """Within: the mixer's output, in every form, lacks the parts named.

        A token of a part that is left out weighs nothing, and the others' weights are divided by
        their own sum; with both parts left out the output is zero. What goes into the state does
        not change. For measuring what each part contributes.

        Args:
            near: leave out the window and the sinks.
            far: leave out the linear far field.
        """
        before = self._near, self._far
        self._near, self._far = self._near and not near, self._far and not far
        try:
            yield
        finally:
            self._near, self._far = before

    def _log_gamma(self) -> Tensor:
        """[H], of which the exponential is the weight of the near field."""
        return self.log_gamma if self._near else torch.full_like(self.log_gamma, -torch.inf)

    def _phi_query(self, q: Tensor) -> Tensor:
        """[B, H, T, F], which decides the weight of the far field."""
        phi_q = self.feature_map.query(q)
        return phi_q if self._far else torch.zeros_like(phi_q)

    def forward(
        self,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        valid: Tensor | None = None,
        state: HybridState | None = None,
    ) -> Tensor:
        start = state or self._state(q.shape[0], q.device, widen(k).dtype)
        window = 0 if state is None else self.window  # an empty window need not be computed
        stage: Stage = "training" if torch.is_grad_enabled() else "prefill"
        dtype, kernels = v.dtype, self.running(stage, v) == "triton"
        if not kernels:
            q, k, v = widen(q), widen(k), widen(v)
        plain, sinks, seen = arrange(k, v, valid, start, window=self.window)
        if window:
            turn = -int(start.cursor[0, 0])
            k, v = (
                torch.cat([old[:, :, :window].roll(turn, 2).to(new.dtype), new], dim=2)
                for old, new in ((start.k, k), (start.v, v))
            )
            plain = torch.cat([start.visible[:, 0, :window].roll(turn, 1), plain], dim=1)
        gamma = self._log_gamma().to(widen(q).dtype).exp()
        near = (plain, sinks, self.window, gamma, self.eps, start.far)
        upto, far = k.shape[2] - window, None
        if kernels:
            # Here, not above: only where the kernels run is Triton sure to be installed.
            from engine.kernels.hybrid_attention.triton_attention import attention

            out, far, phi_k = attention(q, k, v, *self._mapped(q, k), *near)
        else:
            phi_q, phi_k = self._phi_query(q), self.feature_map.key(k)
            out = chunked(q, k, v, phi_q, phi_k, *near)
        if torch.is_grad_enabled():
            self.feature_map.note(phi_k, plain)
        if state is not None:
            far = far_sums(phi_k, v, plain, state.far, upto) if far is None else far
            state.far = LinearState(far.S.contiguous(), far.z.contiguous())
            # New tensors: a view of the prompt's keys and values would keep all of them alive.
            state.k = torch.cat([k[:, :, upto:], sinks.k], dim=2).to(state.k.dtype)
            state.v = torch.cat([v[:, :, upto:], sinks.v], dim=2).to(state.v.dtype)
            in_use = sinks.position < q.shape[2]
            visible = torch.cat([plain[:, upto:], in_use], dim=1)
            state.visible = visible[:, None].repeat(1, state.k.shape[1], 1)
            state.unsettled = self._unsettled(bool(visible.all()), bool(in_use.all()))
            state.seen, state.cursor = seen, torch.zeros_like(seen)
        return out.to(dtype)

    def _unsettled(self, all_slots: bool, all_sinks: bool) -> int:
        """`HybridState.unsettled` if all slots hold a real token, or at least those of sinks."""
        return 0 if all_slots else self.window + (0 if all_sinks else self.sinks)

    def step(self, q: Tensor, k: Tensor, v: Tensor, state: HybridState) -> Tensor:
        if self.running("decode", v) == "triton":
            return self._kernel_step(q, k, v, state)
        slot, window, wide = state.cursor[0, :1], self.window, widen(q)
        old_k, old_v = (widen(x.index_select(2, slot)) for x in (state.k, state.v))
        phi_q, phi_old = self.feature_map.one_token(wide, old_k)
        if state.unsettled:  # the slot may be empty
            phi_old = phi_old * state.visible[:, :1].index_select(2, slot)[..., None]
        add_token(phi_old, old_v, state.far)
        if state.unsettled > window:
            plain, sinks, seen = arrange(k, v, None, state, window=window)
            state.k[:, :, window:], state.v[:, :, window:] = sinks.k, sinks.v
            state.visible[:, :, window:] = (sinks.position <= 0)[:, None]
            state.visible.index_copy_(2, slot, plain[:, None].expand(-1, k.shape[1], -1))
            state.seen.copy_(seen)
        elif state.unsettled:
            state.visible.index_fill_(2, slot, True)
        state.k.index_copy_(2, slot, k.to(state.k.dtype))
        state.v.index_copy_(2, slot, v.to(state.v.dtype))
        state.cursor.add_(1).remainder_(window)
        visible = state.visible[:, 0] if state.unsettled else None
        if state.unsettled and not (wide.is_cuda and torch.cuda.is_current_stream_capturing()):
            state.unsettled -= 1  # a step that is captured has not run, and may be refused
        near = (wide, widen(state.k), widen(state.v), visible)
        phi_q = phi_q if self._far else torch.zeros_like(phi_q)
        out = step(*near, phi_q, self._log_gamma().to(wide.dtype), self.eps, state.far)
        return out.to(v.dtype)

    def _mapped(
        self, q: Tensor, k: Tensor, at: Tensor | None = None
    ) -> tuple[FusedMap, tuple[Tensor, Tensor] | None]:
        """The map if the kernels compute it, or identity with phi of queries and keys; of only
        the keys at index `at` [B, G, n, D] if given."""
        fmap = self.feature_map.fused()
        if fmap is not None and self._far:
            return fmap, None
        k = k if at is None else k.gather(2, at)
        phi_q, phi_k = self._phi_query(widen(q)), self.feature_map.key(widen(k))
        identity = FusedMap("identity", self.feature_map.feature_dim)
        return identity, (phi_q.contiguous(), phi_k.contiguous())

    def _kernel_step(self, q: Tensor, k: Tensor, v: Tensor, state: HybridState) -> Tensor:
        """`step` in one launch, the feature map inside; reads nothing back to the host."""
        from engine.kernels.hybrid_attention import triton_step

        at = state.cursor[:, :, None, None].expand(-1, -1, 1, k.shape[3])
        fmap, phi = self._mapped(q, state.k, at)
        return triton_step.step(
            q.contiguous(), k.contiguous(), v.contiguous(), fmap, phi, state.k, state.v,
            state.visible, state.seen, state.cursor, self.window, self._log_gamma(), self.eps,
            state.far,
        )  # fmt: skip

    def backend(self, stage: Stage, device: torch.device, dtype: torch.dtype) -> Backend:
        return hybrid_backend(
            stage, device, dtype, self.head.head_dim, self.feature_map.feature_dim, self.sinks
        )

    def _state(self, batch: int, device: torch.device, dtype: torch.dtype) -> HybridState:
        head, slots = self.head, self.window + self.sinks
        shape = (batch, head.kv_heads, slots, head.head_dim)
        features = self.feature_map.feature_dim
        return HybridState(
            far=empty_state(batch, head.kv_heads, features, head.head_dim, device),
            k=torch.zeros(shape, device=device, dtype=dtype),
            v=torch.zeros(shape, device=device, dtype=dtype),
            visible=torch.zeros(shape[:3], dtype=torch.bool, device=device),
            seen=torch.zeros(shape[:2], dtype=torch.long, device=device),
            cursor=torch.zeros(shape[:2], dtype=torch.long, device=device),
            unsettled=self._unsettled(False, False),
        )

    def init_state(
        self, batch: int, device: torch.device, dtype: torch.dtype = torch.float32
    ) -> HybridState:
        self.feature_map.renew()
        return self._state(batch, device, dtype)

    def weights(self, q: Tensor, k: Tensor, valid: Tensor | None = None) -> Tensor:
        q, k = widen(q), widen(k)
        batch, heads, tokens, _ = q.shape
        kv_heads = k.shape[1]
        start = self._state(batch, q.device, k.dtype)
        plain, sinks, _ = arrange(k, k, valid, start, window=self.window)
        near, sink, far = near_and_far(plain, sinks, self.window, 0)
        # A sink is a key like any other here: mark its own column instead of its slot.
        at = sinks.position.clamp_max(tokens - 1)[:, None, :].expand(-1, tokens, -1)
        near = near.int().scatter_add(2, at, sink.int()).bool()
        q_g, phi_g = group(q, kv_heads), group(self._phi_query(q), kv_heads)
        logits = torch.einsum("bgrid,bgjd->bgrij", q_g, k)
        logits = logits.masked_fill(~near[:, None, None], -torch.inf)
        top = logits.amax(-1, keepdim=True)
        gamma = self._log_gamma().to(q.dtype).exp().view(1, kv_heads, -1, 1, 1)
        scores = gamma * torch.exp(logits - torch.where(top.isfinite(), top, 0.0))
        phi = torch.einsum("bgrif,bgjf->bgrij", phi_g, self.feature_map.key(k))
        scores = scores + phi.masked_fill(~far[:, None, None], 0.0)
        return (scores / scores.sum(-1, keepdim=True).clamp_min(self.eps)).flatten(1, 2)

    def dead_features(self) -> float | None:
        return self.feature_map.dead_features()

    def revive(self) -> int:
        return self.feature_map.revive()
