"""Attention kernels against their rivals; prints one JSON document. Needs torch and triton alone.

    python -m benchmarks.kernels [--device cpu|cuda] > benchmarks/results/kernels-DEVICE-DATE.json

Every ratio is of medians in one run, the rivals in turns. Nothing of ours is timed that does not
equal the quadratic form in float64 as well as PyTorch in the same dtype does. Host overhead is
counted: calls are started one after the other and waited for at the end of a sample.

    forward, forward_backward   causal attention over T tokens. t2r: from q, k, v, the learned ReLU
                                map included. linear: on phi(q), phi(k) as given.
    decode                      attention of one token in a stack of L layers. linear: state update
                                and output on phi as given; t2r: the maps included; softmax: SDPA
                                over a full cache of that context, its q, k, v as given.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from benchmarks.decoding import decode
from benchmarks.measuring import (
    copy_bandwidth,
    crossover,
    digits,
    interleaved,
    load_average,
    machine,
    say,
)
from benchmarks.problems import Inputs, Rival, Shape, inputs, rivals
from benchmarks.stack import Stack

CPU_SHAPES = [Shape(1, tokens, 12, 64, 64) for tokens in (256, 512, 1024, 2048, 4096, 8192)]
CPU_SHAPES += [Shape(1, 8192, 12, 64, 32)]
SWEEP = [(65536 // t, t) for t in (2048, 4096, 8192, 16384, 32768, 65536)]
CUDA_SHAPES = [
    *(Shape(b, t, 64, 64, 64) for b, t in SWEEP),
    *(Shape(b, t, 32, 128, 64) for b, t in SWEEP),
    # The table in flash-linear-attention's README.
    Shape(1, 8192, 96, 128, 128),
    Shape(2, 16384, 16, 128, 128),
    Shape(4, 4096, 64, 128, 128),
    Shape(4, 2048, 16, 128, 128),
    Shape(8, 1024, 8, 64, 64),
    Shape(8, 2048, 32, 256, 256),
]
CHECKED = 1024
"""Tokens on which everyone must equal the quadratic form before anything is timed."""


class Wrong(Exception):
    """A rival computes something else."""


def error(found: Tensor, truth: Tensor) -> float:
    """Root-mean-square error over the root mean square of the truth."""
    found, truth = found.double(), truth.double()
    return ((found - truth).square().mean() / truth.square().mean()).sqrt().item()


def outcome(rival: Rival, x: Inputs, *, backward: bool) -> list[Tensor]:
    """The output, or the gradients of all that goes in, for a fixed gradient of the output."""
    if not backward:
        with torch.no_grad():
            return [rival.form(x)]
    leaves = {name: getattr(x, name).detach().requires_grad_() for name in rival.takes}
    out = rival.form(Inputs(**{**vars(x), **leaves}))
    generator = torch.Generator().manual_seed(1)
    direction = torch.randn(out.shape, generator=generator, dtype=torch.float64)
    return list(torch.autograd.grad(out, list(leaves.values()), direction.to(out)))


def check(name: str, rival: Rival, x: Inputs, *, backward: bool) -> dict[str, float]:
    """Its error, which is at most twice PyTorch's in the same dtype, or a quarter of its rounding.

    Raises:
        Wrong: it is larger.
    """
    assert rival.truth is not None
    x = x.first(CHECKED)
    exact = Rival(rival.truth, None, rival.takes)
    truths = outcome(exact, x.each(lambda y: y.double()), backward=backward)
    pytorch = outcome(exact, x, backward=backward)
    found = outcome(rival, x, backward=backward)
    worst = {"error": 0.0, "pytorch_error": 0.0}
    for got, theirs, truth in zip(found, pytorch, truths, strict=True):
        ours, allowed = error(got, truth), error(theirs, truth)
        if rival.ours and ours > 2 * allowed + torch.finfo(got.dtype).eps / 4:
            raise Wrong(f"{name}: error {ours:.2e} where PyTorch's is {allowed:.2e}")
        if ours > worst["error"]:
            worst = {"error": digits(ours), "pytorch_error": digits(allowed)}
    return worst


def refusals(found: dict[str, Rival], x: Inputs) -> dict[str, str]:
    """Others' code that does not take this shape here, and what it says; removed from `found`."""
    said: dict[str, str] = {}
    for name in [n for n, rival in found.items() if not rival.ours]:
        try:
            outcome(found[name], x.first(CHECKED), backward=False)
        except RuntimeError as problem:
            said[name] = str(problem).strip().split("\n")[0]
            del found[name]
    return said


def attention(
    shape: Shape, device: torch.device, dtype: torch.dtype, bandwidth: float, budget_s: float,
    *, backward: bool,
) -> dict[str, Any]:  # fmt: skip
    """Time one shape; the rivals' times over the time of ours."""
    x, found = inputs(shape, device, dtype), rivals(shape, device, dtype)
    refused = refusals(found, x)
    checked: dict[str, dict[str, float]] = {}
    for name, rival in found.items():
        if rival.truth is not None:
            checked[name] = check(name, rival, x, backward=backward)

    def call(rival: Rival) -> Any:
        if not backward:
            return torch.inference_mode()(lambda: rival.form(x))
        leaves = {n: getattr(x, n).detach().requires_grad_() for n in rival.takes}
        problem = Inputs(**{**vars(x), **leaves})
        direction = torch.randn_like(x.v)
        return lambda: torch.autograd.grad(rival.form(problem), list(leaves.values()), direction)

    readings = interleaved({n: call(r) for n, r in found.items()}, device, budget_s)
    softmax = min(r.median_s for n, r in readings.items() if n.startswith("softmax"))
    moved = shape.useful_bytes(dtype.itemsize)
    rows: dict[str, Any] = {}
    for name, reading in readings.items():
        rows[name] = {**reading.report(), **checked.get(name, {})}
        rows[name]["best_softmax_over_this"] = digits(softmax / reading.median_s)
        if not backward:
            rows[name]["share_of_copy_bandwidth"] = digits(moved / reading.median_s / bandwidth)
        if "linear_fla" in readings:
            rows[name]["fla_over_this"] = digits(readings["linear_fla"].median_s / reading.median_s)
    say(f"{shape} {'forward + backward' if backward else 'forward'}: " + ", ".join(
        f"{n} {r['median_ms']} ms ({r['best_softmax_over_this']} x)" for n, r in rows.items()
    ))  # fmt: skip
    return {**vars(shape), "rivals": rows, "refused": refused}


def crossovers(rows: Sequence[dict[str, Any]]) -> dict[str, int | None]:
    """For each of ours, the shortest measured length from which on it beats the best softmax."""
    names = [n for n in rows[0]["rivals"] if n.startswith(("t2r", "linear"))]
    lengths = [row["tokens"] for row in rows]
    return {
        n: crossover(lengths, [row["rivals"][n]["best_softmax_over_this"] for row in rows])
        for n in names
    }


def main() -> None:
    """Measure once and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.kernels", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    default = "cuda" if torch.cuda.is_available() else "cpu"
    parser.add_argument("--device", choices=("cpu", "cuda"), default=default)
    device = torch.device(parser.parse_args().device)
    on_cpu = device.type == "cpu"
    dtype = torch.float32 if on_cpu else torch.bfloat16
    document: dict[str, Any] = {"environment": machine(device), "dtype": str(dtype)}
    bandwidth = copy_bandwidth(device, 2**28 if on_cpu else 2**30)
    document["copy_bandwidth_gb_per_s"] = digits(bandwidth / 1e9)
    shapes = CPU_SHAPES if on_cpu else CUDA_SHAPES
    for name, backward in (("forward", False), ("forward_backward", True)):
        document[name] = [
            attention(shape, device, dtype, bandwidth, 3.0, backward=backward) for shape in shapes
        ]
        swept = [row for row in document[name] if row["features"] == row["head_dim"]
                 and row["batch"] * row["tokens"] == (row["tokens"] if on_cpu else 65536)
                 and row["heads"] == shapes[0].heads]  # fmt: skip
        document[f"{name}_crossover_tokens"] = crossovers(swept)
    stacks = (
        [Stack(12, 1, 12, 12, 64, 64), Stack(12, 1, 12, 12, 64, 32), Stack(12, 1, 14, 2, 64, 32),
         Stack(12, 8, 12, 12, 64, 64), Stack(12, 8, 12, 12, 64, 32)]
        if on_cpu else [Stack(4, batch, 32, 8, 64, 64) for batch in (1, 64, 128, 256)]
    )  # fmt: skip
    contexts = (512, 2048, 8192)
    document["decode"] = [
        decode(stack, contexts, device, dtype, bandwidth, 4.0) for stack in stacks
    ]
    document["environment"]["load_average_after"] = load_average()
    print(json.dumps(document, indent=1))


if __name__ == "__main__":
    main()
