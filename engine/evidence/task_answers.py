"""What a model answers to the prompts of a task.

Legend: B batch, T tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from engine.evidence.forward import can_keep_logits, last_logits_only, micro_batches

if TYPE_CHECKING:
    from engine.data.task_prompts import TaskPrompts

MOST_ROWS = 16
"""Prompts that are answered at once, at most."""


@torch.inference_mode()
def answer_task(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    task: TaskPrompts,
    ends: frozenset[int],
    *,
    tick: Callable[[], None] = lambda: None,
) -> list[str]:
    """Each prompt's greedy answer, without space around it, up to the end of the text or, where
    `task.one_line`, of the first line that has anything in it.

    Prompts of similar length run together, padded on the left, for original and converted models
    alike. `tick` is called after every token and may raise.
    """

    def text(row: Sequence[int]) -> str:
        return str(tokenizer.decode(list(row), skip_special_tokens=True)).strip()

    def done(row: Sequence[int]) -> bool:
        if row[-1] in ends:
            return True
        whole = str(tokenizer.decode(list(row), skip_special_tokens=True)).lstrip()
        return task.one_line and "\n" in whole

    answers = [""] * len(task.prompts)
    vocabulary = 1 if can_keep_logits(model) else model.config.get_text_config().vocab_size
    lengths = [len(prompt.ids) + task.new_tokens for prompt in task.prompts]
    for batch in micro_batches(lengths, vocabulary):
        for first in range(0, len(batch), MOST_ROWS):
            indices = batch[first : first + MOST_ROWS]
            rows = _continued(
                model, [task.prompts[i].ids for i in indices], task.new_tokens, done, tick
            )
            for i, row in zip(indices, rows, strict=True):
                written = text([token for token in row if token not in ends])
                answers[i] = written.partition("\n")[0].strip() if task.one_line else written
    return answers


def _continued(
    model: PreTrainedModel,
    prompts: Sequence[list[int]],
    new_tokens: int,
    done: Callable[[Sequence[int]], bool],
    tick: Callable[[], None],
) -> list[list[int]]:
    """Greedy continuations, each up to and with the token at which it is `done`."""
    longest = max(map(len, prompts))
    pads = [longest - len(ids) for ids in prompts]
    ids = torch.tensor([[0] * pad + row for pad, row in zip(pads, prompts, strict=True)])
    mask = torch.tensor([[0] * pad + [1] * (longest - pad) for pad in pads])
    ids, mask = ids.to(model.device), mask.to(model.device)
    positions = (mask.cumsum(1) - 1).clamp_min(0)
    padded = any(pads)
    cache, rows = None, [[] for _ in prompts]
    finished = [False] * len(prompts)
    for _ in range(new_tokens):
        # Without padding nothing is masked, as when a page writes an answer.
        extra: dict[str, Any] = (
            {"attention_mask": mask, "position_ids": positions} if padded else {}
        )
        out = model(
            input_ids=ids, past_key_values=cache, use_cache=True, **extra, **last_logits_only(model)
        )
        cache, ids = out.past_key_values, out.logits[:, -1:].argmax(-1)
        mask = torch.cat([mask, torch.ones_like(mask[:, :1])], 1)
        positions = positions[:, -1:] + 1
        for row, token in enumerate(ids[:, 0].tolist()):
            if not finished[row]:
                rows[row].append(token)
                finished[row] = done(rows[row])
        tick()
        if all(finished):
            break
    return rows
