"""Recall tasks that any model can be asked: needles in a haystack, in the form of RULER.

Five tasks after Hsieh et al. 2024 (arXiv:2404.06654, section 3), with sentences of our own, in
English and Japanese: a number to find (passkey), one among several (multi-key), several of one name
(multi-value), several names at once (multi-query), and a chain of names that stand for each other
(variable tracking). Besides, the facts of the generated records at the same lengths and depths.

The *length* of a probe is its prompt with the answer, in tokens; its *depth* is where in the prompt
the first needle that the answer needs stands: 0 the beginning, 1 right before the question. Needles
of the same answer follow it evenly.
"""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from engine.data.documents import LANGUAGES, PROBE_SEEDS, Language, business_document
from engine.data.needle_words import WORDS, NeedleWords
from engine.data.probes import RecallProbe, recall_probes

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

NeedleTask = Literal[
    "passkey", "multi_key", "multi_value", "multi_query", "variable_tracking", "facts"
]
NEEDLE_TASKS: tuple[NeedleTask, ...] = get_args(NeedleTask)
DEPTHS = (0.0, 0.25, 0.5, 0.75, 1.0)

_SHORTEST_SHARE = 0.85
"""A probe shorter than this share of its length does not count as one of it."""
_FACTS_FROM_TOKENS = 512
"""Shorter records rarely hold a fact and its question, and searching for one takes long."""
_FEWEST_FACT_TOKENS = 24
_FACT_END_TOKENS = 48  # between a fact and its question, at the least


@dataclass(frozen=True)
class NeedleProbe:
    """A prompt that ends just before its answer; special tokens are among its ids."""

    task: NeedleTask
    language: Language
    length_tokens: int
    depth: float
    input_ids: list[int]
    answer_ids: list[int]


def needle_lengths(context_tokens: int) -> list[int]:
    """Lengths to ask at: the trained context and its half, quarter and eighth, from 128 tokens."""
    return [n for n in (context_tokens // d for d in (8, 4, 2, 1)) if n >= 128]


def needle_probes(
    tokenizer: PreTrainedTokenizerBase, *, context_tokens: int, per_cell: int, seed: int
) -> list[NeedleProbe]:
    """`per_cell` probes for every task, language, length and depth that the tokenizer can write.

    A tokenizer that gives an answer's text no tokens of its own, or cannot give it back, cannot
    write the probe: the cell stays empty, and so does a cell whose needles do not fit its length.
    Every probe has its own names and numbers.
    """
    if not tokenizer.is_fast:
        raise ValueError("needle probes need a fast tokenizer: they read its character offsets")
    found: list[NeedleProbe] = []
    for length in needle_lengths(context_tokens):
        for language in LANGUAGES:
            writer = _Writer(tokenizer, language, length)
            for task in NEEDLE_TASKS[:-1]:
                for depth in DEPTHS:
                    for number in range(per_cell):
                        rng = random.Random(f"{task}-{language}-{length}-{depth}-{number}-{seed}")
                        probe = writer.write(task, depth, rng)
                        if probe is not None:
                            found.append(probe)
            if length >= _FACTS_FROM_TOKENS:
                found += _facts(tokenizer, language, length, per_cell, seed)
    return found


class _Writer:
    """Writes the probes of one language and length."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, language: Language, length: int) -> None:
        self.language: Language = language
        self.tokenizer, self.length = tokenizer, length
        self.words: NeedleWords = WORDS[language]
        filler = self.words.joiner.join(self.words.filler)
        self.tokens_per_filler = len(self._encode(filler)[0]) / len(self.words.filler)

    def _encode(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        encoding = self.tokenizer(
            text, return_offsets_mapping=True, truncation=False, verbose=False
        )
        return encoding["input_ids"], encoding["offset_mapping"]

    def write(self, task: NeedleTask, depth: float, rng: random.Random) -> NeedleProbe | None:
        """A probe that fills its length; None where that cannot be."""
        needles, others, question, answer = _contents(task, self.words, rng)
        bare = len(self._encode(self.words.joiner.join([*needles, *others, question]))[0])
        room = self.length - bare - len(self._encode(answer)[0]) - 2
        fillers = int(room / self.tokens_per_filler)
        while fillers >= len(needles):
            prompt = self._prompt(needles, others, question, fillers, depth, rng)
            probe = self._cut(task, depth, prompt, answer)
            if probe is None:
                return None
            over = len(probe.input_ids) + len(probe.answer_ids) - self.length
            if over <= 0:
                size = self.length + over
                return probe if size >= _SHORTEST_SHARE * self.length else None
            fillers -= max(1, int(over / self.tokens_per_filler))
        return None

    def _prompt(
        self,
        needles: Sequence[str],
        others: Sequence[str],
        question: str,
        fillers: int,
        depth: float,
        rng: random.Random,
    ) -> str:
        first = rng.randrange(len(self.words.filler))
        start = depth * fillers
        step = (fillers - start) / len(needles)
        before: list[list[str]] = [[] for _ in range(fillers + 1)]  # the needles before each filler
        for number, needle in enumerate(needles):
            before[round(start + number * step)].append(needle)
        for needle in others:
            before[rng.randint(0, fillers)].append(needle)
        sentences: list[str] = []
        for number in range(fillers):
            filler = self.words.filler[(first + number) % len(self.words.filler)]
            sentences += [*before[number], filler]
        return self.words.joiner.join([*sentences, *before[fillers], question])

    def _cut(self, task: NeedleTask, depth: float, prompt: str, answer: str) -> NeedleProbe | None:
        """Prompt and answer encoded as one text; None where no token border lies between them."""
        text = prompt + self.words.before_answer + answer
        ids, spans = self._encode(text)
        begin = len(text) - len(answer)
        ends = [end for _, end in spans]
        for index in range(1, len(ends)):
            ends[index] = max(ends[index], ends[index - 1])
        first, last = bisect_left(ends, begin + 1), bisect_left(ends, len(text))
        if last == len(ends) or text[spans[first][0] : begin].strip():
            return None
        unknown = self.tokenizer.unk_token_id
        if unknown is not None and unknown in ids[first : last + 1]:
            return None
        return NeedleProbe(
            task, self.language, self.length, depth, ids[:first], ids[first : last + 1]
        )


def _contents(
    task: NeedleTask, words: NeedleWords, rng: random.Random
) -> tuple[list[str], list[str], str, str]:
    """The needles that the answer needs, other needles, the question, and the answer."""

    def numbers(count: int) -> list[str]:
        return [str(n) for n in rng.sample(range(10_000, 100_000), count)]

    names = rng.sample(words.names, 4)

    def stated(name: str, value: str) -> str:
        return words.statement.format(name=name, value=value)

    def asked(*wanted: str) -> str:
        return words.question.format(names=words.and_.join(wanted))

    if task == "passkey":
        (value,) = numbers(1)
        return [words.passkey.format(value=value)], [], words.passkey_question, value
    if task == "variable_tracking":
        first, *rest = rng.sample(words.variables, 3)
        (value,) = numbers(1)
        chain = [words.variable.format(name=first, value=value)]
        for before, name in zip([first, *rest], rest, strict=False):
            chain.append(words.variable.format(name=name, value=before))
        return chain, [], words.variable_question.format(name=rest[-1]), value
    if task == "multi_value":
        values = numbers(3)
        needles = [stated(names[0], value) for value in values]
        return needles, [], asked(names[0]), words.comma.join(values)
    values = numbers(4)
    facts = [stated(name, value) for name, value in zip(names, values, strict=True)]
    wanted = 2 if task == "multi_query" else 1
    return facts[:wanted], facts[wanted:], asked(*names[:wanted]), words.comma.join(values[:wanted])


def _facts(
    tokenizer: PreTrainedTokenizerBase, language: Language, length: int, per_cell: int, seed: int
) -> list[NeedleProbe]:
    """Questions of the generated records, cut or filled up to the length: the text before the fact
    is another record's."""
    found: list[NeedleProbe] = []
    for depth in DEPTHS:
        distance = max(_FEWEST_FACT_TOKENS, int((1 - depth) * (length - 2 * _FACT_END_TOKENS)))
        probes = recall_probes(
            tokenizer, distances=[distance], per_distance=per_cell, language=language,
            context=length, seed=seed,
        )  # fmt: skip
        found += [_filled(tokenizer, probe, length, depth, number)
                  for number, probe in enumerate(probes)]  # fmt: skip
    return found


def _filled(
    tokenizer: PreTrainedTokenizerBase, probe: RecallProbe, length: int, depth: float, number: int
) -> NeedleProbe:
    """The probe with another record before it, so that it has its length."""
    missing = length - len(probe.input_ids) - len(probe.answer_ids)
    ids = list(probe.input_ids)
    if missing > 0:
        earlier = business_document(PROBE_SEEDS.stop - 1 - number, probe.language, 8 * length + 300)
        before = tokenizer(earlier.text, add_special_tokens=False, truncation=False, verbose=False)
        line = tokenizer("\n", add_special_tokens=False)["input_ids"]
        special = 0  # tokens that the tokenizer puts before every text
        while ids[special] in tokenizer.all_special_ids:
            special += 1
        filler = [*before["input_ids"][: max(0, missing - len(line))], *line][-missing:]
        ids = [*ids[:special], *filler, *ids[special:]]
    return NeedleProbe("facts", probe.language, length, depth, ids, list(probe.answer_ids))
