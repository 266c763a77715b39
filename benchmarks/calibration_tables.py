"""The calibration's file as the tables of docs/evidence.md, and what was promised."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.evidence.inner_parts import IDLE_NATS

_VERDICTS_OF = ("no loss", "noise 5%", "noise 15%", "noise 20%")
_VERDICT_SIZES = (6, 10, 50)
DAMAGE_POINTS, DAMAGE_QUESTIONS = 20, 120
"""The documented size of damage to recall: points lost, from so many questions on."""
DAMAGE_POPULATION, DAMAGE_DOCUMENTS = "real, noise 15%", 10
"""The same for quality: the population, from so many documents on."""


def tables(found: dict[str, list[dict[str, Any]]]) -> list[str]:
    """Coverage of quality, its verdicts, recall, speed, linear parts and votes, as Markdown."""
    quality = [*found["quality_made_up"], *found["quality_real"]]
    sizes = sorted({row["documents"] for row in quality})
    by_name: dict[str, list[dict[str, Any]]] = {}
    for row in quality:
        by_name.setdefault(row["population"], []).append(row)
    covered = [
        [name, f"{rows[0]['truth']:+,.2f} %", *(_share(row["coverage"]) for row in rows)]
        for name, rows in by_name.items()
    ]
    verdicts = [
        [f"{row['population']} ({row['truth']:+.1f} %)", str(row["documents"]),
         _share(row["called_worse"]), _share(row["default_gate_go"]),
         _share(row["default_gate_no_go"])]
        for row in quality
        if row["population"].endswith(_VERDICTS_OF) and row["documents"] in _VERDICT_SIZES
    ]  # fmt: skip
    recall = [
        [f"{100 * row['original']:.0f} %", f"{row['truth']:.0f}", str(row["questions"]),
         f"{row['mean_judged_questions']:.0f}", _share(row["coverage"]),
         *(_share(row[name]) for name in
           ("called_worse", "default_gate_no_go", "some_distance_called_lost"))]
        for row in found["recall"]
    ]  # fmt: skip
    speed = [
        [str(row["starts"]), str(row["repeats"]), f"{100 * row['between_starts']:.0f} %",
         _share(row["coverage"]), _share(row["coverage_in_one_start"])]
        for row in found["speed"]
    ]  # fmt: skip
    working = [
        [f"{row['truth']:.4f}", str(row["documents"]),
         *(_share(row[name]) for name in ("idle", "undecided", "partly", "carries", "coverage"))]
        for row in found["working"]
    ]  # fmt: skip
    votes = [row["coverage"] for row in found["votes"]]
    return [
        _table(["population", "true change", *map(str, sizes)], covered),
        _table(["population", "documents", "called worse", "Go", "No-Go"], verdicts),
        _table(["original answers", "true loss (points)", "questions", "judged on average",
                "covered", "called worse", "No-Go at 5 points", "some distance lost"], recall),
        _table(["starts", "repeats in all", "spread between starts", "covered",
                "covered, all repeats in one start"], speed),
        _table(["true worth (nats/token)", "documents", "idle", "undecided", "partly", "carries",
                "covered"], working),
        f"Votes: {_share(min(votes))} to {_share(max(votes))} covered.",
    ]  # fmt: skip


def promises(found: dict[str, list[dict[str, Any]]]) -> list[str]:
    """Each promise, the worst figure found, and where it is not kept."""
    quality = [*found["quality_made_up"], *found["quality_real"]]
    null = [row for row in quality if row["population"].endswith("no loss")]
    null += [row for row in found["recall"] if row["truth"] == 0]
    worse = max(row["called_worse"] / row.get("judged", 1.0) for row in null)
    caught = [row["default_gate_no_go"] for row in quality
              if row["population"] == DAMAGE_POPULATION
              and row["documents"] >= DAMAGE_DOCUMENTS]  # fmt: skip
    caught += [
        row["default_gate_no_go"] for row in found["recall"]
        if row["truth"] == DAMAGE_POINTS and row["questions"] >= DAMAGE_QUESTIONS
    ]  # fmt: skip
    idle = min(row["labelled_idle"] for row in found["idle"])
    wrong = max(wrong_label(row) for row in found["working"])
    outside = [
        f"{row['population']}, {row['documents']} documents: {_share(row['coverage'])}"
        for row in quality if not 0.93 <= row["coverage"] <= 0.97
    ]  # fmt: skip
    outside += [
        f"recall, original {100 * row['original']:.0f} %, loss {row['truth']:.0f} points,"
        f" {row['questions']} questions: {_share(row['coverage'])}"
        for row in found["recall"] if not 0.93 <= row["coverage"] <= 0.97
    ]  # fmt: skip
    outside += [
        f"speed, {row['starts']} starts, spread {100 * row['between_starts']:.0f} %:"
        f" {_share(row['coverage'])}"
        for row in found["speed"] if not 0.93 <= row["coverage"] <= 0.97
    ]  # fmt: skip
    outside += [
        f"linear part worth {row['truth']:.4f}, {row['documents']} documents:"
        f" {_share(row['coverage'])}"
        for row in found["working"] if not 0.93 <= row["coverage"] <= 0.97
    ]  # fmt: skip
    return [
        "- No loss is called worse at most 5 %:"
        f" {_kept(worse <= 0.05)}, at most {_share(worse)} %.",
        "- Damage of the documented size is caught at least 95 %:"
        f" {_kept(min(caught) >= 0.95)}, at least {_share(min(caught))} %.",
        f"- An idle linear part is labelled so 100 %: {_kept(idle == 1)}, {_share(idle)} %.",
        "- A linear part that works is not called idle, nor the reverse, more than 5 %:"
        f" {_kept(wrong <= 0.05)}, at most {_share(wrong)} %.",
        "- Intervals cover the truth 93 to 97 %:"
        + (" kept." if not outside else " not kept for\n  " + ";\n  ".join(outside) + "."),
    ]


def wrong_label(row: dict[str, Any]) -> float:
    """Share of data sets whose label says the opposite of the truth; undecided is not wrong."""
    return row["idle"] if row["truth"] >= IDLE_NATS else row["partly"] + row["carries"]


def _kept(is_kept: bool) -> str:
    return "kept" if is_kept else "NOT KEPT"


def _share(value: float) -> str:
    return f"{100 * value:.1f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(cells)} |" for cells in (head, *rows)]
    return "\n".join([lines[0], "|" + "---|" * len(head), *lines[1:]])
