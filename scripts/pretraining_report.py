"""Measures a pretrained model on held-out text: perplexity by position, recall by distance."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from functools import cache
from itertools import pairwise
from typing import Any

import torch
from torch.nn import functional
from transformers import LlamaForCausalLM, PreTrainedTokenizerBase

from engine.data.probes import RecallProbe, recall_probes
from scripts.pretraining_rows import DocumentRows

DISTANCES = (64, 128, 256, 512, 768, 1024, 1280, 1536, 1792, 1843, 2560, 3072, 3584, 3686)
_QUICK_DISTANCES = (64, 256, 512, 1024, 1536, 1843)
_POSITION_EDGES = (0, 128, 256, 512, 1024, 1536, 2048, 3072, 4096)


@torch.no_grad()
def passes(model: LlamaForCausalLM, probe: RecallProbe) -> bool:
    """Whether every token of the answer is the likeliest one (= greedy decoding is exact)."""
    ids = torch.tensor([probe.input_ids + probe.answer_ids], device=model.device)
    count = len(probe.answer_ids)
    logits = model(input_ids=ids, use_cache=False, logits_to_keep=count + 1).logits[0, :-1]
    return logits.argmax(-1).tolist() == probe.answer_ids


@torch.no_grad()
def token_losses(model: LlamaForCausalLM, ids: torch.Tensor) -> torch.Tensor:
    """Cross entropy in nats of every token but the first: [B, T] -> [B, T - 1]."""
    ids = ids.to(model.device)
    logits = model(input_ids=ids, use_cache=False).logits[:, :-1]
    return functional.cross_entropy(logits.transpose(1, 2), ids[:, 1:], reduction="none")


def quick_look(
    model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerBase, context: int
) -> dict[str, float]:
    """Held-out perplexity and recall on a few probes, for the log."""
    model.eval()
    ids, _ = DocumentRows(tokenizer).held_out(4, context)
    perplexity = math.exp(token_losses(model, ids).mean())
    right: dict[tuple[str, int], list[bool]] = defaultdict(list)
    for probe in _quick_probes(tokenizer, context):
        right[probe.language, probe.distance_tokens].append(passes(model, probe))
    model.train()
    recall = {f"{k[0]}-{k[1]}": round(statistics.mean(v), 2) for k, v in right.items()}
    return {"perplexity": round(perplexity, 3), **recall}


@cache
def _quick_probes(tokenizer: PreTrainedTokenizerBase, context: int) -> list[RecallProbe]:
    return recall_probes(
        tokenizer,
        distances=_QUICK_DISTANCES,
        per_distance=16,
        language="both",
        context=context,
        seed=1,
    )


def measure(
    model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerBase, context: int, probes: int
) -> dict[str, Any]:
    """Everything the model card states; `probes` per distance and language."""
    model.eval()
    return {
        "parameters": model.num_parameters(),
        "context_tokens": context,
        "perplexity": _perplexity_by_position(model, tokenizer, context),
        "recall": _recall_by_distance(model, tokenizer, context, probes),
    }


def _perplexity_by_position(
    model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerBase, context: int
) -> dict[str, Any]:
    """Rows of full context; one row per forward, since a batch of logits is large."""
    ids, known = DocumentRows(tokenizer).held_out(40, context, number=1)
    losses = torch.cat([token_losses(model, row[None]).cpu() for row in ids])
    answers = losses[known[:, 1:]]
    by_position = {
        f"{start}-{end}": math.exp(losses[:, max(0, start - 1) : end - 1].mean())
        for start, end in pairwise(_POSITION_EDGES)
        if end <= context
    }
    return {
        "rows": len(ids),
        "tokens": losses.numel(),
        "all": math.exp(losses.mean()),
        "answer_tokens": math.exp(answers.mean()),
        "by_position": by_position,
    }


def _recall_by_distance(
    model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerBase, context: int, probes: int
) -> list[dict[str, Any]]:
    cells: dict[tuple[str, int], list[bool]] = defaultdict(list)
    for language in ("en", "ja"):
        for probe in recall_probes(
            tokenizer,
            distances=DISTANCES,
            per_distance=probes,
            language=language,
            context=context,
            seed=2,
        ):
            cells[language, probe.distance_tokens].append(passes(model, probe))
    return [
        {"language": language, "distance_tokens": distance, "right": sum(right), "n": len(right)}
        for (language, distance), right in cells.items()
    ]
