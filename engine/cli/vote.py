"""The blind vote on the command line."""

from __future__ import annotations

from typing import Any

from engine.cli.tables import counted
from engine.evidence.votes import VoteCount, VotePair
from engine.runs import ballot

_READINGS = {
    "converted_preferred": "the converted model is preferred",
    "original_preferred": "the original is preferred",
    "not_enough_votes": "not enough votes yet",
}


def vote(run_id: str, ballot_paper: list[str]) -> tuple[Any, str]:
    """Cast a vote, if there is one, then show the next pair and the count.

    Args:
        ballot_paper: nothing, or the pair's number and the choice.
    """
    if ballot_paper:
        number, choice = ballot_paper
        ballot.vote(run_id, int(number) if number.isdecimal() else 0, choice)
    pair, count = ballot.next_pair(run_id), ballot.counted(run_id)
    shown = pair.model_dump(exclude={"converted_side"}) if pair else None  # or it were not blind
    document = {"next": shown, "count": count.model_dump(mode="json")}
    return document, "\n\n".join([_pair(pair), _count(count)])


def _pair(pair: VotePair | None) -> str:
    if pair is None:
        return "Every pair has its vote."
    return (
        f"Pair {pair.number}. Which continuation is better?\n...{pair.prompt_tail}\n\n"
        f"LEFT:  {pair.left.strip()}\n\nRIGHT: {pair.right.strip()}\n\n"
        f"Vote: python -m engine vote RUN {pair.number} left | right | tie | both_bad"
    )


def _count(count: VoteCount) -> str:
    cast = count.converted + count.original + count.tie + count.both_bad
    text = f"{counted(cast, 'vote')} on {counted(count.pairs, 'pair')}"
    if count.same_answers:
        text += f" ({counted(count.same_answers, 'prompt')} answered alike)"
    if count.win_rate is None:
        return f"{text}; {_READINGS[count.reading]}."
    rate = count.win_rate
    return (
        f"{text}: converted {count.converted}, original {count.original}, tie {count.tie}, both bad"
        f" {count.both_bad}. The converted model wins {100 * rate.estimate:.0f} % of the"
        f" {rate.n} that prefer one ({100 * rate.level:g} % interval {100 * rate.low:.0f} to"
        f" {100 * rate.high:.0f} %): {_READINGS[count.reading]}."
    )
