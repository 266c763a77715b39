"""Whole models of real shapes with random weights, converted against original; prints JSON.

    python -m benchmarks.endtoend [--device cpu|cuda] [--models NAME,..] [--lengths N,..]
        [--cache-gib G] > benchmarks/results/endtoend-DEVICE-DATE.json

Timing only: random weights write nonsense. Every layer is converted by T2R (F = 32, or --features).
Prefill reads N tokens at batch 1 and gives the last logits. Decode is one step after N tokens, its
caches filled with random numbers, at batch 1, at the largest batch whose KV caches fit (both), and
at the largest the states fit (converted). The original decodes with a dynamic and with a static
cache; ratios are to the quicker. All runs eagerly, without CUDA graph or torch.compile on either
side, so at batch 1 a GPU is bound by launches.
"""

from __future__ import annotations

import argparse
import copy
import json
from collections.abc import Callable
from typing import Any, cast

import torch
import transformers as hf
from transformers import PreTrainedModel
from transformers.cache_utils import Cache, DynamicCache, StaticCache

from benchmarks.measuring import (
    Call,
    crossover,
    digits,
    interleaved,
    load_average,
    machine,
    say,
)
from engine import T2R, KeptLayers, convert
from engine.core.geometry import attention_layers
from engine.core.state import MixerCacheLayer, cache_bytes

MODELS: dict[str, Callable[[int], hf.PretrainedConfig]] = {
    "gpt2-124m": lambda longest: hf.GPT2Config(n_positions=longest),
    "qwen2.5-0.5b": lambda longest: hf.Qwen2Config(
        hidden_size=896, intermediate_size=4864, num_hidden_layers=24, num_attention_heads=14,
        num_key_value_heads=2, vocab_size=151_936, tie_word_embeddings=True,
        max_position_embeddings=longest,
    ),
    "llama-3.2-1b": lambda longest: hf.LlamaConfig(
        hidden_size=2048, intermediate_size=8192, num_hidden_layers=16, num_attention_heads=32,
        num_key_value_heads=8, head_dim=64, vocab_size=128_256, tie_word_embeddings=True,
        max_position_embeddings=longest,
    ),
    "mistral-7b": lambda longest: hf.MistralConfig(
        num_key_value_heads=8, vocab_size=32_768, sliding_window=None,
        max_position_embeddings=longest,
    ),
}  # fmt: skip
MOST_BATCH = {"cpu": 64, "cuda": 1024}
ROOM = 64
"""Positions beyond the context, for the steps that are timed."""


def pair(name: str, longest: int, device: torch.device, features: int) -> list[PreTrainedModel]:
    """Original and converted, sharing their weights."""
    dtype = torch.float32 if device.type == "cpu" else torch.bfloat16
    with torch.device(device):
        torch.manual_seed(0)
        original = hf.AutoModelForCausalLM.from_config(MODELS[name](longest + ROOM), dtype=dtype)
    original.eval()
    converted = copy.deepcopy(original, {id(p): p for p in original.parameters()})
    convert(converted, T2R(feature_dim=features), KeptLayers(), seed=0)
    return [original, converted]


def kv_bytes_per_token(model: PreTrainedModel) -> int:
    """Of one sequence's KV cache, all layers."""
    heads = [layer.head for layer in attention_layers(model)]
    return sum(2 * head.kv_heads * head.head_dim for head in heads) * model.dtype.itemsize


def filled(model: PreTrainedModel, kind: str, batch: int, tokens: int) -> Cache:
    """A cache of this kind as after `tokens` tokens, its contents random."""
    if kind == "state":
        ids = torch.ones(batch, 1, dtype=torch.long, device=model.device)
        cache = cast(Any, model)(input_ids=ids, use_cache=True).past_key_values
        for entry in cache.layers:
            assert isinstance(entry, MixerCacheLayer)
            entry.tokens = tokens
        return cache
    config = model.config
    cache = (
        DynamicCache(config=config) if kind == "dynamic"
        else StaticCache(config=config, max_cache_len=tokens + ROOM)
    )  # fmt: skip
    for index, layer in enumerate(attention_layers(model)):
        size = (batch, layer.head.kv_heads, tokens, layer.head.head_dim)
        k, v = (torch.randn(size, device=model.device, dtype=model.dtype) for _ in "kv")
        cache.update(k, v, index)
    return cache


def decode_step(model: PreTrainedModel, kind: str, batch: int, tokens: int) -> tuple[Call, int]:
    """One step after `tokens` tokens, and the bytes of its cache."""
    cache = filled(model, kind, batch, tokens)
    ids = torch.ones(batch, 1, dtype=torch.long, device=model.device)

    def step() -> None:
        cast(Any, model)(input_ids=ids, past_key_values=cache, use_cache=True)
        if kind == "static":  # the next call writes the same slot: there is no room for all
            for entry in cast(Any, cache).layers:
                entry.cumulative_length.fill_(tokens)

    return step, cache_bytes(cache)


def check_caches(models: list[PreTrainedModel]) -> None:
    """What is timed does what it should: a dynamic and a static cache give the same logits, and a
    converted model's step those of its prefill.

    Raises:
        ArithmeticError: they do not.
    """
    original, converted = models
    ids = torch.randint(original.config.vocab_size, (1, 40), device=original.device)
    static = StaticCache(config=original.config, max_cache_len=64)
    for model, cache in ((original, None), (original, static), (converted, None)):
        whole = cast(Any, model)(input_ids=ids, use_cache=False).logits[:, -1]
        first = cast(Any, model)(input_ids=ids[:, :-1], past_key_values=cache, use_cache=True)
        last = cast(Any, model)(
            input_ids=ids[:, -1:], past_key_values=first.past_key_values, use_cache=True
        ).logits[:, -1]
        difference = (last - whole).norm() / whole.norm()
        if difference > 16 * torch.finfo(model.dtype).eps:
            raise ArithmeticError(f"decode differs from prefill by {difference:.1e}")


def largest(most: int, budget: float, bytes_each: float) -> int:
    """The largest power of two of sequences within the budget, at most `most`; at least 1."""
    fits = max(1, min(most, int(budget / bytes_each)))
    return 1 << (fits.bit_length() - 1)


def measure_decode(
    models: list[PreTrainedModel], tokens: int, budget_bytes: float, device: torch.device
) -> dict[str, Any]:
    """Decode steps at three batch sizes."""
    original, converted = models
    state = cache_bytes(filled(converted, "state", 1, tokens))
    kv = kv_bytes_per_token(original) * tokens
    most = MOST_BATCH[device.type]
    equal, own = largest(most, budget_bytes, 2 * kv), largest(most, budget_bytes, state)
    found: dict[str, Any] = {"kv_cache_bytes": kv, "state_bytes": state}
    best: dict[str, float] = {}
    for batch in sorted({1, equal, own}):
        kinds = {"converted": (converted, "state")}
        if batch <= equal:
            # One beside the other they would not fit: a step of `dynamic` writes a new cache.
            kinds |= {f"original_{k}": (original, k) for k in ("dynamic", "static")}
        steps = {n: decode_step(m, kind, batch, tokens) for n, (m, kind) in kinds.items()}
        readings = interleaved({n: call for n, (call, _) in steps.items()}, device, 6.0)
        row: dict[str, Any] = {n: r.report() for n, r in readings.items()}
        rates = {n: batch / r.median_s for n, r in readings.items()}
        for name, rate in rates.items():
            row[name]["tokens_per_s"] = digits(rate)
            side = name.split("_")[0]
            best[side] = max(best.get(side, 0.0), rate)
        theirs = [rate for n, rate in rates.items() if n.startswith("original")]
        if theirs:
            row["converted_over_original"] = digits(rates["converted"] / max(theirs))
        found[f"batch_{batch}"] = row
        say(f"  decode at {tokens}, batch {batch}: " + ", ".join(
            f"{n} {rate:.4g} tokens/s" for n, rate in rates.items()
        ))  # fmt: skip
        del steps
    found["each_at_its_best_batch"] = digits(best["converted"] / best["original"])
    return found


def measure_prefill(
    models: list[PreTrainedModel], tokens: int, device: torch.device
) -> dict[str, Any]:
    """Reading a prompt of so many tokens, batch 1."""
    ids = torch.randint(models[0].config.vocab_size, (1, tokens), device=device)

    def call(model: PreTrainedModel) -> Call:
        return lambda: cast(Any, model)(input_ids=ids, use_cache=True, logits_to_keep=1)

    calls = {name: call(m) for name, m in zip(("original", "converted"), models, strict=True)}
    readings = interleaved(calls, device, 6.0)
    row: dict[str, Any] = {name: reading.report() for name, reading in readings.items()}
    ratio = readings["original"].median_s / readings["converted"].median_s
    row["converted_over_original"] = digits(ratio)
    say(f"  prefill of {tokens}: converted {digits(ratio)} x as fast")
    return row


@torch.inference_mode()
def measure_model(
    name: str, lengths: list[int], cache_gib: float | None, device: torch.device, features: int
) -> dict[str, Any]:
    """One model at every length, and from which length on conversion pays."""
    say(name)
    models = pair(name, max(lengths), device, features)
    check_caches(models)
    budget_bytes = (cache_gib or 2.0) * 2**30
    if cache_gib is None and device.type == "cuda":
        budget_bytes = 0.8 * torch.cuda.mem_get_info(device)[0]
    prefill = {n: measure_prefill(models, n, device) for n in lengths}
    decode = {n: measure_decode(models, n, budget_bytes, device) for n in lengths}
    state = next(iter(decode.values()))["state_bytes"]

    def ratios(rows: list[dict[str, Any]]) -> list[float]:
        return [row["converted_over_original"] for row in rows]

    return {
        "model": name, "parameters": sum(p.numel() for p in models[0].parameters()),
        "prefill": prefill, "decode": decode,
        "converted_is_not_slower_from": {
            "prefill": crossover(lengths, ratios(list(prefill.values()))),
            "decode_batch_1": crossover(lengths, ratios([r["batch_1"] for r in decode.values()])),
        },
        "converted_is_smaller_above_tokens": digits(state / kv_bytes_per_token(models[0])),
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
        "note": "random weights: timing only; eager on both sides",
        "environment": {**machine(device), "transformers": hf.__version__},
        "features": options.features, "models": [],
    }  # fmt: skip
    each = [int(n) for n in lengths.split(",")]
    for name in names.split(","):
        measured = measure_model(name, each, options.cache_gib, device, options.features)
        found["models"].append(measured)
    found["environment"]["load_average_after"] = load_average()
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
