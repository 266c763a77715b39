"""Finished runs on disk, for the tests of reports: made-up numbers, real judging."""

from __future__ import annotations

import json
import random
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from engine.configs import AcceptanceGates, RunConfig
from engine.evidence.gates import sealed
from engine.evidence.judging import judge
from engine.evidence.results import Comparison
from engine.evidence.roi import MoneyInputs
from engine.runs.records import Run
from tests.support import example_runs

MONEY = MoneyInputs.model_validate(
    {
        "currency": "JPY", "prices_date": "2026-11-25", "instance_price_per_hour": 500.0,
        "instance_hours_per_month": 730.0, "documents_per_month": 100_000.0,
        "peak_documents_per_hour": 3000.0, "latency_limit_s": 30.0, "input_tokens": 2048,
        "output_tokens": 200, "conversion_price_per_hour": 300.0,
        "other_conversion_cost": 400_000.0,
    }
)  # fmt: skip
HOSTILE = (
    "<script>alert(1)</script>\"'&{{7*7}}</style><img src=x onerror=alert(1)>\u202e\x00\x0b]]>"
)
"""What a file's name, a document or an answer may hold."""


def comparison(
    *, loss_percent: float = 0.5, slower: float = 0.8, seed: int = 0, **changes: Any
) -> Comparison:
    """A whole comparison with readings by document, question and repeat.

    Args:
        loss_percent: how much worse the converted model's perplexity is than the control's.
        slower: decode speed, converted / original.
        changes: top-level parts to replace.
    """
    rng = random.Random(seed)
    made = example_runs.comparison().model_dump(mode="json")
    documents = [(number, rng.randint(300, 1500)) for number in range(12)]
    for party, nats in (("original", 0.96), ("control", 0.95), ("converted", 0.95)):
        extra = loss_percent / 100 if party == "converted" else 0.0
        made["quality"][party]["by_document"] = [
            {"document": n, "tokens": tokens,
             "nats": tokens * (nats + extra) + (rng.gauss(0, 0.3) if extra else 0)}
            for n, tokens in documents
        ]  # fmt: skip
        made["quality"][party]["documents"] = len(documents)
    made["recall"]["questions"] = [
        {"number": n, "language": "en" if n % 2 else "ja", "kind": "part", "distance_tokens": 512,
         "original": True, "converted": n % 40 != 0, "control": True}
        for n in range(120)
    ]  # fmt: skip
    for phase in ("decode", "prefill"):
        for original, converted in zip(*(made["speed"][phase][p] for p in
                                         ("original", "converted"))):  # fmt: skip
            times = [1.0 + 0.02 * rng.random() for _ in range(5)]
            original["seconds"] = times
            converted["seconds"] = [t / slower * (1 + 0.01 * rng.random()) for t in times]
    result = Comparison.model_validate({**made, **changes})
    config = config_of()
    found = judge(
        result.quality, result.recall, result.speed, result.memory,
        gates=config.gates, sha256=config.gates_sha256, length=2048,
    )  # fmt: skip
    return result.model_copy(update={"verdict": found})


def passing() -> Comparison:
    """Every gate is met: the converted model is faster, and no fact is lost."""
    recall = comparison().model_dump(mode="json")["recall"]
    for question in recall["questions"]:
        question["converted"] = True
    return comparison(slower=1.2, recall=recall)


def config_of(**changes: Any) -> RunConfig:
    """Sealed settings."""
    values = {"model": "business-2k", "data": "cases.jsonl", "gates": AcceptanceGates()}
    return sealed(RunConfig(**{**values, **changes}), trained_context=2048)


def finished_run(folder: Path, made: Comparison, *, name: str | None = None, **config: Any) -> Run:
    """A run's folder with everything a worker leaves, and its row."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = config_of(**config).model_dump(mode="json")
    (folder / "comparison.json").write_text(made.model_dump_json(), "utf-8")
    (folder / "config.json").write_text(json.dumps(settings), "utf-8")
    for part in ("data", "converted"):
        (folder / part).mkdir(exist_ok=True)
    (folder / "data" / "cases.jsonl").write_text('{"text": "a"}\n', "utf-8")
    (folder / "converted" / "model.safetensors").write_bytes(b"weights")
    return example_runs.run(folder=folder, config=settings, name=name)


def run_before_gates(folder: Path) -> Run:
    """A run of schema version 1: no gates, no readings by document, question or repeat."""
    made = json.loads(comparison().model_dump_json())
    made |= {"schema_version": 1, "verdict": None}
    for party in ("original", "control", "converted", "swapped_untrained"):
        made["quality"][party]["by_document"] = []
    made["recall"]["questions"] = []
    for phase in ("prefill", "decode"):
        for party in ("original", "converted"):
            for point in made["speed"][phase][party]:
                point["seconds"] = []
    run = finished_run(folder, Comparison.model_validate(made))
    config = {k: v for k, v in run.config.items() if k not in ("gates", "gates_sha256", "goal")}
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    return replace(run, config=config)


def strings(value: Any) -> list[str]:
    """Every text in a report's content, in its order."""
    if isinstance(value, str):
        return [value]
    if is_dataclass(value):
        return [text for field in fields(value) for text in strings(getattr(value, field.name))]
    if isinstance(value, tuple):
        return [text for one in value for text in strings(one)]
    return []
