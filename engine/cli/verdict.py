"""A verdict in English sentences, from the JSON of the comparison."""

from __future__ import annotations

from typing import Any

from engine.cli import tables
from engine.cli.words import counted, times

WORDS: dict[str, str] = {
    "go": "Go",
    "conditional": "Conditional",
    "no_go": "No-Go",
    "not_enough_evidence": "Not enough evidence",
}
_UNITS: dict[str, str] = {"starts": "separate starts of both models"}
"""Units that need more than their name."""
_OVERALL = {
    "no_gates": "No acceptance gate was set.",
    "gates_not_frozen": "No acceptance gates were set before the run; those below came later.",
    "gates_changed": "The acceptance gates were altered after the run was created: their seal is"
    " broken.",
}
_WHY = {
    "too_few": "too few {unit} for an interval",
    "not_finite": "the converted model's likelihoods are not finite numbers",
    "not_measured": "this was not measured{at}",
    "no_control": "the acceptance gate names the control, and none was trained; train it, or set"
    " gates.quality_against=original",
    "original_fails": "the original itself fails these questions, so they say nothing about the"
    " conversion",
    "original_guesses": "not judged: the original itself does no better than guessing on this text",
    "control_guesses": "not judged: the control does no better than guessing on this text, so its"
    " training went wrong",
    "scatters": "the repeats scatter too much to tell; measure again on an idle machine, with"
    " `compare RUN --lengths`",
    "original_out_of_memory": "the original ran out of memory here, the converted model did not",
    "converted_out_of_memory": "the converted model ran out of memory here",
}


def comparison(result: dict[str, Any] | None) -> str:
    """The verdict of a comparison, and its tables."""
    if result is None:
        return tables.comparison(None)
    return f"{verdict(result.get('verdict'))}\n\n{tables.comparison(result)}"


def verdict(found: dict[str, Any] | None) -> str:
    """The overall verdict and one sentence for each gate."""
    if found is None:
        return "Verdict: none. This comparison was made before there were acceptance gates."
    head = f"Decided by: {', '.join(found['decided_by'])}."
    if found["reason"] != "decided":
        head = _OVERALL[found["reason"]]
    lines = [f"Verdict: {WORDS[found['verdict']]}. {head}"]
    lines += [
        f"  {one['gate']}: {WORDS[one['verdict']]}. {sentence(one)}" for one in found["gates"]
    ]
    return "\n".join(lines)


def sentence(one: dict[str, Any]) -> str:
    """What a gate's verdict rests on: the number, its interval and n, the threshold, and what would
    settle it."""
    parts = []
    if one["value"] is not None:
        parts.append(_measured(one))
    if one["reason"] in _WHY:
        parts.append(_WHY[one["reason"]].format(unit=one["unit"], at=_at(one)))
    parts.append(f"the acceptance gate is {_limit(one)}")
    text = "; ".join(parts)
    text = text[0].upper() + text[1:] + "."
    return " ".join([text, *_condition(one), *_settle(one)])


def _figure(gate: str, value: float) -> str:
    if gate == "quality":
        return f"{value:+,.2f} %"
    return f"{value:+.1f} points" if gate == "recall" else times(value)


def _limit(one: dict[str, Any]) -> str:
    limit = one["limit"]
    if one["gate"] == "quality":
        return f"at most {limit:+g} %"
    if one["gate"] == "recall":
        return f"at most {limit:g} points lost"
    return f"at least {limit:g}x" if one["gate"] == "speed" else f"at most {limit:g}x"


def _at(one: dict[str, Any]) -> str:
    return f" at {counted(one['context_tokens'], 'token')}" if one["context_tokens"] else ""


def _measured(one: dict[str, Any]) -> str:
    gate = one["gate"]
    figure, at = _figure(gate, one["value"]), _at(one)
    what = {
        "quality": f"perplexity is {figure} against the {one['reference']}",
        "recall": f"facts lost: {figure} against the original",
        "speed": f"decode runs at {figure} the original's speed{at}",
        "memory": f"the cache holds {figure} the original's bytes{at} (exact)",
        "cost": f"a document takes {figure} the original's time{at}",
    }[gate]
    interval = one["interval"]
    if interval is None:
        return what
    ends = " to ".join(_figure(gate, interval[end]) for end in ("low", "high"))
    level = 100 * interval["level"]
    return f"{what} ({level:g} % interval {ends}; n = {interval['n']} {_unit(one)})"


def _unit(one: dict[str, Any]) -> str:
    unit: str = one["unit"]
    return _UNITS.get(unit, unit)


def _condition(one: dict[str, Any]) -> list[str]:
    lengths = ", ".join(f"{tokens:,}" for tokens in one["at_tokens"])
    if one["reason"] == "lost_at":
        return [f"But significantly fewer facts are found {lengths} tokens back."]
    if one["reason"] == "worse_at":
        worse = {"speed": "slower", "memory": "larger"}[one["gate"]]
        return [f"But it is {worse} than the original at {lengths} tokens."]
    return []


def _settle(one: dict[str, Any]) -> list[str]:
    if one["verdict"] != "not_enough_evidence":
        return []
    from engine.evidence.verdict import GateVerdict, fewest_more

    fewest = fewest_more(GateVerdict.model_validate(one))
    if one["more"] is None and fewest is not None:
        least = f"At least about {fewest:,} more {_unit(one)} would be needed"
        return [f"{least}, and perhaps far more: the documents differ much."]
    if one["more"] is not None:
        least = f"{fewest:,} to " if fewest is not None else ""
        said = [f"About {least}{one['more']:,} more {_unit(one)} would settle it."]
        if one["unit"] == "starts":
            said.append("Each is two of comparison.repeats.")
        if one.get("unscored"):
            said.append(
                f"{counted(one['unscored'], 'held-out document')} lay beyond the token budget:"
                " a new run with a larger comparison.heldout_tokens scores more of them."
            )
        return said
    if one["reason"] == "crosses":
        return ["It lies too close to the acceptance gate for any reasonable number to settle it."]
    if one["reason"] == "not_measured":
        length = one["context_tokens"] or "512,2048"
        return [f"Measuring again with `compare RUN --lengths {length}` may settle it."]
    return []
