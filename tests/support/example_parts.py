"""Parts of a made-up comparison, in the shape of comparison.json."""

from __future__ import annotations

from typing import Any

LENGTHS = (512, 1024, 2048, 4096, 8192)
POSITIONS = ((1, 128), (128, 256), (256, 512), (512, 1024), (1024, 2048))


def quality(perplexity: float, slope: float) -> dict[str, Any]:
    """One model's quality, its perplexity going up by `slope` from position to position."""
    return {
        "perplexity": perplexity,
        "bits_per_byte": perplexity / 4,
        "perplexity_by_position": [
            {
                "from_token": a, "to_token": b, "tokens": 4000,
                "perplexity": perplexity * 1.3 + slope * i,
            }
            for i, (a, b) in enumerate(POSITIONS)
        ],
        "tokens": 38_211,
        "documents": 41,
    }  # fmt: skip


def recall(accuracies: tuple[float, ...]) -> dict[str, Any]:
    """One model's recall at five distances, 40 questions each."""
    points = [
        {"distance_tokens": d, "correct": round(a * 40), "n": 40, "accuracy": a}
        for d, a in zip((32, 256, 512, 1024, 1800), accuracies, strict=True)
    ]
    return {"by_distance": points, "by_language": []}


def speed(at_512: float, decay: float) -> list[dict[str, Any]]:
    """Tokens per second at each length, falling with the context by `decay`."""
    speeds = [at_512 / (1 + decay * length / 512) for length in LENGTHS]
    return [
        {
            "context_tokens": length, "tokens_per_s": speed, "p10": speed * 0.94,
            "p90": speed * 1.04, "median_ms": 1000 / speed, "repeats": 5, "threads": 1,
            "beyond_trained_context": length > 2048, "out_of_memory": False,
        }
        for length, speed in zip(LENGTHS, speeds, strict=True)
    ]  # fmt: skip


def memory(per_token: int, fixed: int) -> list[dict[str, Any]]:
    """Cache bytes at each length."""
    return [
        {
            "context_tokens": length, "cache_bytes": fixed + per_token * length,
            "analytic_bytes": fixed + per_token * length, "peak_bytes": None,
            "peak_source": "not measured",
        }
        for length in LENGTHS
    ]  # fmt: skip


def answer(text: str, digest: str, attention: str, speed: float) -> dict[str, Any]:
    """One model's answer, its weights' SHA-256 made of one digit."""
    return {
        "text": text, "tokens": 24, "first_token_ms": 412.7, "tokens_per_s": speed,
        "cache_bytes": 2_097_152, "weights_sha256": digest * 64, "attention": attention,
    }  # fmt: skip


def likeness(tokens: int, top1: float) -> dict[str, Any]:
    """How alike the two models predict."""
    return {"tokens": tokens, "kl": 0.0312, "kl_p95": 0.142, "top1": top1, "top5": 0.912}


def continued(prefixes: tuple[int, ...], rouge: float) -> dict[str, Any]:
    """How long each text stays the original's, and how alike the whole is."""
    return {
        "same_prefix_tokens": prefixes, "rouge_l": (rouge,) * len(prefixes),
        "mean_prefix_tokens": sum(prefixes) / len(prefixes), "mean_rouge_l": rouge,
    }  # fmt: skip


def _map_side(first: float) -> dict[str, Any]:
    """Six tokens that share what is left of their attention evenly."""
    rest = 1 - first - 0.1
    return {"first": (first,) * 6, "earlier": (0.1,) * 6,
            "passage": [[rest / (n + 1)] * (n + 1) for n in range(6)]}  # fmt: skip


def maps(token: str) -> dict[str, Any]:
    """Attention maps of six tokens, one of them given."""
    return {
        "document": 7, "from_token": 464, "tokens": ("The", " ", token, "\n", "", "点検"),
        "heads": [{"layer": n, "head": 0, "original": _map_side(0.4), "converted": _map_side(0.2)}
                  for n in (3, 0)],
        "mean_original": _map_side(0.5), "mean_converted": _map_side(0.3),
    }  # fmt: skip
