"""The kernel benchmark at tiny sizes: it reports, and it times nothing that is wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from benchmarks import decoding, kernels
from benchmarks.decoding import check, decode
from benchmarks.measuring import crossover, interleaved
from benchmarks.problems import EPS, Rival, Shape, inputs, rivals
from benchmarks.stack import Stack, layers
from engine.kernels.linear_attention.reference import LinearState, quadratic

CPU = torch.device("cpu")
TINY = Shape(2, 70, 2, 8, 4)


@pytest.mark.parametrize("backward", [False, True])
def test_attention_reports_every_rival(backward):
    row = kernels.attention(TINY, CPU, torch.float32, 1e9, 0.05, backward=backward)
    assert set(row["rivals"]) == {"t2r_pytorch", "linear_pytorch", "softmax_sdpa"}
    for name, rival in row["rivals"].items():
        assert rival["p10_ms"] <= rival["median_ms"] <= rival["p90_ms"]
        softmax = row["rivals"]["softmax_sdpa"]["median_ms"] / rival["median_ms"]
        assert rival["best_softmax_over_this"] == pytest.approx(softmax, rel=2e-3)
        assert ("error" in rival) == (name != "softmax_sdpa")


@pytest.mark.parametrize("backward", [False, True])
def test_a_wrong_rival_is_not_timed(backward):
    right = rivals(TINY, CPU, torch.float32)["linear_pytorch"]
    wrong = replace(right, form=lambda x: 1.00001 * right.form(x))
    x = inputs(TINY, CPU, torch.float32)
    kernels.check("right", right, x, backward=backward)
    with pytest.raises(kernels.Wrong, match="linear"):
        kernels.check("linear", wrong, x, backward=backward)


def test_a_rival_that_refuses_is_left_out_and_named():
    def refuse(x):
        raise RuntimeError("No available kernel.\nMore.")

    found = rivals(TINY, CPU, torch.float32)
    found["other"] = Rival(refuse, None, ("q", "k", "v"), ours=False)
    said = kernels.refusals(found, inputs(TINY, CPU, torch.float32))
    assert said == {"other": "No available kernel."}
    assert set(found) == {"t2r_pytorch", "linear_pytorch", "softmax_sdpa"}


def test_decode_reports_ratios_to_every_context():
    stack = Stack(2, 3, 4, 2, 8, 4)
    row = decode(stack, (5, 9), CPU, torch.float32, 1e9, 0.05)
    for name in ("linear_pytorch", "t2r_pytorch"):
        assert set(row["rivals"][name]["softmax_over_this"]) == {5, 9}
    assert stack.state_bytes == 2 * 3 * 2 * 4 * (8 + 1) * 4


def test_a_wrong_step_is_not_timed(monkeypatch):
    one = layers(Stack(1, 2, 4, 2, 8, 4), CPU, torch.float32)[0]
    check(one, "t2r_pytorch", torch.float32)
    right = type(one).t2r_pytorch
    monkeypatch.setattr(type(one), "t2r_pytorch", lambda self: right(self) + EPS / 100)
    with pytest.raises(ArithmeticError, match="t2r_pytorch"):
        check(one, "t2r_pytorch", torch.float32)


def by_the_formula(q, k, v, *, scale, initial_state, output_final_state, normalize):
    """flash-linear-attention's recurrent step as its documentation has it: [B, T, H, X]."""
    assert scale == 1.0 and output_final_state and normalize
    S, z = initial_state
    before = LinearState(S, z[:, 0])
    out, after = quadratic(*(x.transpose(1, 2) for x in (q, k, v)), 0.0, before)
    return out.transpose(1, 2), (after.S, after.z[:, None])


def test_a_rivals_step_gets_a_state_for_every_query_head():
    one = layers(Stack(1, 2, 4, 2, 8, 4), CPU, torch.float32)[0]
    before = one.state.S.clone()
    assert decoding.check_fla(by_the_formula, one)["error"] < 1e-6
    assert torch.equal(one.state.S, before)

    def wrong(*given, **more):
        out, state = by_the_formula(*given, **more)
        return 1.1 * out, state

    assert decoding.check_fla(wrong, one)["error"] == pytest.approx(0.1, rel=1e-3)


def test_a_rivals_step_is_timed_beside_ours_or_left_out_and_named(monkeypatch):
    stack = Stack(2, 3, 4, 2, 8, 4)
    monkeypatch.setattr(decoding, "fla_recurrent", lambda device: by_the_formula)
    rows = decode(stack, (5,), CPU, torch.float32, 1e9, 0.05)["rivals"]
    assert rows["linear_fla"]["error"] < 1e-6 and rows["linear_fla"]["fla_over_this"] == 1.0
    assert rows["t2r_pytorch"]["fla_over_this"] > 0

    def refuse(*given, **more):
        raise RuntimeError("0 active drivers\nMore.")

    monkeypatch.setattr(decoding, "fla_recurrent", lambda device: refuse)
    found = decode(stack, (5,), CPU, torch.float32, 1e9, 0.05)
    assert found["refused"] == {"linear_fla": "0 active drivers"}
    assert "linear_fla" not in found["rivals"]
    assert "fla_over_this" not in found["rivals"]["t2r_pytorch"]


def test_calls_take_turns():
    order = []
    calls = {name: lambda name=name: order.append(name) for name in "ab"}
    readings = interleaved(calls, CPU, 0.0)
    each = readings["a"].calls, readings["b"].calls
    assert len(readings["a"].samples) == len(readings["b"].samples) == 5
    tail = "".join(order)[-(3 * each[0] + 3 * each[1]) :]
    assert tail == "a" * each[0] + "b" * 2 * each[1] + "a" * 2 * each[0] + "b" * each[1]


@pytest.mark.parametrize(
    "ratios, found",
    [([0.5, 2, 0.9, 3], 8), ([1, 1, 1, 1], 1), ([2, 2, 2, 0.9], None)],
)
def test_crossover_is_where_it_stays_ahead(ratios, found):
    assert crossover([1, 2, 4, 8], ratios) == found
