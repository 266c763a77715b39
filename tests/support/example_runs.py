"""Made-up results in the shape of the real ones, for the app's tests only."""

from __future__ import annotations

from typing import Any

from engine.evidence.control_parts import ControlName, ControlResult
from engine.evidence.results import Comparison
from engine.runs.records import Run, RunEvent

EVIL = '<img src=x onerror="document.title=1"><script>1</script>'
"""What a hostile model name, document or answer may hold."""

LENGTHS = (512, 1024, 2048, 4096, 8192)
POSITIONS = ((1, 128), (128, 256), (256, 512), (512, 1024), (1024, 2048))


def _quality(perplexity: float, slope: float) -> dict[str, Any]:
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


def _recall(accuracies: tuple[float, ...]) -> dict[str, Any]:
    points = [
        {"distance_tokens": d, "correct": round(a * 40), "n": 40, "accuracy": a}
        for d, a in zip((32, 256, 512, 1024, 1800), accuracies, strict=True)
    ]
    return {"by_distance": points, "by_language": []}


def _speed(at_512: float, decay: float) -> list[dict[str, Any]]:
    speeds = [at_512 / (1 + decay * length / 512) for length in LENGTHS]
    return [
        {
            "context_tokens": length, "tokens_per_s": speed, "p10": speed * 0.94,
            "p90": speed * 1.04, "median_ms": 1000 / speed, "repeats": 5, "threads": 1,
            "beyond_trained_context": length > 2048, "out_of_memory": False,
        }
        for length, speed in zip(LENGTHS, speeds, strict=True)
    ]  # fmt: skip


def _memory(per_token: int, fixed: int) -> list[dict[str, Any]]:
    return [
        {
            "context_tokens": length, "cache_bytes": fixed + per_token * length,
            "analytic_bytes": fixed + per_token * length, "peak_bytes": None,
            "peak_source": "not measured",
        }
        for length in LENGTHS
    ]  # fmt: skip


def _answer(text: str, digest: str, attention: str, speed: float) -> dict[str, Any]:
    return {
        "text": text, "tokens": 24, "first_token_ms": 412.7, "tokens_per_s": speed,
        "cache_bytes": 2_097_152, "weights_sha256": digest * 64, "attention": attention,
    }  # fmt: skip


def _likeness(tokens: int, top1: float) -> dict[str, Any]:
    return {"tokens": tokens, "kl": 0.0312, "kl_p95": 0.142, "top1": top1, "top5": 0.912}


def _continued(prefixes: tuple[int, ...], rouge: float) -> dict[str, Any]:
    return {
        "same_prefix_tokens": prefixes, "rouge_l": (rouge,) * len(prefixes),
        "mean_prefix_tokens": sum(prefixes) / len(prefixes), "mean_rouge_l": rouge,
    }  # fmt: skip


def _interval(estimate: float, low: float, high: float, n: int = 40) -> dict[str, Any]:
    return {"estimate": estimate, "low": low, "high": high, "n": n}


def _score(metric: str, scores: tuple[float, float, float]) -> dict[str, Any]:
    original, control, converted = scores
    return {
        "metric": metric, "original": original, "control": control, "converted": converted,
        "change": _interval(converted - original, 1.0, 9.0),
        "change_from_control": _interval(converted - control, -7.5, -1.5),
        "corpus_original": None, "corpus_control": None, "corpus_converted": None,
        "settings": "as computed",
    }  # fmt: skip


def task(**changes: Any) -> dict[str, Any]:
    """Scores of a task at which the converted model is worse than the control."""
    return {
        "prompt_column": "question", "reference_column": "answer", "documents": 40,
        "heldout_documents": 52, "new_tokens": 60, "prompts_cut": 2, "references_longer": 1,
        "one_line": True, "tokens": "words", "judged": True,
        "metrics": [
            _score("exact_match", (2.5, 30.0, 25.0)), _score("rouge_l", (21.0, 40.2, 36.1)),
            _score("chrf", (20.0, 41.0, 37.0)), _score("bleu", (3.0, 18.0, 15.0)),
        ],
        "answers": [
            {"document": 3, "prompt_tail": "Which pump failed?", "reference": "Number 7.",
             "original": "The", "control": "Number 7.", "converted": EVIL},
        ],
        "note": "40 of 52 held-out prompts.", **changes,
    }  # fmt: skip


def mqar(judged: bool = True) -> dict[str, Any]:
    """Recall of pairs: all of 4, a third of 32."""
    change = _interval(-67.0, -80.0, -50.0, 10) if judged else None
    sizes = ((4, 40, 40, None), (32, 158, 53, change))
    return {
        "sizes": [
            {"pairs": pairs, "sequences": 10, "queries": 40 if pairs == 4 else 160,
             "original": original, "control": None, "converted": converted, "judged": judged,
             "change": interval}
            for pairs, original, converted, interval in sizes
        ],
        "note": "Random tokens.",
    }  # fmt: skip


def timed_in_detail() -> dict[str, Any]:
    """The parts `speed` and `batches`: caches tried, two inputs at once, one of them too much."""
    speed = {
        "decode": {"original": _speed(310, 0.14), "converted": _speed(255, 0.0)},
        "prefill": {"original": _speed(9100, 0.22), "converted": _speed(7800, 0.0)},
        "note": "Batch size 1.",
        "baselines": [
            {"context_tokens": n, "cache": "static" if n > 1024 else "dynamic", "dynamic_ms": 3.0,
             "static_ms": 2.8} for n in LENGTHS],
        "energy": {"source": "made up", "points": [
            {"context_tokens": 512, "original_prefill": 1.25, "original_decode": 40.0,
             "converted_prefill": 1.5, "converted_decode": None}]},
    }  # fmt: skip
    full = {"tokens_per_s": None, "p10": None, "p90": None, "median_ms": None, "repeats": 0,
            "out_of_memory": True}  # fmt: skip
    batch = {
        phase: {"original": [*_speed(620, 0.2)[:-1], {**_speed(620, 0.2)[-1], **full}],
                "converted": _speed(500, 0.0)} for phase in ("decode", "prefill")
    }  # fmt: skip
    memory = {"original": _memory(4096, 0), "converted": _memory(1024, 139_264)}
    memory["original"][-1] |= {"cache_bytes": None}
    return {
        "speed": speed,
        "batches": [{"batch_size": 2, "speed": {**batch, "note": None}, "memory": memory}],
    }


def _side(first: float) -> dict[str, Any]:
    """Six tokens that share what is left of their attention evenly."""
    rest = 1 - first - 0.1
    return {"first": (first,) * 6, "earlier": (0.1,) * 6,
            "passage": [[rest / (n + 1)] * (n + 1) for n in range(6)]}  # fmt: skip


def _maps() -> dict[str, Any]:
    return {
        "document": 7, "from_token": 464, "tokens": ("The", " ", EVIL, "\n", "", "点検"),
        "heads": [{"layer": n, "head": 0, "original": _side(0.4), "converted": _side(0.2)}
                  for n in (3, 0)],
        "mean_original": _side(0.5), "mean_converted": _side(0.3),
    }  # fmt: skip


def comparison(**changes: Any) -> Comparison:
    """A whole comparison; `changes` replaces top-level parts."""
    content: dict[str, Any] = {
        "quality": {
            "original": _quality(2.611, -0.17),
            "control": _quality(2.584, -0.17),
            "converted": _quality(2.702, -0.14),
            "swapped_untrained": _quality(31.4, 1.2),
            "kl": 0.0312,
            "top1_agreement": 0.953,
        },
        "recall": {
            "original": _recall((1.0, 1.0, 1.0, 0.975, 0.975)),
            "converted": _recall((1.0, 1.0, 0.95, 0.9, 0.825)),
            "control": _recall((1.0, 1.0, 1.0, 1.0, 0.975)),
            "languages": ("en", "ja"),
            "note": None,
        },
        "speed": {
            "decode": {"original": _speed(310, 0.14), "converted": _speed(255, 0.0)},
            "prefill": {"original": _speed(9100, 0.22), "converted": _speed(7800, 0.0)},
            "note": "Lengths above 2,048 tokens are timing only: no model was trained for them.",
        },
        "memory": {"original": _memory(2048, 0), "converted": _memory(512, 69_632)},
        "answers": {
            "prompt_tail": "…What is the part number of the seal ordered for site 7?\nAnswer:",
            "prompt_tokens": 1904,
            "prompt_tokens_dropped": 0,
            "expected": "KD402",
            "original": _answer(" KD402. The site lead was told.", "a", "softmax in 4 layers", 301),
            "converted": _answer(
                " KD402. The order is open.", "b", "hybrid in 3 layers, softmax in 1", 255
            ),
            "same_prefix_tokens": 6,
        },
        "dataset": {
            "name": "cases.jsonl", "sha256": "c" * 64, "format": "jsonl", "encoding": "UTF-8",
            "documents": 413, "duplicates": 1, "duplicates_across_split": 0,
            "splits": {
                "train": {"documents": 371, "tokens": 402_118, "unknown_tokens": 0},
                "validation": {"documents": 1, "tokens": 5751, "unknown_tokens": 1},
                "heldout": {"documents": 41, "tokens": 38_252, "unknown_tokens": 0},
            },
            "scored_tokens": 38_211,
        },
        "timing": {
            "preparing": 6.2, "transferring": 51.0, "fine-tuning": 92.4,
            "comparing: loading": 1.3, "comparing: speed and memory": 60.0, "comparing": 61.3,
        },
        "environment": {
            "machine": "Linux x86_64", "cpu": "Example CPU", "cores": 2, "threads": 2,
            "memory_bytes": 8 * 2**30, "device": "cpu", "torch": "2.13.0", "transformers": "5.23.0",
            "python": "3.11.7", "engine": "0.1.0", "dtype": "float32",
            "backend": "original: sdpa; converted: PyTorch chunked and recurrent",
            "date": "2026-11-24T01:02:03+00:00",
        },
        "conversion": {
            "method": "hybrid", "layers_converted": (0, 1, 3), "layers_kept": (2,),
            "parameters_added": 24_576,
        },
        "finetuning": {
            "converted": {"kept_step": 60, "steps": 60, "validation_loss": 1.02},
            "control": {"kept_step": 40, "steps": 60, "validation_loss": 0.95},
        },
        "data_checks": {
            "heldout_documents": 41, "leaked": ({"document": 7, "share": 0.93},), "copies": 1,
            "order_interval": {"estimate": 0.48, "low": 0.36, "high": 0.6, "n": 10},
            "warnings": ("Leak: of 1 of 41 held-out documents ...",),
        },
        "likeness": {
            "overall": _likeness(38_211, 0.953),
            "by_position": [
                {"from_token": a, "to_token": b, **_likeness(4000, 0.95)} for a, b in POSITIONS
            ],
            "by_class": [
                {"token_class": name, **_likeness(9000, top1)}
                for name, top1 in (("digits", 0.871), ("latin", 0.967))
            ],
        },
        "continuations": {
            "documents": (3, 5, 8), "prompt_tokens": 900, "new_tokens": 48,
            "converted": _continued((20, 48, 3), 0.71), "control": _continued((48, 48, 30), 0.93),
        },
        "fidelity": {
            "heads": [
                {"layer": n, "head": h, "divergence": 0.1, "entropy_original": 2.0,
                 "entropy_converted": 3.0, "look_back_original": 40.0, "look_back_converted": 60.0,
                 "sink_mass_original": 0.4, "sink_mass_converted": 0.1, "output_error": error}
                for n, h, error in ((0, 0, 0.05), (0, 1, 0.1), (3, 0, 0.8), (3, 1, None))],
            "drifting_layers": (3, 0), "tokens": 1980, "documents": 4,
            "note": "At most 512 tokens.",
            "state_at_tokens": (128, 256, 384, 512),
            "states": [{"layer": 0, "norms": (0.0, 1.5, 3.0, 4.5), "dead_features": 0.125},
                       {"layer": 3, "norms": None, "dead_features": 0.0}],
            "maps": _maps(),
        },
        "crossovers": [
            {"kind": "decode", "better": (8192,), "worse": (512,), "unclear": (2048,),
             "tokens": 2300, "note": "Decode: under about 2,300 tokens it is slower."},
        ],
        "needles": {
            "tasks": [
                {"task": "passkey", "language": "en", "judged": True, "cells": [
                    {"length_tokens": n, "depth": d, "n": 4, "original": 4, "converted": 3,
                     "control": 4} for n in (256, 2048) for d in (0.0, 1.0)]},
                {"task": "facts", "language": "ja", "judged": False, "cells": [
                    {"length_tokens": 256, "depth": 0.5, "n": 4, "original": 1, "converted": 0,
                     "control": 1}]},
            ],
            "lengths": (256, 2048), "depths": (0.0, 1.0), "per_cell": 4,
            "note": "Judged: passkey (en).",
        },
        "forgetting": {
            "name": "business-cases", "original": _quality(9.11, 0), "control": _quality(9.32, 0),
            "converted": _quality(11.4, 0), "note": "Generated records.",
        },
        "ablation": {
            "without_linear": _quality(2.902, -0.1), "without_window": _quality(900.0, 1.0),
            "without_both": _quality(2100.0, 1.0), "shuffled_features": _quality(23.0, 1.0),
            "window_and_sinks": _quality(2.951, -0.1),
            "linear_nats": 0.0714,
            "linear_interval": {"estimate": 0.0714, "low": 0.052, "high": 0.091, "n": 41},
            "attention_nats": 6.655, "linear_share": 0.0107,
            "questions": 60, "recalled": 57, "recalled_without_linear": 31,
            "recalled_by_window_and_sinks": 30, "linear_branch": "carries",
        },
    }  # fmt: skip
    return Comparison.model_validate({**content, **changes})


def control(name: ControlName, **changes: Any) -> ControlResult:
    """A control's result; `changes` replaces parts."""
    content: dict[str, Any] = {
        "name": name, "settings_sha256": "d" * 64,
        "method": name if name in ("elu", "rfa") else "hybrid", "transfer_steps": 0,
        "finetuning": {"kept_step": 140, "steps": 160, "validation_loss": 1.1},
        "quality": _quality(2.99, -0.1), "recall": _recall((1.0, 0.9, 0.8, 0.5, 0.25)),
        "lost_nats": 0.1013,
        "lost_interval": {"estimate": 0.1013, "low": 0.08, "high": 0.12, "n": 41},
        "lost_facts": {"estimate": 0.2, "low": 0.15, "high": 0.26, "n": 198},
        "seconds": 71.4, "environment": comparison().environment.model_dump(),
    }  # fmt: skip
    return ControlResult.model_validate({**content, **changes})


def config(**changes: Any) -> dict[str, Any]:
    """A run's frozen settings as stored."""
    return {
        "model": "business-2k", "data": "business-cases", "method": {"name": "hybrid"},
        "kept": {"every": 4}, "recipe_name": "quick", "seed": 0, **changes,
    }  # fmt: skip


def run(**changes: Any) -> Run:
    """A run's row."""
    from pathlib import Path

    values: dict[str, Any] = {
        "id": "20261124-0123456789ab", "name": None, "folder": Path("unused"),
        "config": config(), "state": "done", "created_at": 1_795_500_000.0,
        "timings": {"preparing": 6.2, "transferring": 51.0},
    }  # fmt: skip
    return Run(**{**values, **changes})


def events() -> list[RunEvent]:
    """A run's events: notes, a warning, transfer, fine-tuning of the converted and the control."""
    made: list[RunEvent] = []

    def add(kind: str, stage: str, step: int = 0, total: int = 0, **values: Any) -> None:
        made.append(
            RunEvent(kind, stage, step, total, values, len(made) + 1, 1_795_500_000.0 + len(made))  # pyright: ignore[reportArgumentType]
        )

    add("stage", "preparing")
    add("note", "preparing", text="12 duplicates removed")
    add("stage", "transferring")
    for step in range(1, 61):
        add("loss", "transferring", step, 60, transfer_loss=0.9 * 0.94**step + 0.08)
    add("warning", "transferring", text="3 % of the features never fired")
    add("stage", "fine-tuning")
    for step in range(1, 61):
        values: dict[str, Any] = {"track": "converted", "train_loss": 1.3 * 0.98**step + 0.6}
        if step % 20 == 0:
            values |= {"validation_loss": 1.2 - step * 0.003, "teacher_loss": 0.96}
        add("loss", "fine-tuning", step, 120, **values)
    for step in range(61, 121):
        if step % 20 == 0:
            add("loss", "fine-tuning", step, 120, track="control", validation_loss=0.95)
    return made
