"""How far the ratio of converted to original speed differs between two whole measurements.

    python -m benchmarks.repeatability [--model NAME] [--method NAME] [--lengths N,N] > FILE.json

Every measurement starts both models in fresh processes, as `compare` does. The swap is untrained:
times do not depend on what the weights are. A ratio above 1: the converted model is faster;
`difference_percent` is how far the two ratios of medians lie apart, `inside` whether each one's
95 % interval (geometric mean over repeats) holds the other's estimate.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from engine import KeptLayers, convert, load
from engine.evidence.environment import environment
from engine.evidence.parts import Speed
from engine.evidence.savings import ratio_of_times
from engine.evidence.speed import measure
from engine.methods import METHODS
from engine.models.catalogue import DEFAULT_MODEL
from engine.services.artifacts import ConversionRecord, save_model
from engine.services.timing import timed_parties


def _ratios(first: Speed, second: Speed) -> list[dict[str, object]]:
    """Both measurements' ratios, by phase and length."""
    rows: list[dict[str, object]] = []
    for phase in ("decode", "prefill"):
        pairs = [getattr(speed, phase) for speed in (first, second)]
        for index, point in enumerate(pairs[0].original):
            medians, intervals = [], []
            for pair in pairs:
                theirs, mine = pair.original[index], pair.converted[index]
                medians.append(mine.tokens_per_s / theirs.tokens_per_s)
                intervals.append(ratio_of_times(theirs.seconds, mine.seconds))
            a, b = intervals
            rows.append({
                "phase": phase, "context_tokens": point.context_tokens,
                "repeats": [pair.converted[index].repeats for pair in pairs],
                "median_ratios": [round(m, 4) for m in medians],
                "difference_percent": round(100 * abs(medians[1] / medians[0] - 1), 2),
                "intervals": [[round(i.low, 4), round(i.high, 4)] for i in intervals],
                "inside": a.low <= b.estimate <= a.high and b.low <= a.estimate <= b.high,
                "overlap": a.low <= b.high and b.low <= a.high,
            })  # fmt: skip
    return rows


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
        found = []
        for number in range(2):
            with timed_parties(
                [], ref=options.model, converted=converted, fresh=True, device="cpu"
            ) as parties:
                speed, _ = measure(
                    *parties,
                    context_tokens=[int(length) for length in options.lengths.split(",")],
                    decode_tokens=16, repeats=10, trained_context=context,
                    learned_positions=learned, own_processes=True,
                )  # fmt: skip
            found.append(speed)
            print(f"measurement {number + 1} of 2 done", file=sys.stderr)
    document = {
        "model": options.model, "method": options.method,
        "keep_softmax_every": options.keep_softmax_every,
        "other_load": [speed.other_load for speed in found],
        "notes": [speed.note for speed in found],
        "ratios": _ratios(*found),
        "environment": where.model_dump(mode="json"),
    }  # fmt: skip
    print(json.dumps(document, indent=1))


if __name__ == "__main__":
    main()
