"""Which recall questions count: those of the probes that the original passes.

Were a probe (one distance in one language) let in by the very answers that are then compared, the
original would look better than it is: chance lets in what it got right by chance. So the questions
of a probe are dealt in turn into two halves, and each half counts where the original passes by the
*other* one. Both halves are used, and no answer decides on itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.evidence.parts import QuestionOutcome

PROBE_PASSED = 0.5
"""A half of a probe is passed where the original answers this share of it."""

_Half = tuple[str, int, int]  # language, distance in tokens, 0 or 1


def halves(questions: Sequence[QuestionOutcome]) -> dict[_Half, list[QuestionOutcome]]:
    """The questions by language, distance and half, dealt in the order they were asked."""
    dealt: dict[tuple[str, int], int] = {}
    found: dict[_Half, list[QuestionOutcome]] = {}
    for question in sorted(questions, key=lambda one: one.number):
        probe = question.language, question.distance_tokens
        place = dealt.get(probe, 0)
        dealt[probe] = place + 1
        found.setdefault((*probe, place % 2), []).append(question)
    return found


def judged_questions(questions: Sequence[QuestionOutcome]) -> list[QuestionOutcome]:
    """The questions to judge by: the other half of their own probe is passed by the original, and
    so is the other half of their language's nearest one, or it does not know the language."""
    parts = halves(questions)
    nearest: dict[str, int] = {}
    for language, distance, _ in parts:
        nearest[language] = min(distance, nearest.get(language, distance))

    def passed(half: _Half) -> bool:
        answers = [question.original for question in parts.get(half, ())]
        return bool(answers) and sum(answers) >= PROBE_PASSED * len(answers)

    judged: list[QuestionOutcome] = []
    for (language, distance, half), some in parts.items():
        other = 1 - half
        if passed((language, distance, other)) and passed((language, nearest[language], other)):
            judged += some
    return judged
