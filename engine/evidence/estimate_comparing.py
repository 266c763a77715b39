"""How long the comparison of a run takes, from a dry run."""

from __future__ import annotations

from collections.abc import Mapping

from engine.configs import ComparisonSettings, Recipe
from engine.evidence.dry_run import DryRun, Range, spare
from engine.evidence.task_answers import MOST_ROWS
from engine.evidence.timed_starts import LEAST_REPEATS, TIMING_BUDGET_S, dealt

ABLATION_PASSES = (4, 8)
"""Passes over the held-out text that taking a hybrid apart needs, with its recall questions."""


def comparing(dry: DryRun, recipe: Recipe, settings: ComparisonSettings) -> Range:
    """Everything that a comparison with these settings measures."""
    controls = int(recipe.train_control and recipe.finetune.steps > 0)
    original_s, converted_s = dry.score_token_s
    each_s = original_s * (1 + controls) + converted_s  # a token read by all that answer
    # Original, converted, control and untrained score the text; the first two once more together.
    passes = dry.scored_tokens * (original_s * (2 + controls) + converted_s * 3)
    parts = [
        spare(dry.load_s, 5 * dry.load_s),
        spare(passes, 2 * passes),  # and text that is not the user's
        spare(dry.questions_s + dry.question_tokens * each_s),
        # Longer texts than those scored, so that a token may take longer.
        spare(dry.needle_tokens * each_s, 2 * dry.needle_tokens * each_s),
        spare(dry.mqar_tokens * each_s, 2 * dry.mqar_tokens * each_s),
        _task(dry, controls),
    ]
    if dry.method == "hybrid":
        few, many = (dry.scored_tokens * converted_s * passes for passes in ABLATION_PASSES)
        parts.append(spare(few, many + dry.question_tokens * converted_s))
    written = settings.answer_tokens * (1 + settings.vote_pairs)
    parts.append(spare(written * sum(dry.decode_token_s), 2 * written * sum(dry.decode_token_s)))
    parts.append(_timing(dry, settings))
    total = Range(low=0, high=0)
    for part in parts:
        total = total.plus(part)
    return total


def _task(dry: DryRun, controls: int) -> Range:
    """All models' answers. Prompts are answered up to `MOST_ROWS` at once, which take at least as
    long as one and at most as long as one after the other; answers are as long as the references,
    or as long as they may be."""
    original_s, converted_s = dry.score_token_s
    read = dry.task_tokens.prompts * (original_s * (1 + controls) + converted_s)
    write_s = dry.decode_token_s[0] * (1 + controls) + dry.decode_token_s[1]
    return spare(
        read + dry.task_tokens.references / MOST_ROWS * write_s,
        read + dry.task_tokens.longest * write_s,
    )


def _timing(dry: DryRun, settings: ComparisonSettings) -> Range:
    """Speed and memory. Beyond the longest length tried, linear at the least and square at most."""
    start_s = dry.started_s + dry.load_s if settings.fresh_processes else None
    starts, each = dealt(settings.repeats, start_s)
    ends = []
    # A later start warms up with what is still open alone: at least the two prefills and first
    # steps of a repeat, at most all of the first's.
    for power, again in ((1, 0.0), (2, 1.0)):
        warm, one = (
            sum(_at(readings, length, power) for length in dry.lengths)
            for readings in (dry.warm_up_s, dry.repeat_s)
        )
        later = again * warm + (1 - again) * one / 2
        fewest = warm + LEAST_REPEATS * one + (min(starts, LEAST_REPEATS) - 1) * later
        whole = warm + starts * each * one + (starts - 1) * later
        ends.append(max(fewest, min(TIMING_BUDGET_S, whole)))
    begun = starts * (start_s or 0.0)
    sizes = {1, *settings.batch_sizes}  # n inputs at once take one to n times as long
    least, most = ends[0] + begun, sum(sizes) * ends[1] + 2 * len(sizes) * begun
    return spare(len(sizes) * least, most)


def _at(readings: Mapping[int, float], length: int, power: int) -> float:
    """A reading at a length: measured, or scaled from the nearest that was."""
    if length in readings:
        return readings[length]
    nearest = min(readings, key=lambda known: abs(known - length))
    scale = (length / nearest) ** power if length > nearest else length / nearest
    return readings[nearest] * scale
