"""Endless business records whose facts are needed again much later.

A record states facts ("The part number of the pump at Osaka: KD402."), goes on with ordinary log
sentences, and asks for the facts back later ("Q: What is the part number of the pump at Osaka?
A: The part number of the pump at Osaka: KD402."). Values are random, so only a reader that
remembers can give them; and every fact comes with the character spans of its statement and of
every place that needs it back.
"""

from __future__ import annotations

import heapq
import itertools
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from engine.data.vocabulary import Attribute, Vocabulary
from engine.data.vocabulary_en import ENGLISH
from engine.data.vocabulary_ja import JAPANESE

Language = Literal["en", "ja"]
LANGUAGES: tuple[Language, ...] = ("en", "ja")
_VOCABULARIES: dict[str, Vocabulary] = {"en": ENGLISH, "ja": JAPANESE}

# Reserved seeds. A document depends on its seed, language and size alone, so disjoint ranges keep
# what a model is tested on apart from what it was trained on.
TRAINING_SEEDS = range(2**40)
BUNDLED_SEEDS = range(2**40, 2**41)
HELD_OUT_SEEDS = range(2**41, 2**42)
PROBE_SEEDS = range(2**42, 2**43)

_ENTRY_SENTENCES = (4, 5, 6, 7)
# Letters that look like digits are left out, as real part numbers do.
_PLACEHOLDERS = {"?": "ABCDEFGHJKLMNPRSTUVWXYZ", "#": "0123456789", "+": "123456789"}
_SUMMARY_SHARE = 0.08
_NEAREST_QUESTION_CHARACTERS = 20


@dataclass(frozen=True)
class Recall:
    """One question about one fact; all offsets are character offsets into `Document.text`."""

    fact_start: int
    fact_end: int
    answer_start: int
    answer_end: int
    kind: str


@dataclass(frozen=True)
class Document:
    """A record and its ground truth; `recalls` are in the order of their answers."""

    language: Language
    text: str
    recalls: tuple[Recall, ...]


@dataclass(frozen=True)
class _Fact:
    fields: dict[str, str]
    kind: str
    start: int
    end: int


@dataclass
class _Draft:
    """Text in the making; keeps its length so that spans are known as they are written."""

    parts: list[str] = field(default_factory=list)
    length: int = 0

    def add(self, text: str) -> int:
        """Append `text` and return the offset at which it starts."""
        start = self.length
        self.parts.append(text)
        self.length += len(text)
        return start


def business_document(seed: int, language: Language, characters: int) -> Document:
    """The record with this seed, of at most `characters` characters (short of it by a sentence or
    two); `characters` must be at least 300, since less has no room for a fact and a question.
    """
    if characters < 300:
        raise ValueError(f"a business document needs at least 300 characters, not {characters}")
    return _Writer(random.Random(f"{language}-{seed}"), language, characters).write()


def business_documents(
    seed: int,
    languages: Sequence[Language] = LANGUAGES,
    characters: tuple[int, int] = (3_000, 12_000),
) -> Iterator[Document]:
    """Records without end, languages in turn, sizes drawn evenly from `characters` (both ends)."""
    for number in itertools.count(seed):
        language = languages[(number - seed) % len(languages)]
        size = random.Random(number).randint(*characters)
        yield business_document(number, language, size)


class _Writer:
    """Writes one record sentence by sentence."""

    def __init__(self, rng: random.Random, language: Language, characters: int) -> None:
        self.rng = rng
        self.language: Language = language
        self.words = _VOCABULARIES[language]
        self.characters = characters
        self.body_end = int(characters * (1 - _SUMMARY_SHARE))
        self.draft = _Draft()
        self.facts: list[_Fact] = []
        self.recalls: list[Recall] = []
        self.pending: list[tuple[int, int]] = []  # heap of (offset at which to ask, fact's index)
        self.used_values: set[str] = set()
        self.month, self.day = rng.randint(1, 6), rng.randint(1, 28)
        # Half of the records state most facts early, so that far questions are common enough.
        self.early = rng.random() < 0.5
        # Each fact of a record is about a machine and a site of its own.
        equipment = rng.sample(self.words.equipment, len(self.words.equipment))
        sites = rng.sample(self.words.sites, len(self.words.sites))
        self.machines = list(zip(equipment, sites, strict=False))

    def write(self) -> Document:
        rng, words, draft = self.rng, self.words, self.draft
        header = rng.choice(words.headers)
        draft.add(header.format(site=rng.choice(words.sites), number=rng.randint(1000, 9999)))
        room = True
        while room:
            room = self._start_entry()
            for number in range(rng.choice(_ENTRY_SENTENCES)):
                room = room and self._sentence(words.joiner if number else "")
        self._summary()
        return Document(self.language, "".join(draft.parts), tuple(self.recalls))

    def _start_entry(self) -> bool:
        self.day += self.rng.randint(0, 3)
        if self.day > 28:
            self.day, self.month = self.day - 28, self.month % 12 + 1
        date = self.words.entry_date.format(month=self.month, day=self.day)
        return self._add_if_room("\n" + date + self.words.joiner, self.body_end)

    def _sentence(self, joiner: str) -> bool:
        if self.pending and self.pending[0][0] <= self.draft.length:
            index = heapq.heappop(self.pending)[1]
            return self._recall(self.facts[index], self.words.questions, joiner, self.body_end)
        if self.machines and self.rng.random() < self._fact_probability():
            return self._state_fact(joiner)
        return self._add_if_room(joiner + self._distractor(), self.body_end)

    def _fact_probability(self) -> float:
        if not self.early:
            return 0.3
        return 0.6 if self.draft.length < 0.3 * self.body_end else 0.12

    def _state_fact(self, joiner: str) -> bool:
        equipment, site = self.machines[-1]
        attribute = self.rng.choice(self.words.attributes)
        fields = {"equipment": equipment, "site": site, "attribute": attribute.name}
        fields["value"] = self._value(attribute)
        sentence = self.rng.choice(self.words.statements).format(**fields)
        start = self.draft.length + len(joiner)
        if not self._add_if_room(joiner + sentence, self.body_end):
            return False
        self.machines.pop()
        self.facts.append(_Fact(fields, attribute.kind, start, self.draft.length))
        for _ in range(self.rng.choice((1, 1, 2))):
            self._plan_question(len(self.facts) - 1)
        return True

    def _plan_question(self, index: int) -> None:
        """Half of the questions come at an even, half at a log-even distance: far and near."""
        room = self.body_end - self.draft.length
        if room <= _NEAREST_QUESTION_CHARACTERS:
            return
        distance = self.rng.uniform(0, room)
        if self.rng.random() < 0.5:
            shortest = math.log(_NEAREST_QUESTION_CHARACTERS)
            distance = math.exp(self.rng.uniform(shortest, math.log(room)))
        heapq.heappush(self.pending, (self.draft.length + int(distance), index))

    def _recall(self, fact: _Fact, templates: Sequence[str], joiner: str, end: int) -> bool:
        before, after = self.rng.choice(templates).split("{value}")
        before = joiner + before.format(**fact.fields)
        value = fact.fields["value"]
        answer_start = self.draft.length + len(before)
        if not self._add_if_room(before + value + after, end):
            return False
        answer_end = answer_start + len(value)
        self.recalls.append(Recall(fact.start, fact.end, answer_start, answer_end, fact.kind))
        return True

    def _summary(self) -> None:
        if not self._add_if_room("\n" + self.words.summary_title + "\n", self.characters):
            return
        joiner = ""
        for fact in self.rng.sample(self.facts, len(self.facts)):
            if not self._recall(fact, self.words.summaries, joiner, self.characters):
                return
            joiner = self.words.joiner

    def _value(self, attribute: Attribute) -> str:
        """A value that is not part of another fact's ("2 May" of "12 May") nor the other way round,
        so that an answer points at one fact only."""
        while True:
            value = self._draw(attribute.pattern)
            if not any(value in used or used in value for used in self.used_values):
                self.used_values.add(value)
                return value

    def _draw(self, pattern: str) -> str:
        rng, words = self.rng, self.words
        if pattern == "{day}":
            return words.day.format(day=rng.randint(1, 28), month=rng.choice(words.months))
        if pattern.startswith("{site}"):
            return rng.choice(words.sites) + self._draw(pattern.removeprefix("{site}"))
        return "".join(rng.choice(_PLACEHOLDERS.get(c, c)) for c in pattern)

    def _distractor(self) -> str:
        rng, words = self.rng, self.words
        return rng.choice(words.distractors).format(
            who=rng.choice(words.who),
            did=rng.choice(words.did),
            when=rng.choice(words.when),
            equipment=rng.choice(words.equipment),
            site=rng.choice(words.sites),
        )

    def _add_if_room(self, text: str, end: int) -> bool:
        if self.draft.length + len(text) > end:
            return False
        self.draft.add(text)
        return True
