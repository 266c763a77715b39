"""The hybrid's Triton kernels with the feature map inside, and sequences of several lengths."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch

from engine.core import hybrid_mixer
from engine.core.geometry import HeadGeometry
from engine.kernels.hybrid_attention.reference import Sinks
from engine.kernels.hybrid_attention.tiles import tiles_for
from engine.kernels.linear_attention.reference import LinearState
from engine.methods import T2R, Elu, Hedgehog, Hybrid, Rfa
from tests.support.hybrid import DEVICE, Shape, assert_as_exact_as_pytorch, case, reference

triton_attention = pytest.importorskip("engine.kernels.hybrid_attention.triton_attention")

HEAD = HeadGeometry(heads=2, kv_heads=1, head_dim=8)
MAPS = [T2R(feature_dim=12), Elu(), Hedgehog(feature_dim=20)]
FLOAT, HALF = torch.float32, torch.float16


def name(value) -> str:
    return getattr(value, "name", None) or str(value).removeprefix("torch.")


def results(problem, feature_map, dtype, *, kernels: bool) -> dict[str, torch.Tensor]:
    """Outputs, far field, phi of the keys, and every gradient of a fixed random sum of them."""
    q, k, v, _, _, *near = problem.to(dtype).arguments()
    leaves = {"q": q, "k": k, "v": v} | dict(feature_map.named_parameters())
    if kernels:
        out, after, phi_k = triton_attention.attention(q, k, v, feature_map.fused(), None, *near)
    else:
        phi_q, phi_k = feature_map.query(q), feature_map.key(k)
        out, after = reference(q, k, v, phi_q, phi_k, *near)
    found = {"out": out, "S": after.S, "z": after.z}
    generator, total = torch.Generator().manual_seed(3), 0.0
    for x in found.values():
        direction = torch.randn(x.shape, generator=generator).to(DEVICE)
        total = total + (x.double() * direction).sum()
    gradients = torch.autograd.grad(total, list(leaves.values()))
    found |= {f"d_{leaf}": x for leaf, x in zip(leaves, gradients, strict=True)}
    return {key: x.detach() for key, x in found.items()} | {"phi_k": phi_k.detach()}


@pytest.mark.parametrize(
    ("method", "dtype"),
    [(MAPS[0], FLOAT), (MAPS[0], HALF), (MAPS[1], HALF), (MAPS[2], HALF)],
    ids=name,
)
def test_outputs_and_every_gradient_with_the_map_inside(method, dtype):
    torch.manual_seed(0)
    feature_map = method.feature_map(HEAD).to(DEVICE)
    for leaf, weight in feature_map.named_parameters():
        if "bias" in leaf:
            weight.data.normal_(std=0.5)
        weight.data = weight.data.to(dtype).float()
    shape = Shape(40, 16, 2, heads=2, kv_heads=1, features=feature_map.feature_dim)
    problem = case(shape, dtype, resumed=True)
    found = results(problem, feature_map, dtype, kernels=True)
    truth, pytorch = (
        results(problem, copy.deepcopy(feature_map).to(kind), kind, kernels=False)
        for kind in (torch.float64, dtype)
    )
    for key, x in found.items():
        assert_as_exact_as_pytorch(x, truth[key], pytorch[key], dtype)


def test_sequences_in_one_row_are_each_as_if_alone(monkeypatch):
    """Packed sequences of several segments and of one token, each with sinks and a far field of
    its own."""
    small = tiles_for(FLOAT, 8, 8, 8, 2)
    small = replace(small, m=32, n=32, inner=32, segment=32)
    monkeypatch.setattr(triton_attention, "tiles_for", lambda *_: small)
    lengths, shape = (1, 40, 20), Shape(61, 4, 2, heads=2, kv_heads=1, features=8)
    torch.manual_seed(0)
    feature_map = T2R(feature_dim=8).feature_map(HEAD).to(DEVICE)
    packed = case(shape, FLOAT).to(FLOAT)
    each = case(replace(shape, batch=3), FLOAT, resumed=True).to(FLOAT).leaves
    position = torch.tensor([[-1, 1], [0, 3], [2, 20]], device=DEVICE)
    ends = torch.tensor([0, *lengths], device=DEVICE).cumsum(0).int()
    weights = list(feature_map.parameters())
    per_row = [packed.leaves[n] for n in ("q", "k", "v")]
    per_sequence = [each[n] for n in ("sink_k", "sink_v", "S", "z")]

    def attend(rows, own, plain, position, cu_seqlens=None):
        sink_k, sink_v, S, z = own
        out, after, _ = triton_attention.attention(
            *rows, feature_map.fused(), None, plain, Sinks(sink_k, sink_v, position), 4,
            each["gamma"], 1e-6, LinearState(S, z), cu_seqlens,
        )  # fmt: skip
        return out, after.S, after.z

    def alone():
        found, first = [], 0
        for n, length in enumerate(lengths):
            here = slice(first, first + length)
            found.append(
                attend(
                    [x[:, :, here] for x in per_row], [x[n : n + 1] for x in per_sequence],
                    packed.plain[:, here], position[n : n + 1],
                )
            )  # fmt: skip
            first += length
        outs, S, z = zip(*found, strict=True)
        return torch.cat(outs, 2), torch.cat(S), torch.cat(z)

    leaves, found = [*per_row, *per_sequence, each["gamma"], *weights], []
    for got in (attend(per_row, per_sequence, packed.plain, position, ends), alone()):
        total = sum(x.square().sum() for x in got)
        found.append([*got, *torch.autograd.grad(total, leaves)])
    for together, apart in zip(*found, strict=True):
        torch.testing.assert_close(together, apart, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("far", "left_out"),
    [(MAPS[0], {}), (MAPS[1], {}), (MAPS[2], {}), (Rfa(feature_dim=6), {}),
     (MAPS[0], {"near": True}), (MAPS[0], {"far": True})],
    ids=name,
)  # fmt: skip
@torch.no_grad()
def test_decode_steps_with_the_map_inside(monkeypatch, far, left_out):
    """As PyTorch's, whole and with a part left out for measuring, where the ring turns."""
    torch.manual_seed(0)
    mixer = Hybrid(window=3, sinks=1, far=far).build(HEAD).to(DEVICE)
    mixer.log_gamma.normal_(std=0.3)
    prompt, steps = torch.randn(2, 4, 6, 8, device=DEVICE).split([5, 1], 2)
    steps = [torch.randn_like(steps) for _ in range(2)]
    found = []
    for backend in ("pytorch", "triton"):
        monkeypatch.setattr(hybrid_mixer, "hybrid_backend", lambda *_, name="pytorch": name)
        state = mixer.init_state(2, DEVICE)
        mixer(*prompt.split([2, 1, 1], 1), state=state)
        monkeypatch.setattr(hybrid_mixer, "hybrid_backend", lambda *_, name=backend: name)
        with mixer.without(**left_out):
            outs = [mixer.step(*x.split([2, 1, 1], 1), state) for x in steps]
        found.append([*outs, state.far.S, state.far.z, state.k])
    for pytorch, kernels in zip(*found, strict=True):
        torch.testing.assert_close(kernels, pytorch, rtol=1e-4, atol=1e-5)
