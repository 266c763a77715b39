"""Converted against original, on the bundled model, by context length; prints one JSON document.

    python -m benchmarks [--method NAME] [--lengths 512,2048,8192] > benchmarks/results/DATE.json

The swap is not trained: neither time nor bytes depend on the weights. Ratios above 1 mean that the
converted model is faster; below 1 in `cache_bytes`, that it needs less.
"""

from __future__ import annotations

import argparse
import copy
import json

from engine import KeptLayers, convert, load
from engine.evidence.environment import environment
from engine.evidence.speed import measure
from engine.evidence.timed_party import in_this_process
from engine.methods import METHODS
from engine.models.catalogue import DEFAULT_MODEL


def _ratios(original: tuple, converted: tuple, reading: str) -> dict[int, float | None]:
    """converted / original by context length; None where either could not be measured."""
    return {
        a.context_tokens: round(getattr(b, reading) / getattr(a, reading), 3)
        if getattr(a, reading) and getattr(b, reading) else None
        for a, b in zip(original, converted, strict=True)
    }  # fmt: skip


def main() -> None:
    """Measure once and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--method", choices=sorted(METHODS), default="t2r")
    parser.add_argument("--keep-softmax-every", type=int, default=0, metavar="N")
    parser.add_argument("--lengths", default="512,2048,8192", metavar="N,N")
    options = parser.parse_args()
    original = load(options.model)
    converted = copy.deepcopy(original.model)
    kept = KeptLayers(every=options.keep_softmax_every)
    convert(converted, METHODS[options.method](), kept, seed=0)
    speed, memory = measure(
        in_this_process(original.model, converted),
        context_tokens=[int(length) for length in options.lengths.split(",")],
        decode_tokens=16,
        repeats=10,
        trained_context=original.context_tokens,
        learned_positions=original.learned_positions,
        budget_s=120.0,
    )
    document = {
        "model": options.model,
        "method": options.method,
        "keep_softmax_every": options.keep_softmax_every,
        "converted_over_original": {
            "decode_speed": _ratios(speed.decode.original, speed.decode.converted, "tokens_per_s"),
            "prefill_speed": _ratios(
                speed.prefill.original, speed.prefill.converted, "tokens_per_s"
            ),
            "cache_bytes": _ratios(memory.original, memory.converted, "cache_bytes"),
        },
        "speed": speed.model_dump(mode="json"),
        "memory": memory.model_dump(mode="json"),
        "environment": environment(
            original.model, backend="original: sdpa; converted: PyTorch, chunked and recurrent"
        ).model_dump(mode="json"),
    }
    print(json.dumps(document, indent=1))


if __name__ == "__main__":
    main()
