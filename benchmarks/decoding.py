"""Attention of one decode step in a stack of layers, for `benchmarks.kernels`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as nnf
from torch import Tensor

from benchmarks.fla_step import check_fla, fla_recurrent, fla_step
from benchmarks.measuring import Call, digits, interleaved, say
from benchmarks.problems import EPS, relu_map
from benchmarks.stack import Layer, Stack, distance, layers
from engine.kernels.dispatch import why_not_triton
from engine.kernels.linear_attention.reference import LinearState, quadratic
from engine.kernels.linear_attention.step import step


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
