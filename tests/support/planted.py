"""Results planted so that one acceptance gate has to say what they are, and its verdict on them."""

import math

from engine.configs import AcceptanceGates, RunConfig
from engine.evidence.gates import judged_length, sealed
from engine.evidence.judging import judge
from engine.evidence.parts import (
    DocumentReading,
    ModelQuality,
    Quality,
    QuestionOutcome,
    Recall,
    Speed,
    SpeedPair,
)
from engine.evidence.verdict import GateVerdict
from tests.support import example_runs as examples

EXAMPLE = examples.comparison()
ALONE = {"quality_loss_percent": None, "recall_loss_points": None, "decode_speedup": None,
         "cache_ratio": None}  # fmt: skip


def model_quality(losses: list[float], tokens: int = 100) -> ModelQuality:
    """A model that loses so many nats per token in each document."""
    documents = tuple(
        DocumentReading(document=i, tokens=tokens, nats=loss * tokens)
        for i, loss in enumerate(losses)
    )
    return ModelQuality(
        perplexity=math.exp(sum(losses) / len(losses)), bits_per_byte=None,
        perplexity_by_position=(), tokens=tokens * len(losses), documents=len(losses),
        by_document=documents,
    )  # fmt: skip


def planted_quality(loss: float, spread: float = 0.0, n: int = 20, control: bool = True) -> Quality:
    """Losses of 1 nat, and `loss` more for the converted model, up and down by `spread`."""
    reference = model_quality([1.0] * n)
    return Quality(
        original=model_quality([0.5] * n), control=reference if control else None,
        converted=model_quality([1.0 + loss + spread * (-1) ** i for i in range(n)]),
        swapped_untrained=reference, kl=None, top1_agreement=None,
    )  # fmt: skip


def planted_recall(*cells: tuple[int, int, int, int]) -> Recall:
    """Cells of (distance, questions, right by the original, of these right by the converted)."""
    questions, number = [], 0
    for distance, n, ours, theirs in cells:
        for i in range(n):
            questions.append(
                QuestionOutcome(
                    number=number, language="en", kind="part", distance_tokens=distance,
                    original=i < ours, converted=i < theirs,
                )
            )  # fmt: skip
            number += 1
    return Recall(
        original=None, converted=None, languages=("en",), questions=tuple(questions), note=None
    )


def _side(length_seconds: dict[int, list[float]], *, tokens: int = 16, oom: tuple[int, ...] = ()):
    points = []
    for length, seconds in length_seconds.items():
        rate = tokens / sorted(seconds)[len(seconds) // 2] if length not in oom else None
        points.append(
            {
                "context_tokens": length, "tokens_per_s": rate, "p10": rate, "p90": rate,
                "median_ms": None, "repeats": len(seconds), "seconds": seconds, "threads": 1,
                "beyond_trained_context": length > 2048, "out_of_memory": length in oom,
            }
        )  # fmt: skip
    return points


def planted_speed(original, converted, /, prefill_s: float = 0.01, **oom) -> Speed:
    """Decode seconds by length of original and converted; `original=` and `converted=` name the
    lengths at which that model runs out of memory."""
    decode = SpeedPair.model_validate(
        {"original": _side(original, oom=oom.get("original", ())),
         "converted": _side(converted, oom=oom.get("converted", ()))}
    )  # fmt: skip
    pre = {n: [prefill_s] * len(s) for n, s in original.items()}
    prefill = SpeedPair.model_validate({"original": _side(pre), "converted": _side(pre)})
    return Speed(decode=decode, prefill=prefill, note=None)


def verdict_on(
    gates: dict, *, quality=EXAMPLE.quality, recall=EXAMPLE.recall, speed=EXAMPLE.speed,
    memory=EXAMPLE.memory,
) -> GateVerdict:  # fmt: skip
    """What the one gate that is set says of these results, judged at 2,048 trained tokens."""
    config = sealed(
        RunConfig(model="m", data="d", gates=AcceptanceGates.model_validate({**ALONE, **gates})),
        trained_context=2048,
    )
    found = judge(
        quality, recall, speed, memory, gates=config.gates, sha256=config.gates_sha256,
        length=judged_length(config, 2048),
    )  # fmt: skip
    assert len(found.gates) == 1 and found.decided_by == (found.gates[0].gate,)
    assert found.verdict == found.gates[0].verdict
    return found.gates[0]
