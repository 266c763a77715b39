"""What a language must supply so that business records can be written in it.

The vocabulary is small and closed on purpose: a model of one or two million parameters can learn
all of it, so that what is left to measure is whether it *remembers* the values.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Attribute:
    """Something one can ask about a piece of equipment, and the shape of its values.

    In `pattern`, `?` stands for a random capital letter, `#` for a random digit, `+` for a random
    digit from 1 to 9, `{site}` for a random site and `{day}` for a random day of the year; all
    other characters stand for themselves.
    """

    kind: str
    name: str
    pattern: str


@dataclass(frozen=True)
class Vocabulary:
    """Words and sentence templates of one language.

    Templates use the fields `{attribute}`, `{equipment}`, `{site}` and `{value}`; distractor
    patterns use `{who}`, `{did}`, `{when}` and the entity fields. A statement, a question and a
    summary name the fact in the same words and the same order, as business forms do.
    """

    headers: tuple[str, ...]
    entry_date: str
    equipment: tuple[str, ...]
    sites: tuple[str, ...]
    attributes: tuple[Attribute, ...]
    day: str
    months: tuple[str, ...]
    statements: tuple[str, ...]
    questions: tuple[str, ...]
    summary_title: str
    summaries: tuple[str, ...]
    distractors: tuple[str, ...]
    who: tuple[str, ...]
    did: tuple[str, ...]
    when: tuple[str, ...]
    joiner: str
    """What stands between two sentences of one entry: a space in English, nothing in Japanese."""
