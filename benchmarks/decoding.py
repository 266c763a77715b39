"""Attention of one decode step in a stack of layers, for `benchmarks.kernels`.

Dimension letters: L layers, B batch, H query heads, G kv heads, D head dim (also of v), F feature
dim, N tokens of context.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as nnf
from torch import Tensor

from benchmarks.measuring import Call, digits, interleaved, say
from benchmarks.problems import EPS, relu_map
from engine.core.feature_map import LaidOut, lay_out, one_row
from engine.kernels.dispatch import why_not_triton
from engine.kernels.linear_attention.maps import FusedMap
from engine.kernels.linear_attention.reference import LinearState, quadratic
from engine.kernels.linear_attention.step import step


@dataclass(frozen=True)
class Stack:
    """The attention of a model of this size."""

    layers: int
    batch: int
    heads: int
    kv_heads: int
    head_dim: int
    features: int

    @property
    def state_bytes(self) -> int:
        """S and z in float32 of all layers: each is read and written once in a step."""
        values = self.features * (self.head_dim + 1)
        return 4 * self.layers * self.batch * self.kv_heads * values


@dataclass(frozen=True)
class Layer:
    """One layer's token, weights and state."""

    q: Tensor
    k: Tensor
    v: Tensor
    weight: Tensor
    bias: Tensor
    state: LinearState
    laid: LaidOut
    """Weight and bias as the converted model lays them out once per generation."""

    def phi(self, x: Tensor) -> Tensor:
        """T2R's map in PyTorch, in float32 at least."""
        return relu_map(x.float() if x.dtype.itemsize < 4 else x, self.weight, self.bias)

    def t2r_pytorch(self) -> Tensor:
        """Map and step in PyTorch."""
        q, k, v = (x.float() if x.dtype.itemsize < 4 else x for x in (self.q, self.k, self.v))
        phi_q, phi_k = one_row(q, self.laid).relu_(), one_row(k, self.laid).relu_()
        return step(phi_q, phi_k, v, EPS, self.state)

    def t2r_triton(self) -> Tensor:
        """The fused step."""
        from engine.kernels.linear_attention.fused import step as fused_step

        own = (self.weight, self.bias)
        fmap = FusedMap("relu", self.weight.shape[1], *own, *own)
        return fused_step(self.q, self.k, self.v, fmap, EPS, self.state)


def layers(stack: Stack, device: torch.device, dtype: torch.dtype) -> list[Layer]:
    """Random layers whose states hold something."""
    generator = torch.Generator(device).manual_seed(0)

    def normal(*size: int, dtype: torch.dtype = dtype) -> Tensor:
        return torch.randn(size, generator=generator, device=device).to(dtype)

    b, h, g, d, f = stack.batch, stack.heads, stack.kv_heads, stack.head_dim, stack.features
    weights = [(normal(g, f, d, dtype=torch.float32) * d**-0.5, torch.ones(g, f, device=device))
               for _ in range(stack.layers)]  # fmt: skip
    return [
        Layer(
            normal(b, h, 1, d) * d**-0.5, normal(b, g, 1, d), normal(b, g, 1, d), *own,
            LinearState(
                normal(b, g, f, d, dtype=torch.float32),
                normal(b, g, f, dtype=torch.float32).abs() + 1,
            ),
            lay_out(*own, torch.float32),
        )
        for own in weights
    ]  # fmt: skip


Recurrent = Callable[..., tuple[Tensor, tuple[Tensor, Tensor]]]


def fla_recurrent(device: torch.device) -> Recurrent | None:
    """flash-linear-attention's recurrent kernel on phi as given, on a GPU where it is installed."""
    if device.type != "cuda":
        return None
    try:
        from fla.ops.linear_attn import fused_recurrent_linear_attn  # pyright: ignore
    except ImportError:
        return None
    return fused_recurrent_linear_attn


def fla_step(recurrent: Recurrent, one: Layer) -> Callable[[], tuple[Tensor, tuple[Tensor, ...]]]:
    """Its step for one layer: output [B, 1, H, D] and state after the token.

    It knows no groups, so every query head has keys, values and a state of its own. It makes a new
    state, which is left where it is: the copy that would keep the state's address is not counted.
    """
    ratio = one.q.shape[1] // one.k.shape[1]
    phi_q, phi_k = (one.phi(x).to(one.v.dtype) for x in (one.q, one.k))
    k, v, S, z = (x.repeat_interleave(ratio, 1) for x in (phi_k, one.v, one.state.S, one.state.z))
    by_token = [x.transpose(1, 2).contiguous() for x in (phi_q, k, v)]
    return lambda: recurrent(
        *by_token, scale=1.0, initial_state=(S, z[:, None]), output_final_state=True,
        normalize=True,
    )  # fmt: skip


@torch.inference_mode()
def check_fla(recurrent: Recurrent, one: Layer) -> dict[str, float]:
    """The error of its output and state against the quadratic form in float64; only reported, as it
    is another's."""
    ratio = one.q.shape[1] // one.k.shape[1]
    before = LinearState(one.state.S.double(), one.state.z.double())
    phi = (relu_map(x.double(), one.weight.double(), one.bias.double()) for x in (one.q, one.k))
    truth, after = quadratic(*phi, one.v.double(), EPS, before)
    out, (S, z) = fla_step(recurrent, one)()
    pairs = [
        (out.transpose(1, 2), truth), (S, after.S.repeat_interleave(ratio, 1)),
        (z[:, 0], after.z.repeat_interleave(ratio, 1)),
    ]  # fmt: skip
    return {"error": digits(max(distance(got, want) for got, want in pairs))}


def distance(found: Tensor, truth: Tensor) -> float:
    """Root-mean-square error over the root mean square of the truth."""
    difference = (found.double() - truth).square().mean() / truth.square().mean()
    return difference.sqrt().item()


@torch.inference_mode()
def check(one: Layer, how: str, dtype: torch.dtype) -> dict[str, float]:
    """Output and state after one step against the quadratic form in float64.

    Raises:
        ArithmeticError: they differ by more than the dtype's rounding explains.
    """
    before = LinearState(one.state.S.double(), one.state.z.double())
    phi = (relu_map(x.double(), one.weight.double(), one.bias.double()) for x in (one.q, one.k))
    truth, after = quadratic(*phi, one.v.double(), EPS, before)
    found = getattr(one, how)()
    pairs = ((found, truth), (one.state.S, after.S), (one.state.z, after.z))
    worst = max(distance(got, want) for got, want in pairs)
    if worst > 2 * torch.finfo(dtype).eps:
        raise ArithmeticError(f"{how}: error {worst:.2e} in a decode step")
    return {"error": digits(worst)}


def _replayed(call: Call, device: torch.device) -> Call:
    """On a GPU, the call as a CUDA graph: launches of single steps would be all that is timed."""
    if device.type != "cuda":
        return call
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            call()
    torch.cuda.current_stream().wait_stream(side)
    graph, stream = torch.cuda.CUDAGraph(), torch.cuda.current_stream()
    try:
        with torch.cuda.graph(graph):
            call()
    finally:
        torch.cuda.set_stream(stream)  # where CUDA refuses, PyTorch leaves its own in place
    return graph.replay


@torch.inference_mode()
def decode(
    stack: Stack, contexts: Sequence[int], device: torch.device, dtype: torch.dtype,
    bandwidth: float, budget_s: float,
) -> dict[str, Any]:  # fmt: skip
    """Time one step of all layers, the recurrent forms and SDPA over full caches in turns."""
    every = layers(stack, device, dtype)
    phis = [(x.phi(x.q), x.phi(x.k), x.v.to(x.state.S.dtype), x.state) for x in every]
    names = ["t2r_pytorch"]
    capability = torch.cuda.get_device_capability(device) if device.type == "cuda" else None
    if why_not_triton("decode", capability, dtype, stack.head_dim, stack.features) is None:
        names.append("t2r_triton")
    checked = {name: check(every[0], name, dtype) for name in names}
    refused: dict[str, str] = {}
    recurrent = fla_recurrent(device)
    if recurrent is not None:
        try:
            checked["linear_fla"] = check_fla(recurrent, every[0])
        except RuntimeError as problem:
            refused["linear_fla"] = str(problem).strip().split("\n")[0]

    def linear() -> None:
        for q, k, v, state in phis:
            step(q, k, v, EPS, state)

    def mapped(name: str) -> Call:
        steps = [getattr(layer, name) for layer in every]
        return lambda: [one() for one in steps]

    calls: dict[str, Call] = {"linear_pytorch": linear, **{n: mapped(n) for n in names}}
    if recurrent is not None and "linear_fla" in checked:
        theirs = [fla_step(recurrent, layer) for layer in every]
        calls["linear_fla"] = lambda: [one() for one in theirs]
    for tokens in contexts:
        size = (stack.batch, stack.kv_heads, tokens, stack.head_dim)
        caches = [tuple(torch.randn(size, device=device).to(dtype) for _ in "kv") for _ in every]

        def softmax(caches: list[tuple[Tensor, ...]] = caches) -> None:
            for layer, (k, v) in zip(every, caches, strict=True):
                nnf.scaled_dot_product_attention(layer.q, k, v, scale=1.0, enable_gqa=True)

        calls[f"softmax_sdpa_{tokens}"] = softmax
    if "linear_fla" in calls:
        try:
            calls["linear_fla"] = _replayed(calls["linear_fla"], device)
        except RuntimeError as problem:  # another's code, which may not be made for graphs
            refused["linear_fla"] = str(problem.__context__ or problem).strip().split("\n")[0]
            del calls["linear_fla"]
    calls = {
        name: call if name == "linear_fla" else _replayed(call, device)
        for name, call in calls.items()
    }
    readings = interleaved(calls, device, budget_s)
    rows: dict[str, Any] = {}
    for name, reading in readings.items():
        rows[name] = {**reading.report(), **checked.get(name, {})}
        if not name.startswith("softmax"):
            rows[name]["softmax_over_this"] = {
                n: digits(readings[f"softmax_sdpa_{n}"].median_s / reading.median_s)
                for n in contexts
            }
            share = 2 * stack.state_bytes / reading.median_s / bandwidth
            rows[name]["share_of_copy_bandwidth"] = digits(share)
            if "linear_fla" in readings:
                fla_s = readings["linear_fla"].median_s
                rows[name]["fla_over_this"] = digits(fla_s / reading.median_s)
    say(f"{stack}: " + ", ".join(f"{n} {r['median_ms']} ms" for n, r in rows.items()))
    return {**vars(stack), "rivals": rows, "refused": refused}
