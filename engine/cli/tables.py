"""What the command line prints for people: plain tables, numbers with their units."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from engine.cli import asked, beyond, timing
from engine.cli.words import counted, measured, perplexity, table, times
from engine.evidence.parts import SpeedPair
from engine.evidence.savings import speed_ratios
from engine.models.catalogue import BundledModel
from engine.runs.records import Run

_PARTIES = ("original", "control", "converted", "swapped_untrained")


def models(found: Sequence[BundledModel]) -> str:
    """The bundled models."""
    return table(
        ("model", "parameters", "context (tokens)", "languages", "licence"),
        [
            (
                m.name, f"{m.parameters:,}", f"{m.context_tokens:,}", ", ".join(m.languages),
                m.licence,
            )
            for m in found
        ],
    )  # fmt: skip


def runs(found: Sequence[Run]) -> str:
    """The runs, one a line."""
    if not found:
        return "No runs yet. Make one with `python -m engine convert MODEL DATA --out NAME`."
    return table(
        ("id", "name", "state", "created (UTC)", "model", "method"),
        [
            (
                run.id, run.name, run.state,
                time.strftime("%Y-%m-%d %H:%M", time.gmtime(run.created_at)),
                run.config["model"].rsplit("/", 1)[-1], run.config["method"]["name"],
            )
            for run in found
        ],
    )  # fmt: skip


def run_summary(run: Run) -> str:
    """One run: what, where, how far, how long."""
    lines = [
        f"run     {run.id}" + (f" ({run.name})" if run.name else ""),
        f"model   {run.config['model']}",
        f"weights {_weights(run.config)}",
        f"data    {run.config['data']}",
        f"method  {run.config['method']['name']}",
        f"state   {run.state}" + (f", step {run.step} of {run.total}" if run.working else ""),
        f"folder  {run.folder}",
    ]
    if run.error_message:
        lines += [f"error   {run.error_message}", f"hint    {run.error_hint}"]
    if run.timings:
        spent = ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in run.timings.items())
        lines.append(f"time    {sum(run.timings.values()):,.1f} s ({spent})")
    return "\n".join(lines)


def _weights(config: dict[str, Any]) -> str:
    """Which weights of the original the run was created with."""
    known = [("SHA-256", config.get("weights_sha256")), ("Hub commit", config.get("revision"))]
    said = [f"{what} {value}" for what, value in known if value]
    return ", ".join(said) or "unknown: the run is from before they were kept"


def comparison(result: dict[str, Any] | None) -> str:
    """A comparison as a few tables, in the order of the questions people ask."""
    if result is None:
        return "This run has no comparison yet."
    parts = [beyond.data_warnings(result), _quality(result["quality"])]
    parts.append(beyond.finetuning(result.get("finetuning")))
    parts.append(_by_position(result["quality"]))
    parts += [beyond.alike(result), beyond.ablation(result.get("ablation"), result["quality"])]
    parts += [_recall(result["recall"]), beyond.needles(result.get("needles"))]
    parts += [asked.task(result.get("task")), asked.mqar(result.get("mqar"))]
    parts += [_speed(result["speed"]), _memory(result["memory"]), beyond.crossovers(result)]
    parts += [timing.batches(result.get("batches", ())), timing.energy(result["speed"])]
    parts.append(_answers(result["answers"]))
    where = result["environment"]
    parts.append(
        f"Measured on {where['cpu']}, {where['device']}, {counted(where['threads'], 'thread')},"
        f" torch {where['torch']}, {where['dtype']}; {where['backend']}; {where['date']}."
    )
    return "\n\n".join(part for part in parts if part)


def _number(value: float | None, digits: int = 3) -> str | None:
    return None if value is None else f"{value:,.{digits}f}"


def _perplexity(scores: dict[str, Any]) -> str | None:
    return None if scores["perplexity"] is None else perplexity(scores["perplexity"])


def _quality(quality: dict[str, Any]) -> str:
    rows = [
        (party.replace("_", ", "), _perplexity(scores), _number(scores["bits_per_byte"]))
        for party in _PARTIES
        if (scores := quality[party]) is not None
    ]
    tokens = counted(quality["converted"]["tokens"], "held-out token")
    divergence = measured(quality["kl"], 4, " nats/token")
    share = quality["top1_agreement"]
    same = measured(None if share is None else 100 * share, 1, " % of tokens")
    return (
        f"Quality on {tokens} (lower is better)\n"
        + table(("", "perplexity", "bits per byte"), rows)
        + f"\nDivergence from the original: {divergence}; same first choice: {same}."
    )


def _by_position(quality: dict[str, Any]) -> str:
    parties = [party for party in _PARTIES[:3] if quality[party] is not None]
    bins = zip(*(quality[party]["perplexity_by_position"] for party in parties))
    rows = [
        (f"{b[0]['from_token']:,}-{b[0]['to_token'] - 1:,}", *(_perplexity(x) for x in b))
        for b in bins
    ]
    return "Perplexity by tokens of context\n" + table(("context", *parties), rows)


def _recall(recall: dict[str, Any]) -> str:
    parties = [party for party in _PARTIES[:3] if recall.get(party)]
    if not parties:
        return f"Recall of facts: not measured. {recall['note'] or ''}".rstrip()
    points = zip(*(recall[party]["by_distance"] for party in parties))
    rows = [
        (f"{p[0]['distance_tokens']:,}", *(f"{x['correct']}/{x['n']}" for x in p)) for p in points
    ]
    text = "Facts recalled, by distance in tokens\n" + table(("distance", *parties), rows)
    return text + (f"\n{recall['note']}" if recall["note"] else "")


def _pairs(pair: dict[str, Any]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    return list(zip(pair["original"], pair["converted"]))


def _ratio(converted: float | None, original: float | None) -> str | None:
    return _times(converted / original if converted and original else None)


def _times(ratio: float | None) -> str | None:
    return None if ratio is None else times(ratio)


def _speed(speed: dict[str, Any]) -> str:
    parts = []
    for phase in ("decode", "prefill"):
        ratios = dict(speed_ratios(SpeedPair.model_validate(speed[phase])))
        rows = [
            (
                f"{a['context_tokens']:,}", _number(a["tokens_per_s"], 1),
                _number(b["tokens_per_s"], 1), _times(ratios.get(a["context_tokens"])),
            )
            for a, b in _pairs(speed[phase])
        ]  # fmt: skip
        head = ("context", "original", "converted", "paired ratio")
        title = f"{phase.capitalize()} speed, median tokens/s; ratio: mean over repeats in turn"
        parts.append(f"{title}\n{table(head, rows)}")
    if speed["note"]:
        parts.append(speed["note"])
    return "\n\n".join(parts)


def _memory(memory: dict[str, Any]) -> str:
    rows = [
        (
            f"{a['context_tokens']:,}",
            None if a["cache_bytes"] is None else f"{a['cache_bytes']:,}",
            None if b["cache_bytes"] is None else f"{b['cache_bytes']:,}",
            _ratio(b["cache_bytes"], a["cache_bytes"]),
        )
        for a, b in _pairs(memory)
    ]
    return "Cache memory, bytes\n" + table(("context", "original", "converted", "ratio"), rows)


def _answers(answers: dict[str, Any]) -> str:
    lines = [f"Answers to the same prompt of {counted(answers['prompt_tokens'], 'token')}"]
    if answers.get("expected"):
        lines.append(f"  expected: {answers['expected']!r}")
    for party in ("original", "converted"):
        answer = answers[party]
        lines.append(f"  {party} ({answer['attention']}): {answer['text'].strip()[:400]!r}")
    return "\n".join(lines)
