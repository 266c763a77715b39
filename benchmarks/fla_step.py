"""flash-linear-attention's decode step, the rival of ours in `benchmarks.decoding`."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from benchmarks.measuring import digits
from benchmarks.problems import EPS, relu_map
from benchmarks.stack import Layer, distance
from engine.kernels.linear_attention.reference import LinearState, quadratic

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
