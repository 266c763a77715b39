"""Whole models of real shapes with random weights, converted against original; prints JSON.

    python -m benchmarks.endtoend [--device cpu|cuda] [--models NAME,..] [--methods t2r,hybrid]
        [--lengths N,..] [--cache-gib G] > benchmarks/results/endtoend-DEVICE-DATE.json

Timing only: random weights write nonsense. t2r converts every layer (F = 32, or --features); hybrid
has windows of 64 tokens and 4 sinks before Hedgehog features, and every 4th layer keeps softmax.
Prefill reads N tokens at batch 1 and gives the last logits. Decode is one step after N tokens, its
caches filled with random numbers, at batch 1, at the largest batch whose KV caches fit (both), and
at the largest the states fit (converted). On a GPU a decode step of either model is one CUDA graph,
the original's over a preallocated cache; beside it the original runs eagerly over a growing one. On
a CPU there is no graph: the original has a growing and a preallocated cache, kept layers of the
converted model a preallocated one. Ratios are to the quicker. What does not fit into memory is
marked, and a ratio to it is left out.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable
from functools import partial
from typing import Any, cast

import torch
import transformers as hf
from transformers import PreTrainedModel

from benchmarks.measuring import (
    Call,
    crossover,
    digits,
    forget_freed,
    interleaved,
    load_average,
    machine,
    ran_out,
    say,
)
from benchmarks.whole_models import (
    METHODS,
    MODELS,
    NotCaptured,
    check_steps,
    decode_step,
    kinds,
    kv_bytes_per_token,
    pair,
)
from engine.core.decoding import in_words, why_not_graph
from engine.evidence.memory import analytic_bytes

MOST_BATCH = {"cpu": 64, "cuda": 1024}


def fitting(
    builders: dict[str, Callable[[], Call]], device: torch.device, budget_s: float
) -> dict[str, dict[str, Any]]:
    """Time all that fit into memory, in turns: the report of each, or that it did not fit."""
    calls: dict[str, Call] = {}
    row: dict[str, dict[str, Any]] = {}
    for name, build in builders.items():
        found = tried(build)
        if isinstance(found, dict):
            say(f"  {name}: {found}")
            row[name] = found
            forget_freed(device)
        else:
            calls[name] = found
    try:
        readings = interleaved(calls, device, budget_s) if calls else {}
    except (RuntimeError, MemoryError) as error:
        if not ran_out(error):
            raise
        say(f"  out of memory side by side: {', '.join(calls)}")
        readings = {}
    for name in calls:
        reading = readings.get(name)
        row[name] = reading.report() if reading else {"out_of_memory": True}
    calls.clear()
    forget_freed(device)
    return row


def tried(build: Callable[[], Call]) -> Call | dict[str, Any]:
    """What is to be timed, run twice (a graph is captured by the second); or why it cannot be."""
    try:
        call = build()
        call(), call()
    except NotCaptured as refused:
        return {"not_captured": str(refused)}
    except (RuntimeError, MemoryError) as error:
        if not ran_out(error):
            raise
        return {"out_of_memory": True}
    return call


def largest(most: int, budget: float, bytes_each: float) -> int:
    """The largest power of two of sequences within the budget, at most `most`; at least 1."""
    fits = max(1, min(most, int(budget / bytes_each)))
    return 1 << (fits.bit_length() - 1)


def ratio(row: dict[str, dict[str, Any]]) -> float | None:
    """How many times as fast as the quickest original the converted model is; None where a side has
    no reading."""
    if "not_captured" in row.get("original_static", {}):
        return None  # a graph against single calls would flatter
    theirs = [r["median_ms"] for n, r in row.items() if n != "converted" and "median_ms" in r]
    mine = row["converted"].get("median_ms")
    return digits(min(theirs) / mine) if theirs and mine else None


def for_crossover(row: dict[str, Any]) -> float:
    """The ratio; without end where only the converted model has a reading, 0 where it has none."""
    if row["converted_over_original"] is not None:
        return row["converted_over_original"]
    return math.inf if "median_ms" in row["converted"] else 0.0


def measure_decode(
    models: list[PreTrainedModel], tokens: int, budget_bytes: float, device: torch.device
) -> dict[str, Any]:
    """Decode steps at batch 1, at the largest batches of the original's two caches, and at the
    converted model's largest, all within the same memory."""
    kv, state = (analytic_bytes(model, tokens) for model in models)
    most = MOST_BATCH[device.type]
    equal, alone, own = (largest(most, budget_bytes, each) for each in (2 * kv, kv, state))
    found: dict[str, Any] = {"kv_cache_bytes": kv, "state_bytes": state}
    best: dict[str, float] = {}
    for batch in sorted({1, equal, alone, own}):
        builders = {
            name: partial(decode_step, models[side], kind, batch, tokens)
            for name, (side, kind) in kinds(device).items()
            # A step of `dynamic` writes a new cache, so it needs twice the room of `static`.
            if side == 1 or batch <= equal or (name == "original_static" and batch <= alone)
        }
        row: dict[str, Any] = fitting(builders, device, 6.0)
        for name, reading in row.items():
            if "median_ms" in reading:
                rate = 1000 * batch / reading["median_ms"]
                reading["tokens_per_s"] = digits(rate)
                side = name.split("_")[0]
                best[side] = max(best.get(side, 0.0), rate)
        row["converted_over_original"] = ratio(row)
        found[f"batch_{batch}"] = row
        say(f"  decode at {tokens}, batch {batch}: " + ", ".join(
            f"{n} {r.get('tokens_per_s')} tokens/s" for n, r in row.items() if isinstance(r, dict)
        ))  # fmt: skip
    found["each_at_its_best_batch"] = (
        digits(best["converted"] / best["original"]) if len(best) == 2 else None
    )
    return found


def measure_prefill(
    models: list[PreTrainedModel], tokens: int, device: torch.device
) -> dict[str, Any]:
    """Reading a prompt of so many tokens, batch 1."""
    ids = torch.randint(models[0].config.vocab_size, (1, tokens), device=device)

    def call(model: PreTrainedModel) -> Call:
        return lambda: cast(Any, model)(input_ids=ids, use_cache=True, logits_to_keep=1)

    builders = {
        name: partial(call, model)
        for name, model in zip(("original", "converted"), models, strict=True)
    }
    row: dict[str, Any] = fitting(builders, device, 6.0)
    row["converted_over_original"] = ratio(row)
    say(f"  prefill of {tokens}: converted {row['converted_over_original']} x as fast")
    return row


@torch.inference_mode()
def measure_model(
    name: str, method: str, lengths: list[int], cache_gib: float | None, device: torch.device,
    features: int,
) -> dict[str, Any]:  # fmt: skip
    """One model at every length, and from which length on conversion pays."""
    say(f"{name}, {method}")
    models = pair(name, method, max(lengths), device, features)
    check_steps(models, device)
    budget_bytes = (cache_gib or 2.0) * 2**30
    if cache_gib is None and device.type == "cuda":
        budget_bytes = 0.8 * torch.cuda.mem_get_info(device)[0]
    prefill = {n: measure_prefill(models, n, device) for n in lengths}
    decode = {n: measure_decode(models, n, budget_bytes, device) for n in lengths}
    per_token = [kv_bytes_per_token(model) for model in models]
    fixed = analytic_bytes(models[1], 1) - per_token[1]

    def ratios(rows: list[dict[str, Any]]) -> list[float]:
        return [for_crossover(row) for row in rows]

    return {
        "model": name, "method": method,
        "parameters": sum(p.numel() for p in models[0].parameters()),
        "decode_steps": {
            side: in_words(why_not_graph(model))
            for side, model in zip(("original_static", "converted"), models, strict=True)
        },
        "prefill": prefill, "decode": decode,
        "converted_is_not_slower_from": {
            "prefill": crossover(lengths, ratios(list(prefill.values()))),
            "decode_batch_1": crossover(lengths, ratios([r["batch_1"] for r in decode.values()])),
        },
        "converted_is_smaller_above_tokens": digits(fixed / (per_token[0] - per_token[1])),
    }  # fmt: skip


def main() -> None:
    """Measure once and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.endtoend", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    on_gpu = torch.cuda.is_available()
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cuda" if on_gpu else "cpu")
    parser.add_argument("--models", metavar="NAME,..", help=", ".join(MODELS))
    parser.add_argument("--methods", metavar="NAME,..", default="t2r", help=", ".join(METHODS))
    parser.add_argument("--lengths", metavar="N,..", help="tokens of context")
    parser.add_argument("--cache-gib", type=float, help="memory for caches; default 2, or most "
                        "of what a GPU has free")  # fmt: skip
    parser.add_argument("--features", type=int, default=32, metavar="F")
    options = parser.parse_args()
    device = torch.device(options.device)
    cuda = device.type == "cuda"
    names = options.models or (",".join(MODELS) if cuda else "gpt2-124m")
    lengths = options.lengths or ("512,2048,8192,32768,131072" if cuda else "512,2048,8192")
    found: dict[str, Any] = {
        "note": "random weights: timing only",
        "environment": {**machine(device), "transformers": hf.__version__},
        "features": options.features, "models": [],
    }  # fmt: skip
    each = [int(n) for n in lengths.split(",")]
    for name in names.split(","):
        for method in options.methods.split(","):
            measured = measure_model(
                name, method, each, options.cache_gib, device, options.features
            )
            found["models"].append(measured)
    found["environment"]["load_average_after"] = load_average()
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
