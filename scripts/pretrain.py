"""Pretrains the small bilingual model that ships with the product, on generated business records.

The order matters: repeated random segments until the model copies, half repeats and half short
documents until it answers, then documents of every length up to the context. Leaving out the first
step, or lengthening in stages, gave models that do not recall.

The commands that made the bundled model stand on its card. Longer context on a GPU:
    python -m scripts.pretrain --context 4096 --device cuda --tokens-per-step 32768 --minutes 30 \
        --out business-4k
"""

from __future__ import annotations

import argparse
import json
import logging
import math
import random
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from torch.nn import functional
from transformers import AutoTokenizer, LlamaForCausalLM, PreTrainedTokenizerBase

from engine.data.documents import TRAINING_SEEDS
from scripts.bundled_tokenizer import train_tokenizer
from scripts.pretraining_options import command_line, model_config, read_options
from scripts.pretraining_report import measure, quick_look
from scripts.pretraining_rows import Batch, DocumentRows, repeats

logger = logging.getLogger("pretrain")
STAGES = ("repeats", "mixed", "documents")
WARM_UP_STEPS = 100
SHORT_TOKENS = 128
# A repeated segment's second token is not always determined by its first, so not all can be right.
REPEATS_SKILL = 0.7


@dataclass
class Progress:
    """Where training stands; everything needed to go on after a stop, next to the weights."""

    step: int = 0
    tokens: int = 0
    seconds: float = 0.0
    stage: int = 0
    stage_step: int = 0
    known_accuracy: float = 0.0
    stage_ends: list[int] = field(default_factory=list)
    history: list[dict[str, float]] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)


def main() -> None:
    """Train, save and measure."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    options = read_options(__doc__)
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    # A resumed model keeps its tokenizer, even if the generator's words have changed since.
    kept = options.resume and (options.out / "tokenizer.json").exists()
    tokenizer = AutoTokenizer.from_pretrained(options.out) if kept else train_tokenizer()
    tokenizer.model_max_length = options.context
    model = LlamaForCausalLM(model_config(tokenizer, options.context)).to(options.device)
    logger.info("%d parameters, vocabulary %d", model.num_parameters(), len(tokenizer))
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=options.rate, betas=(0.9, 0.98), weight_decay=0.01
    )
    progress = _resume(options.work / "checkpoint.pt", model, optimizer, options)
    progress.commands.append(command_line())
    _train(model, tokenizer, optimizer, progress, options)
    _save(model, tokenizer, optimizer, progress, options)
    report = measure(model, tokenizer, options.context, options.probes)
    report["training"] = asdict(progress)
    report["options"] = {k: v for k, v in vars(options).items() if k not in ("out", "work")}
    on_cpu = f"{options.threads} CPU cores, no GPU"
    report["machine"] = on_cpu if options.device == "cpu" else torch.cuda.get_device_name()
    (options.out / "training.json").write_text(
        json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )


def _train(
    model: LlamaForCausalLM,
    tokenizer: PreTrainedTokenizerBase,
    optimizer: torch.optim.Optimizer,
    progress: Progress,
    options: argparse.Namespace,
) -> None:
    rows = DocumentRows(tokenizer)
    vocabulary = rows.used_tokens()
    last_report = last_save = time.monotonic()
    loss_sum, loss_count = 0.0, 0
    while progress.seconds < 60 * options.minutes:
        started = time.monotonic()
        rng = random.Random(options.seed * 1_000_003 + progress.step)
        ids, known = _batch(rng, rows, vocabulary, progress, options)
        for group in optimizer.param_groups:
            group["lr"] = options.rate * _rate_factor(progress, options)
        # Repeats are copied long before documents are: only the latter end the mixed stage.
        judged = len(ids) // 2 if STAGES[progress.stage] == "mixed" else 0
        loss, accuracy = _step(model, optimizer, ids, known, judged, options)
        loss_sum, loss_count = loss_sum + loss, loss_count + 1
        progress.known_accuracy += 0.02 * (accuracy - progress.known_accuracy)
        progress.step += 1
        progress.stage_step += 1
        progress.tokens += ids.numel()
        _next_stage(progress, options)
        now = time.monotonic()
        progress.seconds += now - started
        if now - last_report >= options.report_seconds:
            _log(progress, loss_sum / loss_count)
            loss_sum, loss_count, last_report = 0.0, 0, now
        if now - last_save >= options.save_seconds:
            # Looking at recall costs time that is not training time, but it is the run's time.
            look = quick_look(model, tokenizer, options.context)
            logger.info("held out: %s", look)
            progress.history.append({"step": progress.step, "tokens": progress.tokens, **look})
            _save(model, tokenizer, optimizer, progress, options)
            last_save = time.monotonic()
            progress.seconds += last_save - now


def _step(
    model: LlamaForCausalLM,
    optimizer: torch.optim.Optimizer,
    ids: torch.Tensor,
    known: torch.Tensor,
    judged: int,
    options: argparse.Namespace,
) -> tuple[float, float]:
    """One update; returns the weighted loss in nats and, for the rows from `judged` on, the
    accuracy on the first token of each known stretch, where finding the fact is decided.
    """
    ids, known = ids.to(options.device), known.to(options.device)
    first_judged = judged * (ids.shape[1] - 1)
    logits = model(input_ids=ids, use_cache=False).logits[:, :-1].flatten(0, 1)
    targets, known = ids[:, 1:].flatten(), known[:, 1:].flatten()
    losses = functional.cross_entropy(logits, targets, reduction="none")
    # The other tokens of an answer follow from its first.
    first = known & ~functional.pad(known, (1, 0))[:-1]
    weights = torch.where(known, options.answer_weight, 1.0)
    weights = torch.where(first, options.first_weight, weights)
    loss = (losses * weights).sum() / weights.sum()
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    found, wanted = logits.detach()[first_judged:], targets[first_judged:]
    decisive = first[first_judged:]
    right = (found[decisive].argmax(-1) == wanted[decisive]).float().mean()
    return loss.item(), right.item() if decisive.any() else 0.0


def _batch(
    rng: random.Random,
    rows: DocumentRows,
    vocabulary: list[int],
    progress: Progress,
    options: argparse.Namespace,
) -> Batch:
    # Far more seeds than a step can use, so that no two steps share a document.
    seed = TRAINING_SEEDS.start + 1_000_000 + progress.step * 65_536
    stage = STAGES[progress.stage]
    if stage == "documents":
        lengths = [SHORT_TOKENS]
        while lengths[-1] < options.context:
            lengths.append(min(2 * lengths[-1], options.context))
        tokens = rng.choices(lengths, options.length_weights)[0]
        return rows.batch(seed, max(1, options.tokens_per_step // tokens), tokens)
    count = options.tokens_per_step // SHORT_TOKENS
    if stage == "repeats":
        return repeats(rng, vocabulary, count, SHORT_TOKENS)
    first = repeats(rng, vocabulary, count // 2, SHORT_TOKENS)
    second = rows.batch(seed, count - count // 2, SHORT_TOKENS)
    return torch.cat((first[0], second[0])), torch.cat((first[1], second[1]))


def _next_stage(progress: Progress, options: argparse.Namespace) -> None:
    """A stage ends when its skill is there, or after so many steps that waiting is in vain."""
    if progress.stage == len(STAGES) - 1 or progress.stage_step < 200:
        return
    skill = REPEATS_SKILL if progress.stage == 0 else options.skill
    if progress.known_accuracy >= skill or progress.stage_step >= options.stage_steps:
        logger.info("stage %s ends: step %d", STAGES[progress.stage], progress.step)
        progress.stage_ends.append(progress.step)
        progress.stage += 1
        progress.stage_step = 0
        progress.known_accuracy = 0.0


def _rate_factor(progress: Progress, options: argparse.Namespace) -> float:
    """Warm-up by steps; then constant; a cosine down to 3 % over the last share of the time."""
    warm = min(1.0, (progress.step + 1) / WARM_UP_STEPS)
    done = progress.seconds / (60 * options.minutes)
    falling = max(0.0, (done - 1 + options.decay_share) / options.decay_share)
    return warm * (0.03 + 0.97 * 0.5 * (1 + math.cos(math.pi * min(1.0, falling))))


def _log(progress: Progress, loss: float) -> None:
    logger.info(
        "%s step %d: loss %.3f, first tokens right %.3f, %.2f M tokens, %.0f tokens/s, %.1f min",
        STAGES[progress.stage],
        progress.step,
        loss,
        progress.known_accuracy,
        progress.tokens / 1e6,
        progress.tokens / progress.seconds,
        progress.seconds / 60,
    )


def _save(
    model: LlamaForCausalLM,
    tokenizer: PreTrainedTokenizerBase,
    optimizer: torch.optim.Optimizer,
    progress: Progress,
    options: argparse.Namespace,
) -> None:
    options.work.mkdir(parents=True, exist_ok=True)
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
    partial = options.work / "checkpoint.partial"
    torch.save({**state, "progress": asdict(progress)}, partial)
    partial.replace(options.work / "checkpoint.pt")
    model.save_pretrained(options.out)
    tokenizer.save_pretrained(options.out)


def _resume(
    path: Path,
    model: LlamaForCausalLM,
    optimizer: torch.optim.Optimizer,
    options: argparse.Namespace,
) -> Progress:
    if not (options.resume and path.exists()):
        return Progress()
    state = torch.load(path, map_location=options.device, weights_only=True)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    progress = Progress(**state["progress"])
    logger.info("going on from step %d", progress.step)
    return progress


if __name__ == "__main__":
    main()
