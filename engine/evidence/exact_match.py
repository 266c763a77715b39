"""When an answer counts as right, for recall questions, needles and the two answers on a page."""

from __future__ import annotations

from collections.abc import Sequence


def begins_with(written: Sequence[int] | str, answer: Sequence[int] | str) -> bool:
    """Whether what a model wrote begins with the whole answer: token ids against token ids, or text
    against text. An answer that comes later only, among other things, does not count."""
    return written[: len(answer)] == answer
