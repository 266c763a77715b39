"""Normalised linear attention in its chunked form: linear in T, no T x T matrix.

Inside a chunk of C tokens the quadratic form, between chunks a running sum. The walk takes N chunks
at a time, so that on a CPU all it makes on its way stays in the cache. The gradients are walks of
the same kind (docs/methods.md, "Gradients of the chunked form"); only the inputs, the output and
one denominator per output row are kept for them.

Dimension letters: B batch, H query heads, G kv heads, R = H/G, T tokens, F feature dim, V value
dim, C chunk size, N chunks taken at a time, P = B*G.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from engine.kernels.linear_attention.reference import LinearState, group

CHUNK = 64
"""Chunk size: the C x C part and the F x V state cost about the same at F = V = 64."""
ROWS = 3072
"""Query rows taken at a time on a CPU: four chunks of twelve heads, 3 MiB at F = V = 64."""
CHUNKS = 128
"""Chunks taken at a time elsewhere, where a launch costs more than a pass through memory."""


@dataclass(frozen=True)
class Part:
    """N chunks of C tokens, from token `first` on. What it cuts lies chunk by chunk: [N*P, ...]."""

    first: int
    chunks: int
    size: int

    def _cut(self, x: Tensor) -> Tensor:
        """[B, G, R, T, X] as a view [N, B, G, R, C, X]."""
        x = x.narrow(3, self.first, self.chunks * self.size)
        return x.unflatten(3, (self.chunks, self.size)).movedim(3, 0)

    def read(self, x: Tensor) -> Tensor:
        """[B, G, R, T, X] cut to [N*P, R*C, X]; no copy where N = R = B = 1."""
        return self._cut(x).reshape(-1, x.shape[2] * self.size, x.shape[4])

    def write(self, x: Tensor, into: Tensor) -> None:
        """[N*P, R*C, X] to where `read` would find it."""
        there = self._cut(into)
        there.copy_(x.view(there.shape))

    def causal(self, x: Tensor) -> Tensor:
        """[N*P, R*C, C] with zeros, in place, where the key is later than the query."""
        x.view(-1, self.size, self.size).tril_()
        return x

    def running(
        self, start: Tensor, each: Tensor, *, backwards: bool = False
    ) -> tuple[Tensor, Tensor]:
        """The sum of all earlier (backwards: later) chunks for each chunk [N*P, X, Y], and of all
        [P, X, Y].

        Args:
            start: [P, X, Y], what the sum starts from.
            each: [N*P, X, Y], each chunk's own.
        """
        lanes, n = len(start), self.chunks
        # A product with a triangle of ones: on a CPU 3 to 5 times as fast as cumsum.
        ones = each.new_ones(n + 1, n)
        ones = ones.triu() if backwards else ones.tril(-1)
        sums = torch.addmm(start.reshape(1, -1), ones, each.view(n, -1)).view(-1, *each.shape[1:])
        return (sums[lanes:], sums[:lanes]) if backwards else (sums[:-lanes], sums[-lanes:])


def walk(tokens: int, chunk: int, together: int) -> list[Part]:
    """T tokens in parts of at most `together` chunks; a shorter last chunk is a part of its own."""
    whole, rest = divmod(tokens, chunk)
    parts = [
        Part(first * chunk, min(together, whole - first), chunk)
        for first in range(0, whole, together)
    ]
    return [*parts, Part(whole * chunk, 1, rest)] if rest else parts


def times(x: Tensor, vector: Tensor) -> Tensor:
    """[N*P, Q, X] times [N*P, X, 1]. On a CPU a matrix product with one column is slower."""
    return (x * vector.transpose(1, 2)).sum(-1, keepdim=True)


class ChunkedAttention(torch.autograd.Function):
    """The walk under autograd: gradients of phi(q), phi(k), v and the state before."""

    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> tuple[Tensor, Tensor, Tensor]:
        phi_q, phi_k, v, S0, z0, eps, parts = inputs
        batch, heads, tokens, _ = phi_q.shape
        kv_heads, values = v.shape[1], v.shape[3]
        # Memory as [B, T, H, V]: transformers wants it so next, and copies nothing then.
        out = v.new_empty(batch, tokens, heads, values).transpose(1, 2)
        den = v.new_empty(batch, heads, tokens, 1) if any(ctx.needs_input_grad) else None
        all_q, all_out = group(phi_q, kv_heads), out.unflatten(1, (kv_heads, -1))
        all_k, all_v = phi_k.unsqueeze(2), v.unsqueeze(2)
        S, z = S0.flatten(0, 1), z0.flatten(0, 1).unsqueeze(-1)
        for part in parts:
            q, k, x = part.read(all_q), part.read(all_k), part.read(all_v)
            S_before, S = part.running(S, k.transpose(1, 2) @ x)
            z_before, z = part.running(z, k.sum(1).unsqueeze(-1))
            scores = part.causal(q @ k.transpose(1, 2))
            below = scores.sum(-1, keepdim=True).add_(times(q, z_before))
            if den is not None:
                part.write(below, group(den, kv_heads))
            above = (scores @ x).baddbmm_(q, S_before)
            part.write(above.div_(below.clamp_min_(eps)), all_out)
        ctx.save_for_backward(phi_q, phi_k, v, S0, z0, out, den)
        ctx.eps, ctx.parts = eps, parts
        ctx.set_materialize_grads(False)
        # Clones: a view would keep all sums of the last part alive.
        return out, S.clone().view(S0.shape), z.clone().view(z0.shape)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, do: Tensor | None, end_S: Tensor | None, end_z: Tensor | None) -> Any:
        phi_q, phi_k, v, S0, z0, out, den = ctx.saved_tensors
        kv_heads, parts = v.shape[1], ctx.parts
        do = torch.zeros_like(out) if do is None else do
        shares, errors = 1 / den.clamp_min(ctx.eps), torch.empty_like(den)
        all_q, all_do, all_out = (group(x, kv_heads) for x in (phi_q, do, out))
        all_share, all_e = group(shares, kv_heads), group(errors, kv_heads)
        all_k, all_v, all_den = phi_k.unsqueeze(2), v.unsqueeze(2), group(den, kv_heads)

        dq = torch.empty_like(phi_q)
        S, z = S0.flatten(0, 1), z0.flatten(0, 1).unsqueeze(-1)
        for part in parts:
            k, x = part.read(all_k), part.read(all_v)
            g = part.read(all_do) * part.read(all_share)
            e = (g * part.read(all_out)).sum(-1, keepdim=True).neg_()
            e.masked_fill_(part.read(all_den) < ctx.eps, 0.0)
            part.write(e, all_e)
            S_before, S = part.running(S, k.transpose(1, 2) @ x)
            z_before, z = part.running(z, k.sum(1).unsqueeze(-1))
            E = part.causal((g @ x.transpose(1, 2)).add_(e))
            found = (E @ k).baddbmm_(g, S_before.transpose(1, 2))
            part.write(found.add_(e * z_before.transpose(1, 2)), group(dq, kv_heads))

        dk, dv = torch.empty_like(phi_k), torch.empty_like(v)
        dS = (torch.zeros_like(S0) if end_S is None else end_S).flatten(0, 1)
        dz = (torch.zeros_like(z0) if end_z is None else end_z).flatten(0, 1).unsqueeze(1)
        for part in reversed(parts):
            q, k, x = part.read(all_q), part.read(all_k), part.read(all_v)
            g, e = part.read(all_do) * part.read(all_share), part.read(all_e)
            dS_after, dS = part.running(dS, q.transpose(1, 2) @ g, backwards=True)
            dz_after, dz = part.running(dz, (q * e).sum(1, keepdim=True), backwards=True)
            E = part.causal((g @ x.transpose(1, 2)).add_(e))
            found = (E.transpose(1, 2) @ q).baddbmm_(x, dS_after.transpose(1, 2))
            part.write(found.add_(dz_after), dk.unsqueeze(2))
            scores = part.causal(q @ k.transpose(1, 2))
            found = (scores.transpose(1, 2) @ g).baddbmm_(k, dS_after)
            part.write(found, dv.unsqueeze(2))
        return dq, dk, dv, dS.reshape(S0.shape), dz.reshape(z0.shape), None, None


def chunked(
    phi_q: Tensor,
    phi_k: Tensor,
    v: Tensor,
    eps: float,
    state: LinearState | None = None,
    chunk: int = CHUNK,
    together: int | None = None,
) -> tuple[Tensor, LinearState]:
    """Same arguments and results as `reference.quadratic`; differentiable once.

    `chunk` is C, `together` is N; None chooses by the device.
    """
    batch, heads, tokens, features = phi_q.shape
    kv_heads, values = v.shape[1], v.shape[3]
    if together is None:
        on_cpu = v.device.type == "cpu"
        together = max(1, ROWS // (batch * heads * chunk)) if on_cpu else CHUNKS
    if state is None:
        S = v.new_zeros(batch, kv_heads, features, values)
        z = v.new_zeros(batch, kv_heads, features)
    else:
        S, z = state.S.to(v.dtype), state.z.to(v.dtype)
    parts = walk(tokens, chunk, together)
    out, S, z = ChunkedAttention.apply(phi_q, phi_k, v, S, z, eps, parts)
    return out, LinearState(S=S, z=z)
