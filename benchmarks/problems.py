"""The attention problems that `benchmarks.kernels` times, and who can solve them.

Dimension letters: B batch, T tokens, H heads, D head dim (also of v), F feature dim, L layers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as nnf
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from engine.core.feature_map import per_head
from engine.kernels.dispatch import why_not_triton
from engine.kernels.linear_attention.chunk import chunked
from engine.kernels.linear_attention.maps import FusedMap
from engine.kernels.linear_attention.reference import quadratic

EPS = 1e-2

Form = Callable[["Inputs"], Tensor]


@dataclass(frozen=True)
class Shape:
    """One size of problem."""

    batch: int
    tokens: int
    heads: int
    head_dim: int
    features: int

    def useful_bytes(self, itemsize: int) -> int:
        """What must be moved once: q, k and v read, the output written."""
        return 4 * self.batch * self.tokens * self.heads * self.head_dim * itemsize


@dataclass(frozen=True)
class Inputs:
    """Tensors of one problem: T2R's weights, what it maps, and what came out."""

    q: Tensor
    k: Tensor
    v: Tensor
    weight: Tensor
    bias: Tensor
    phi_q: Tensor
    phi_k: Tensor

    @property
    def leaves(self) -> tuple[Tensor, ...]:
        """All of them."""
        return (self.q, self.k, self.v, self.weight, self.bias, self.phi_q, self.phi_k)

    def each(self, change: Callable[[Tensor], Tensor]) -> Inputs:
        """The same problem with every tensor changed."""
        return Inputs(*(change(x) for x in self.leaves))

    def first(self, tokens: int) -> Inputs:
        """The first tokens of the first sequence."""
        cut = {n: getattr(self, n)[:1, :, :tokens] for n in ("q", "k", "v", "phi_q", "phi_k")}
        return replace(self, **cut)


def inputs(shape: Shape, device: torch.device, dtype: torch.dtype) -> Inputs:
    """Random; q, k, v lie in memory as a model hands them over, [B, T, H, D]."""
    generator = torch.Generator(device).manual_seed(0)

    def normal(*size: int) -> Tensor:
        return torch.randn(size, generator=generator, device=device).to(dtype)

    size = (shape.batch, shape.tokens, shape.heads, shape.head_dim)
    q, k, v = (normal(*size).transpose(1, 2) for _ in range(3))
    q = q * shape.head_dim**-0.5
    weight = normal(shape.heads, shape.features, shape.head_dim) * shape.head_dim**-0.5
    # A bias of one keeps denominators well above eps, which not all rivals have.
    bias = torch.ones(shape.heads, shape.features, device=device, dtype=dtype)
    phi_q, phi_k = (relu_map(x, weight, bias) for x in (q, k))
    return Inputs(q, k, v, weight, bias, phi_q, phi_k)


def relu_map(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """T2R's phi in PyTorch, as its feature map has it."""
    y = per_head(x, weight, bias)
    return torch.relu(y) if torch.is_grad_enabled() else y.relu_()


def t2r_pytorch(x: Inputs) -> Tensor:
    """Map and chunked form in PyTorch, in float32 at least, as the mixer runs them."""
    wide = [y.float() if y.dtype.itemsize < 4 else y for y in (x.q, x.k, x.v)]
    phi_q, phi_k = (relu_map(y, x.weight, x.bias) for y in wide[:2])
    return chunked(phi_q, phi_k, wide[2], EPS)[0].to(x.v.dtype)


def chunked_pytorch(x: Inputs) -> Tensor:
    """The chunked form in PyTorch on phi as given."""
    phi_q, phi_k, v = (y.float() if y.dtype.itemsize < 4 else y for y in (x.phi_q, x.phi_k, x.v))
    return chunked(phi_q, phi_k, v, EPS)[0].to(x.v.dtype)


def t2r_quadratic(x: Inputs) -> Tensor:
    """The truth, in whatever dtype the inputs have; T x T in memory."""
    maps = (relu_map(y, x.weight, x.bias) for y in (x.q, x.k))
    return quadratic(*maps, x.v, EPS)[0]


def linear_quadratic(x: Inputs) -> Tensor:
    """The truth on phi as given."""
    return quadratic(x.phi_q, x.phi_k, x.v, EPS)[0]


def _fused(x: Inputs, fmap: FusedMap, q: Tensor, k: Tensor) -> Tensor:
    from engine.kernels.linear_attention.fused_attention import linear_attention

    return linear_attention(q, k, x.v, fmap, EPS)[0]


def t2r_fused(x: Inputs) -> Tensor:
    """Triton kernels, map inside."""
    own = (x.weight, x.bias)
    return _fused(x, FusedMap("relu", x.weight.shape[1], *own, *own), x.q, x.k)


def linear_fused(x: Inputs) -> Tensor:
    """Triton kernels on phi as given."""
    return _fused(x, FusedMap("identity", x.phi_q.shape[3]), x.phi_q, x.phi_k)


def softmax(backend: SDPBackend | None) -> Form:
    """Causal softmax attention by one of PyTorch's backends; None lets PyTorch choose."""

    def form(x: Inputs) -> Tensor:
        if backend is None:
            return nnf.scaled_dot_product_attention(x.q, x.k, x.v, is_causal=True, scale=1.0)
        with sdpa_kernel(backend):
            return nnf.scaled_dot_product_attention(x.q, x.k, x.v, is_causal=True, scale=1.0)

    return form


def fla_chunk() -> Form | None:
    """flash-linear-attention's chunked kernel on phi as given, where it is installed."""
    try:
        from fla.ops.linear_attn import chunk_linear_attn  # pyright: ignore
    except ImportError:
        return None

    def form(x: Inputs) -> Tensor:
        by_token = (y.transpose(1, 2) for y in (x.phi_q, x.phi_k, x.v))
        return chunk_linear_attn(*by_token, scale=1.0, normalize=True)[0].transpose(1, 2)

    return form


@dataclass(frozen=True)
class Rival:
    """One way to compute it, with the quadratic form it must equal (None: softmax)."""

    form: Form
    truth: Form | None
    takes: tuple[str, ...]
    """The inputs it depends on."""
    ours: bool = True
    """Whether it must be as exact as PyTorch; another's error is only reported."""


RAW = ("q", "k", "v", "weight", "bias")
PHI = ("phi_q", "phi_k", "v")


def rivals(shape: Shape, device: torch.device, dtype: torch.dtype) -> dict[str, Rival]:
    """Everyone who can take this shape here."""
    found = {
        "t2r_pytorch": Rival(t2r_pytorch, t2r_quadratic, RAW),
        "linear_pytorch": Rival(chunked_pytorch, linear_quadratic, PHI),
    }
    capability = torch.cuda.get_device_capability(device) if device.type == "cuda" else None
    if why_not_triton("training", capability, dtype, shape.head_dim, shape.features) is None:
        found["t2r_triton"] = Rival(t2r_fused, t2r_quadratic, RAW)
        found["linear_triton"] = Rival(linear_fused, linear_quadratic, PHI)
    fla = fla_chunk() if device.type == "cuda" else None
    if fla is not None:
        found["linear_fla"] = Rival(fla, linear_quadratic, PHI, ours=False)
    backends: dict[str, Any] = {"softmax_sdpa": None}
    if device.type == "cuda":
        backends = {
            "softmax_sdpa_flash": SDPBackend.FLASH_ATTENTION,
            "softmax_sdpa_cudnn": SDPBackend.CUDNN_ATTENTION,
        }
    for name, backend in backends.items():
        found[name] = Rival(softmax(backend), None, ("q", "k", "v"), ours=False)
    return found
