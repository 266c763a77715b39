"""A blind vote between the two models: pairs of answers whose sides are shuffled, and their count.

A vote is for "left", "right", "tie" or "both_bad"; who wrote what is not shown before. The win rate
is the converted model's share of the votes that prefer a side, with Wilson's interval: each pair
has another prompt and one vote at most, so votes are independent.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Literal

from engine.evidence.parts import Result
from engine.evidence.stats import Interval, wilson

Choice = Literal["left", "right", "tie", "both_bad"]
Reading = Literal["converted_preferred", "original_preferred", "not_enough_votes"]


class VotePair(Result):
    """Two answers to one prompt, one on each side."""

    number: int
    """From 1, in the order shown."""
    prompt_tail: str
    """The end of the prompt."""
    left: str
    """The answer on the left."""
    right: str
    """The answer on the right."""
    converted_side: Literal["left", "right"]
    """Where the converted model's answer stands; not to be shown before the vote."""


class VotePairs(Result):
    """All pairs of a run, made once and kept, whatever is measured again."""

    pairs: tuple[VotePair, ...]
    """Pairs to vote on."""
    same_answers: int
    """Prompts that both models answered alike: there is nothing to vote on."""
    original_sha256: str | None = None
    """SHA-256 of the weights of the original that answered; null in earlier runs."""


class VoteCount(Result):
    """The votes so far."""

    pairs: int
    """Pairs to vote on."""
    same_answers: int
    """Prompts besides that both models answered alike."""
    converted: int
    """Votes for the converted model's answer."""
    original: int
    """Votes for the original's."""
    tie: int
    """Votes for both alike."""
    both_bad: int
    """Votes against both."""
    win_rate: Interval | None
    """The converted model's share of the votes that prefer a side; null before there is one."""
    reading: Reading
    """Who is preferred, if the interval is on one side of one half; else not_enough_votes."""


def shuffled(answers: Sequence[tuple[str, str, str]], *, seed: int) -> VotePairs:
    """Pairs of (end of the prompt, original's answer, converted model's answer), in a random order
    and with random sides."""
    rng = random.Random(seed)
    different = [one for one in answers if one[1] != one[2]]
    rng.shuffle(different)
    pairs = []
    for number, (prompt, original, converted) in enumerate(different, start=1):
        on_left = rng.random() < 0.5
        left, right = (converted, original) if on_left else (original, converted)
        side: Literal["left", "right"] = "left" if on_left else "right"
        pairs.append(
            VotePair(number=number, prompt_tail=prompt, left=left, right=right, converted_side=side)
        )
    return VotePairs(pairs=tuple(pairs), same_answers=len(answers) - len(different))


def count(every: VotePairs, votes: Mapping[int, Choice]) -> VoteCount:
    """Count the votes, by the numbers of their pairs."""
    side = {pair.number: pair.converted_side for pair in every.pairs}
    cast = [(side[number], choice) for number, choice in votes.items()]
    converted = sum(choice == where for where, choice in cast)
    tie, both_bad = (sum(choice == one for _, choice in cast) for one in ("tie", "both_bad"))
    original = len(cast) - converted - tie - both_bad
    rate = wilson(converted, converted + original) if converted + original else None
    reading: Reading = "not_enough_votes"
    if rate and (rate.low > 0.5 or rate.high < 0.5):
        reading = "converted_preferred" if rate.low > 0.5 else "original_preferred"
    return VoteCount(
        pairs=len(every.pairs), same_answers=every.same_answers, converted=converted,
        original=original, tie=tie, both_bad=both_bad, win_rate=rate, reading=reading,
    )  # fmt: skip
