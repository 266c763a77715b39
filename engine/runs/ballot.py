"""The blind vote of a run: the next pair, casting a vote, the count so far."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, get_args

from engine.errors import BadRunConfig, OriginalChanged
from engine.evidence.votes import Choice, VoteCount, VotePair, VotePairs, count
from engine.runs import service
from engine.services.jsonfile import write_json

VOTES_FILE = "votes.json"


def pairs(run_id: str) -> VotePairs:
    """The run's pairs.

    Raises:
        BadRunConfig: it has none: it is not done, or was made before there were any.
        OriginalChanged: another original wrote them than the one the run was created with.
    """
    run = service.get(run_id)
    file = run.folder / "pairs.json"
    if not file.is_file():
        raise BadRunConfig(
            "The run has no pairs of answers to vote on.",
            "They are made with the comparison: measure again with `compare RUN --lengths`.",
        )
    found = VotePairs.model_validate_json(file.read_bytes())
    pinned = run.config.get("weights_sha256")
    if pinned and found.original_sha256 and pinned != found.original_sha256:
        raise OriginalChanged(
            "Another original wrote the pairs than the one that the run was created with.",
            "Put the original weights back, delete pairs.json and measure again.",
        )
    return found


def votes(run_id: str) -> dict[int, Choice]:
    """The votes cast, by the numbers of their pairs."""
    file = service.get(run_id).folder / VOTES_FILE
    stored: dict[str, Any] = json.loads(file.read_text("utf-8")) if file.is_file() else {}
    return {int(number): choice for number, choice in stored.items()}


def next_pair(run_id: str, cast: Mapping[int, Choice] | None = None) -> VotePair | None:
    """The first pair without a vote; None when all have one. `cast` in place of stored votes."""
    cast = votes(run_id) if cast is None else cast
    return next((pair for pair in pairs(run_id).pairs if pair.number not in cast), None)


def vote(run_id: str, number: int, choice: str) -> VoteCount:
    """Cast a vote on a pair, in place of an earlier one; gives the count.

    Raises:
        BadRunConfig: there is no such pair or choice.
        ReadOnlyRun: the run is a sample.
    """
    service.require_own(run_id)
    cast = {**votes(run_id), number: checked(run_id, number, choice)}
    write_json(service.get(run_id).folder / VOTES_FILE, cast)
    return counted(run_id)


def checked(run_id: str, number: int, choice: str) -> Choice:
    """The choice, as a vote on a pair that there is.

    Raises:
        BadRunConfig: there is no such pair or choice.
    """
    every = pairs(run_id)
    known: dict[str, Choice] = {one: one for one in get_args(Choice)}
    if choice not in known:
        raise BadRunConfig(f"{choice!r} is no vote.", f"Vote for one of: {', '.join(known)}.")
    if number not in {pair.number for pair in every.pairs}:
        raise BadRunConfig(f"There is no pair {number}.", f"There are {len(every.pairs)} pairs.")
    return known[choice]


def counted(run_id: str, cast: Mapping[int, Choice] | None = None) -> VoteCount:
    """The count so far. `cast` in place of stored votes."""
    return count(pairs(run_id), votes(run_id) if cast is None else cast)
