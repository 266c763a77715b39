"""Several seeds of one training, on the command line."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from engine.cli.verdict import WORDS
from engine.cli.words import table

if TYPE_CHECKING:
    from engine.evidence.seeds import Seeds


def seeds(text: str) -> list[int]:
    """Seeds of --seeds, e.g. "0,1,2".

    Raises:
        ValueError: it is not at least two different whole numbers from 0 on.
    """
    found = [int(part) for part in text.split(",")]
    if len(set(found)) < max(2, len(found)) or min(found) < 0:
        raise argparse.ArgumentTypeError("write two different seeds or more, e.g. 0,1,2")
    return found


def told(found: Seeds) -> str:
    """A table of the runs, and what they say together."""
    gates = list(found.gates)
    rows = [
        (
            one.run, one.seed, _signed(one.change_percent),
            WORDS[one.verdict] if one.verdict else None,
            *(WORDS[one.gates[gate]] if gate in one.gates else None for gate in gates),
        )
        for one in found.runs
    ]  # fmt: skip
    head = ("run", "seed", f"perplexity against the {found.reference}", "verdict", *gates)
    return "\n".join([table(head, rows), "", *sentences(found)])


def sentences(found: Seeds) -> list[str]:
    """The verdicts, and the change in perplexity with its spread."""
    n = len(found.runs)
    lines = [f"{n} seeds: {_counts(found.verdicts, n)}."]
    if found.verdicts and found.agreed is None:
        lines.append("The verdict depends on the seed.")
    lines += [
        f"  {gate}: {_counts(counts, n)}" for gate, counts in found.gates.items()
    ]  # fmt: skip
    if found.mean_percent is None:
        return [*lines, "Perplexity cannot be judged for all of them."]
    line = (
        f"Perplexity against the {found.reference}: mean {_signed(found.mean_percent)}, from"
        f" {_signed(found.least_percent)} to {_signed(found.most_percent)}; standard deviation"
        f" between seeds {found.spread_points:.2f} points"
    )
    if found.interval is None:
        return [*lines, line + ". Three seeds or more have an interval."]
    low, high = found.interval.low, found.interval.high
    return [*lines, f"{line}; 95 % interval of the mean {_signed(low)} to {_signed(high)}, over"
            " seeds, on the same documents."]  # fmt: skip


def _counts(verdicts: dict, n: int) -> str:
    if not verdicts:
        return "no verdict"
    if len(verdicts) == 1 and (word := next(iter(verdicts))) and verdicts[word] == n:
        return f"{WORDS[word]} in all {n}"
    return ", ".join(f"{WORDS[word]} in {count}" for word, count in verdicts.items())


def _signed(percent: float | None) -> str | None:
    return None if percent is None else f"{percent:+.2f} %"
