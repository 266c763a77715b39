"""Beyond perplexity: is the data fit to judge by, how alike are the models, what does each part do,
and what is found in long texts?"""

from __future__ import annotations

from typing import Any

from engine.cli.words import counted, measured, perplexity, table

_PARTIES = ("original", "control", "converted")


def data_warnings(result: dict[str, Any]) -> str:
    """What makes the data unfit to judge by; nothing where nothing was found."""
    checks = result.get("data_checks") or {}
    return "\n".join(f"! {text}" for text in checks.get("warnings", ()))


def finetuning(found: dict[str, Any] | None) -> str:
    """Which step of fine-tuning each model kept, and what it means to have kept none."""
    lines = []
    for name in ("converted", "control"):
        if not found or not (end := found[name]):
            continue
        text = f"Fine-tuning of the {name} model kept step {end['kept_step']} of {end['steps']}"
        if end["kept_step"]:
            text += f": validation loss {measured(end['validation_loss'], 4, ' nats/token')}."
        elif name == "control":
            text += ": it did not help, so the control is the original unchanged."
        else:
            text += ": it did not help, so the weights are those from before it."
        lines.append(text)
    return "\n".join(lines)


def alike(result: dict[str, Any]) -> str:
    """Beyond perplexity: distributions, whole texts, and text that is not the user's."""
    lines = []
    if likeness := result.get("likeness"):
        whole = likeness["overall"]
        lines.append(
            f"Divergence at the 95th percentile: {measured(whole['kl_p95'], 4, ' nats')}; top five"
            f" shared: {measured(whole['top5'], 3, '')} of 1."
        )
    if texts := result.get("continuations"):
        said = [
            f"{name} {found['mean_prefix_tokens']:.1f} tokens, ROUGE-L {found['mean_rouge_l']:.2f}"
            for name in ("converted", "control")
            if (found := texts[name])
        ]
        lines.append(
            f"{counted(len(texts['documents']), 'continuation')} of {texts['new_tokens']} tokens, "
            f"the same as the original's: {'; '.join(said)}."
        )
    if other := result.get("forgetting"):
        found = [
            f"{name} {perplexity(scores['perplexity'])}"
            for name in _PARTIES
            if (scores := other[name])
        ]
        said = f"perplexity {', '.join(found)}. " if found else ""
        lines.append(f"Other text: {said}{other['note']}")
    return "\n".join(lines)


_LABELS = {None: "not known", "undecided": "undecided, neither surely idle nor surely working"}


def ablation(found: dict[str, Any] | None, quality: dict[str, Any]) -> str:
    """One sentence on what a hybrid's linear part is worth, and the baseline it has to beat."""
    if not found:
        return ""
    share, nats = found["linear_share"], measured(found["linear_nats"], 4, " nats/token")
    label = _LABELS.get(found["linear_branch"], found["linear_branch"])
    text = f"Linear part: {label}. Without it the converted model loses {nats}"
    if interval := found["linear_interval"]:
        ends = f"{interval['low']:.4f} to {interval['high']:.4f}"
        text += f" (95 % interval {ends}, {counted(interval['n'], 'document')})"
    text += "" if share is None else f", {100 * share:.1f} % of what its attention is worth"
    if found["questions"]:
        text += (
            f", and recalls {found['recalled_without_linear']} instead of {found['recalled']} of"
            f" {counted(found['questions'], 'fact')}"
        )
    whole, baseline = quality["converted"], found["window_and_sinks"]
    return (
        f"{text}. Perplexity: {perplexity(whole['perplexity'])} whole,"
        f" {perplexity(baseline['perplexity'])} for an untrained window with sinks."
    )


def crossovers(result: dict[str, Any]) -> str:
    """Up to which length the conversion costs, and from which it pays."""
    return "\n".join(found["note"] for found in result.get("crossovers", ()))


def needles(grid: dict[str, Any] | None) -> str:
    """Needles found by task and length, over all depths; the file has every depth."""
    if not grid:
        return ""
    rows = []
    for task in grid["tasks"]:
        for length in grid["lengths"]:
            cells = [cell for cell in task["cells"] if cell["length_tokens"] == length]
            if not cells:
                continue
            asked = sum(cell["n"] for cell in cells)
            found = [
                f"{sum(cell[name] for cell in cells)}/{asked}"
                for name in _PARTIES
                if cells[0][name] is not None
            ]
            name = f"{task['task']} ({task['language']})"
            rows.append((name, f"{length:,}", *found, "yes" if task["judged"] else "no"))
    if not rows:
        return grid["note"]
    parties = [name for name in _PARTIES if len(rows[0]) > 5 or name != "control"]
    head = ("task", "tokens", *parties, "judged")
    return f"Needles found, all depths together\n{table(head, rows)}\n{grid['note']}"
