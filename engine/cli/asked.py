"""The user's own task and the capacity probe, as the command line prints them."""

from __future__ import annotations

from typing import Any

from engine.cli.words import between, counted, table

_PARTIES = ("original", "control", "converted")
_TITLES = {"exact_match": "exact match", "rouge_l": "ROUGE-L", "chrf": "chrF", "bleu": "BLEU"}


def _present(rows: list[dict[str, Any]]) -> list[str]:
    return [name for name in _PARTIES if rows and rows[0][name] is not None]


def _range(interval: dict[str, Any] | None) -> str | None:
    return between(interval["low"], interval["high"], 1) if interval else None


def task(found: dict[str, Any] | None) -> str:
    """Scores of the user's own task, with the change against the control, or the original where
    there is none."""
    if not found:
        return ""
    parties = _present(found["metrics"])
    against = "change_from_control" if "control" in parties else "change"
    rows = [
        (
            _TITLES[one["metric"]], *(f"{one[name]:.1f}" for name in parties),
            (change := one[against]) and f"{change['estimate']:+.1f}", _range(change),
        )
        for one in found["metrics"]
    ]  # fmt: skip
    title = (
        f"Task ({found['prompt_column']} to {found['reference_column']}),"
        f" {counted(found['documents'], 'held-out prompt')}, 0 to 100, higher is better"
    )
    compared = "control" if "control" in parties else "original"
    head = ("", *parties, f"against {compared}", "95 % interval")
    return f"{title}\n{table(head, rows)}\n{found['note']}"


def mqar(found: dict[str, Any] | None) -> str:
    """Key-value pairs kept apart, by their number."""
    if not found:
        return ""
    parties = _present(found["sizes"])
    rows = [
        (
            f"{size['pairs']:,}", *(f"{size[name]}/{size['queries']}" for name in parties),
            "yes" if size["judged"] else "not judged", _range(size["change"]),
        )
        for size in found["sizes"]
    ]  # fmt: skip
    head = ("pairs", *parties, "judged", "change, 95 % interval")
    title = "Associative recall (MQAR), queries answered"
    return f"{title}\n{table(head, rows)}\n{found['note']}"
