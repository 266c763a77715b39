"""How far the ratio of converted to original speed differs between two whole measurements.

    python -m benchmarks.repeatability [--model NAME] [--method NAME] [--lengths N,N] > FILE.json

Every measurement starts both models in fresh processes several times, as `compare` does. The swap
is untrained: times do not depend on what the weights are. A ratio above 1: the converted model is
faster; `difference_percent` is how far the two ratios lie apart, `inside` whether each one's 95 %
interval holds the other's estimate, and `told_apart` whether the 95 % interval of their difference
(Welch 1947) leaves out zero although nothing changed. `judgement` counts the points that break the
promise: more than 5 % apart, and told apart. Of points whose intervals are right 5 % are told
apart.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from engine import KeptLayers, convert, load
from engine.evidence.environment import environment
from engine.evidence.parts import Speed
from engine.evidence.savings import speed_interval
from engine.evidence.speed import measure
from engine.evidence.stats import LEVEL, Interval, student_quantile
from engine.methods import METHODS
from engine.models.catalogue import DEFAULT_MODEL
from engine.services.artifacts import ConversionRecord, save_model
from engine.services.timing import timed_parties

WITHIN = 5.0
"""How far two measurements of the same thing may lie apart without being told apart, in %."""


def _ratios(first: Speed, second: Speed) -> list[dict[str, Any]]:
    """Both measurements' ratios, by phase and length."""
    rows: list[dict[str, Any]] = []
    for phase in ("decode", "prefill"):
        pairs = [getattr(speed, phase) for speed in (first, second)]
        for index, point in enumerate(pairs[0].original):
            mine = [pair.converted[index] for pair in pairs]
            theirs = [pair.original[index] for pair in pairs]
            found = [speed_interval(*both) for both in zip(mine, theirs)]
            a, b = found
            if a is None or b is None:
                raise SystemExit(f"{point.context_tokens} tokens do not fit the memory.")
            rows.append({
                "phase": phase, "context_tokens": point.context_tokens,
                "repeats": [one.repeats for one in mine], "starts": [a.n, b.n],
                "threads": [[one.threads_by_start for one in pair] for pair in zip(theirs, mine)],
                "ratios": [round(a.estimate, 4), round(b.estimate, 4)],
                "difference_percent": round(100 * abs(b.estimate / a.estimate - 1), 2),
                "intervals": [[round(i.low, 4), round(i.high, 4)] for i in (a, b)],
                "inside": a.low <= b.estimate <= a.high and b.low <= a.estimate <= b.high,
                "overlap": a.low <= b.high and b.low <= a.high,
                "told_apart": told_apart(a, b),
            })  # fmt: skip
    return rows


def told_apart(a: Interval, b: Interval) -> bool:
    """Whether two ratios differ beyond what their own intervals allow (Welch's test, logs)."""
    logs = [interval.mapped(math.log) for interval in (a, b)]
    # Squared standard errors, as Student's intervals imply them.
    squares = [
        ((i.high - i.low) / 2 / student_quantile((1 + LEVEL) / 2, i.n - 1)) ** 2 for i in logs
    ]
    freedom = sum(squares) ** 2 / sum(s**2 / (i.n - 1) for s, i in zip(squares, logs))
    half = student_quantile((1 + LEVEL) / 2, freedom) * math.sqrt(sum(squares))
    return abs(logs[0].estimate - logs[1].estimate) > half


def judgement(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """How many of the points keep the promise: within 5 %, or the intervals say so."""
    broken = sum(row["difference_percent"] > WITHIN and row["told_apart"] for row in rows)
    # The chance of so many by chance alone, were every interval right and every point its own.
    chance = sum(
        math.comb(len(rows), k) * (1 - LEVEL) ** k * LEVEL ** (len(rows) - k)
        for k in range(broken, len(rows) + 1)
    )
    return {
        "points": len(rows),
        "within_5_percent": sum(row["difference_percent"] <= WITHIN for row in rows),
        "told_apart": sum(row["told_apart"] for row in rows),
        "broken": broken, "chance_of_so_many": round(chance, 4), "kept": chance > 1 - LEVEL,
    }  # fmt: skip


def main() -> None:
    """Measure twice and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.repeatability")
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--method", choices=sorted(METHODS), default="hybrid")
    parser.add_argument("--keep-softmax-every", type=int, default=4, metavar="N")
    parser.add_argument("--lengths", default="128,512,1024,2048,4096,8192", metavar="N,N")
    options = parser.parse_args()
    kept = KeptLayers(every=options.keep_softmax_every)
    method = METHODS[options.method]()
    original = load(options.model)
    where = environment(original.model, backend="original: sdpa; converted: PyTorch, chunked")
    context, learned = original.context_tokens, original.learned_positions
    with tempfile.TemporaryDirectory() as folder:
        converted = Path(folder) / "converted"
        convert(original.model, method, kept, seed=0)
        record = ConversionRecord(method=method, kept=kept)
        save_model(converted, original.model, original.tokenizer, record)
        del original
        found, took = [], []
        for number in range(2):
            began = time.perf_counter()
            start = partial(
                timed_parties, [], ref=options.model, converted=converted, fresh=True, device="cpu"
            )
            speed, _ = measure(
                start, context_tokens=[int(length) for length in options.lengths.split(",")],
                decode_tokens=16, repeats=10, trained_context=context,
                learned_positions=learned, own_processes=True,
            )  # fmt: skip
            took.append(round(time.perf_counter() - began, 1))
            found.append(speed)
            print(f"measurement {number + 1} of 2 done", file=sys.stderr)
    rows = _ratios(*found)
    document = {
        "model": options.model, "method": options.method,
        "keep_softmax_every": options.keep_softmax_every,
        "other_load": [speed.other_load for speed in found],
        "notes": [speed.note for speed in found],
        "seconds": took,
        "judgement": judgement(rows),
        "ratios": rows,
        "environment": where.model_dump(mode="json"),
    }  # fmt: skip
    print(json.dumps(document, indent=1))


if __name__ == "__main__":
    main()
