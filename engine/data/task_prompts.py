"""Held-out prompts as a model is asked them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.data.task import SEPARATOR, TaskPair, TaskRows
from engine.errors import BadRunConfig

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from engine.data.ingest import Corpus

MOST_NEW_TOKENS = 128
"""Longest answer that a model may write, in tokens."""

_MARGIN = 8  # tokens beyond the longest reference, for an answer that goes about it otherwise


@dataclass(frozen=True)
class TaskPrompt:
    """A held-out prompt as a model is asked it.

    Attributes:
        document: number of its document in the corpus.
        ids: its last tokens, as many as fit.
        dropped: tokens that were cut off its beginning.
        pair: the whole of it.
        reference_tokens: length of the reference.
    """

    document: int
    ids: list[int]
    dropped: int
    pair: TaskPair
    reference_tokens: int


@dataclass(frozen=True)
class TaskPrompts:
    """What is asked of every model.

    Attributes:
        rows: the task they belong to.
        prompts: spread evenly over the held-out ones.
        heldout: held-out pairs there are.
        new_tokens: tokens that an answer may have.
        one_line: no reference of the data set has a line break, so an answer ends at its first.
    """

    rows: TaskRows
    prompts: tuple[TaskPrompt, ...]
    heldout: int
    new_tokens: int
    one_line: bool


def task_prompts(
    corpus: Corpus,
    heldout: Sequence[int],
    tokenizer: PreTrainedTokenizerBase,
    *,
    context_tokens: int,
    most: int,
) -> TaskPrompts | None:
    """Held-out prompts to ask; None where the data holds no tasks, or `most` is 0.

    A prompt that does not fit into the context beside its answer loses its beginning. The answer's
    length is the longest chosen reference's and 8 tokens, at most 128 and at most half of the
    context, and the same for every prompt.

    Args:
        corpus: the run's data.
        heldout: numbers of its held-out documents.
        tokenizer: the model's.
        context_tokens: the model's trained context.
        most: prompts to ask at most.

    Raises:
        BadRunConfig: the tokenizer has no tokens for a prompt.
    """
    rows = corpus.task
    if rows is None or most == 0:
        return None
    numbers = [n for n in sorted(set(heldout)) if corpus.documents[n] in rows.pairs]
    if not numbers:
        return None
    share = max(1.0, len(numbers) / most)
    chosen = [numbers[int(i * share)] for i in range(min(most, len(numbers)))]
    pairs = [rows.pairs[corpus.documents[n]] for n in chosen]
    lengths = [_length(tokenizer, pair.reference) for pair in pairs]
    new_tokens = max(1, min(max(lengths) + _MARGIN, MOST_NEW_TOKENS, context_tokens // 2))
    prompts = []
    for number, pair, length in zip(chosen, pairs, lengths, strict=True):
        ids = _prompt_ids(tokenizer, pair.prompt + SEPARATOR)
        if not ids:
            raise BadRunConfig(
                f"The model's tokenizer has no tokens for the prompt {pair.prompt[:40]!r}.",
                "Choose a model for such text, or set comparison.task_documents=0.",
            )
        kept = ids[-(context_tokens - new_tokens) :]
        prompts.append(TaskPrompt(number, kept, len(ids) - len(kept), pair, length))
    one_line = not any("\n" in pair.reference for pair in rows.pairs.values())
    return TaskPrompts(rows, tuple(prompts), len(numbers), new_tokens, one_line)


def _prompt_ids(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    """Encoded as documents are, without the token that some tokenizers end every text with."""
    ids: list[int] = tokenizer(text, truncation=False, verbose=False)["input_ids"]
    while len(ids) > 1 and ids[-1] == tokenizer.eos_token_id:
        ids = ids[:-1]
    return ids


def _length(tokenizer: PreTrainedTokenizerBase, text: str) -> int:
    found = tokenizer(text, add_special_tokens=False, truncation=False, verbose=False)
    return len(found["input_ids"])
