"""Are the verdicts calibrated? Planted truths, judged thousands of times, into one JSON file.

    python -m benchmarks.calibration benchmarks/results/calibration-DATE.json
    python -m benchmarks.calibration benchmarks/results/calibration-DATE.json --tables

The first measures; every part is written as soon as it is done, and the same command again goes on
with the parts that are missing, or were made by other code or arguments. The second prints the
tables of docs/evidence.md from the file, and what was promised against what was found.

Quality: populations of documents whose true change in perplexity is known, because it is computed
over the whole population; data sets of n documents are drawn from them and go through the same
`judge` as a run. Half of the populations are made up (even, skewed and heavy-tailed losses), half
are real per-document losses of the bundled model and of copies damaged on purpose. Recall questions
are drawn from known chances and go through a run's own judgement too, the choice of its probes
included; so are speed and votes through their intervals. Hybrids whose linear part was made idle
are labelled by a run's own ablation, and so is one whose linear part works by a known amount.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.calibration_tables import promises, tables
from benchmarks.drawn import RECALL_TRUTHS, quality, recall, speed, votes
from benchmarks.idle_branch import idle_branch, working_branch
from benchmarks.planted import damaged_populations, made_up_populations

SIZES = (6, 10, 20, 50)
_ROOT = Path(__file__).parents[1]
_CODE = (
    "engine/evidence", "engine/core", "engine/data", "engine/methods", "engine/services",
    "benchmarks",
)  # fmt: skip
"""Where the code lies that decides the figures."""


def parts(
    *, data_sets: int, documents: int, seeds: int, sizes: tuple[int, ...] = SIZES
) -> dict[str, Callable[[], Any]]:
    """What is measured, the shortest first.

    Args:
        data_sets: drawn per truth and size.
        documents: read by the real models.
        seeds: of each kind of idle linear part.
        sizes: documents in a data set.
    """
    def judged(populations: Callable[[], dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            {"population": name,
             **quality(losses, tokens, documents=n, data_sets=data_sets, seed=number)}
            for number, (name, (losses, tokens)) in enumerate(populations().items())
            for n in sizes
        ]  # fmt: skip

    return {
        "votes": lambda: [votes(rate, n) for rate in (0.5, 0.6, 0.8) for n in (20, 50, 100)],
        "idle": lambda: idle_branch(seeds)["rows"],
        "speed": lambda: [
            speed(1.5, starts=n, repeats=each, between=sd, data_sets=data_sets, seed=n)
            for sd in (0.0, 0.05, 0.15) for n, each in ((3, 1), (3, 4), (5, 2), (10, 2))
        ],
        "recall": lambda: [
            recall(loss, original=rate, shared=shared, questions=n, data_sets=data_sets, seed=n)
            for loss, rate, shared in RECALL_TRUTHS for n in (60, 120, 240)
        ],
        "working": partial(
            working_branch, documents=documents, data_sets=data_sets, sizes=sizes
        ),
        "quality_made_up": partial(judged, made_up_populations),
        "quality_real": partial(judged, partial(damaged_populations, documents)),
    }  # fmt: skip


def measure(file: Path, wanted: dict[str, Callable[[], Any]], arguments: dict[str, int]) -> None:
    """Measure what the file does not hold yet by this code and these arguments."""
    from engine.version import VERSION

    basis = {"engine": VERSION, "arguments": arguments, "code_sha256": _code_sha256()}
    found: dict[str, Any] = json.loads(file.read_text("utf-8")) if file.exists() else {}
    if {key: found.get(key) for key in basis} != basis:
        found = {**basis, "seconds": {}, "parts": {}}
    for name, work in wanted.items():
        if name in found["parts"]:
            continue
        began = time.perf_counter()
        found["parts"][name] = work()
        found["seconds"][name] = round(time.perf_counter() - began, 1)
        beside = file.with_suffix(".part")
        beside.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
        beside.replace(file)
        sys.stderr.write(f"{name}: done in {found['seconds'][name]:,.0f} s\n")


def _code_sha256() -> str:
    """Of all code that decides the figures, so that a file never mixes two versions of it."""
    digest = hashlib.sha256()
    for folder in _CODE:
        for file in sorted((_ROOT / folder).rglob("*.py")):
            digest.update(file.relative_to(_ROOT).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def main() -> None:
    """Measure, or print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calibration", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--tables", action="store_true")
    parser.add_argument("--data-sets", type=int, default=2000, metavar="N")
    parser.add_argument("--documents", type=int, default=240, metavar="N")
    parser.add_argument("--seeds", type=int, default=20, metavar="N")
    options = parser.parse_args()
    if not options.tables:
        arguments = {name: getattr(options, name) for name in ("data_sets", "documents", "seeds")}
        measure(options.file, parts(**arguments), arguments)
        return
    found = json.loads(options.file.read_text("utf-8"))["parts"]
    print("\n\n".join([*tables(found), *promises(found)]))


if __name__ == "__main__":
    main()
