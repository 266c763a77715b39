"""What a comparison holds only where it was asked for: a task, pairs, timings in detail."""

from __future__ import annotations

from typing import Any

from tests.support import example_parts as parts
from tests.support.example_runs import EVIL


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
        "decode": {"original": parts.speed(310, 0.14), "converted": parts.speed(255, 0.0)},
        "prefill": {"original": parts.speed(9100, 0.22), "converted": parts.speed(7800, 0.0)},
        "note": "Batch size 1.",
        "baselines": [
            {"context_tokens": n, "cache": "static" if n > 1024 else "dynamic", "dynamic_ms": 3.0,
             "static_ms": 2.8} for n in parts.LENGTHS],
        "energy": {"source": "made up", "points": [
            {"context_tokens": 512, "original_prefill": 1.25, "original_decode": 40.0,
             "converted_prefill": 1.5, "converted_decode": None}]},
    }  # fmt: skip
    full = {"tokens_per_s": None, "p10": None, "p90": None, "median_ms": None, "repeats": 0,
            "out_of_memory": True}  # fmt: skip
    batch = {
        phase: {"original": [*parts.speed(620, 0.2)[:-1], {**parts.speed(620, 0.2)[-1], **full}],
                "converted": parts.speed(500, 0.0)} for phase in ("decode", "prefill")
    }  # fmt: skip
    memory = {"original": parts.memory(4096, 0), "converted": parts.memory(1024, 139_264)}
    memory["original"][-1] |= {"cache_bytes": None}
    return {
        "speed": speed,
        "batches": [{"batch_size": 2, "speed": {**batch, "note": None}, "memory": memory}],
    }
