"""Made-up results in the shape of the real ones, for the app's tests only."""

from __future__ import annotations

from typing import Any

from engine.evidence.control_parts import ControlName, ControlResult
from engine.evidence.results import Comparison
from engine.runs.records import Run, RunEvent
from tests.support import example_parts as parts

EVIL = '<img src=x onerror="document.title=1"><script>1</script>'
"""What a hostile model name, document or answer may hold."""
LENGTHS = parts.LENGTHS


def comparison(**changes: Any) -> Comparison:
    """A whole comparison; `changes` replaces top-level parts."""
    content: dict[str, Any] = {
        "quality": {
            "original": parts.quality(2.611, -0.17),
            "control": parts.quality(2.584, -0.17),
            "converted": parts.quality(2.702, -0.14),
            "swapped_untrained": parts.quality(31.4, 1.2),
            "kl": 0.0312,
            "top1_agreement": 0.953,
        },
        "recall": {
            "original": parts.recall((1.0, 1.0, 1.0, 0.975, 0.975)),
            "converted": parts.recall((1.0, 1.0, 0.95, 0.9, 0.825)),
            "control": parts.recall((1.0, 1.0, 1.0, 1.0, 0.975)),
            "languages": ("en", "ja"),
            "note": None,
        },
        "speed": {
            "decode": {"original": parts.speed(310, 0.14), "converted": parts.speed(255, 0.0)},
            "prefill": {"original": parts.speed(9100, 0.22), "converted": parts.speed(7800, 0.0)},
            "note": "Lengths above 2,048 tokens are timing only: no model was trained for them.",
        },
        "memory": {"original": parts.memory(2048, 0), "converted": parts.memory(512, 69_632)},
        "answers": {
            "prompt_tail": "…What is the part number of the seal ordered for site 7?\nAnswer:",
            "prompt_tokens": 1904,
            "prompt_tokens_dropped": 0,
            "expected": "KD402",
            "original": parts.answer(
                " KD402. The site lead was told.", "a", "softmax in 4 layers", 301
            ),
            "converted": parts.answer(
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
            "overall": parts.likeness(38_211, 0.953),
            "by_position": [
                {"from_token": a, "to_token": b, **parts.likeness(4000, 0.95)}
                for a, b in parts.POSITIONS
            ],
            "by_class": [
                {"token_class": name, **parts.likeness(9000, top1)}
                for name, top1 in (("digits", 0.871), ("latin", 0.967))
            ],
        },
        "continuations": {
            "documents": (3, 5, 8), "prompt_tokens": 900, "new_tokens": 48,
            "converted": parts.continued((20, 48, 3), 0.71),
            "control": parts.continued((48, 48, 30), 0.93),
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
            "maps": parts.maps(EVIL),
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
            "name": "business-cases", "note": "Generated records.",
            "original": parts.quality(9.11, 0), "control": parts.quality(9.32, 0),
            "converted": parts.quality(11.4, 0),
        },
        "ablation": {
            "without_linear": parts.quality(2.902, -0.1),
            "without_window": parts.quality(900.0, 1.0),
            "without_both": parts.quality(2100.0, 1.0),
            "shuffled_features": parts.quality(23.0, 1.0),
            "window_and_sinks": parts.quality(2.951, -0.1),
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
        "quality": parts.quality(2.99, -0.1), "recall": parts.recall((1.0, 0.9, 0.8, 0.5, 0.25)),
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
