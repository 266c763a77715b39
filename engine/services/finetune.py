"""Stage 2, fine-tuning: the whole model learns from the data and from the original.

Loss per token: teacher_weight * KL(original || student) + text_weight * cross-entropy. The control,
a copy of the original, gets the very same steps, data and rates, because "converted and
fine-tuned" against "original untouched" would not be a fair comparison. Dropout stays off: the
student is to match the original's own, deterministic, outputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import torch
from transformers import PreTrainedModel

from engine.configs import Recipe
from engine.core.loop import Group, Loop
from engine.core.losses import IGNORED, next_token_losses, target_count
from engine.core.swap import knowing_padding
from engine.data.batches import Batch, batches
from engine.data.dataset import Dataset
from engine.events import Event, Listener
from engine.evidence.control_parts import ControlName
from engine.evidence.parts import finite
from engine.evidence.results import FinetuningEnd
from engine.services.adapters import adapters
from engine.services.backends import ran
from engine.services.dead_features import read_and_revive

Track = Literal["converted", "control"] | ControlName


def learning_rate(recipe: Recipe, parameters: int) -> float:
    """Peak rate of the pretrained weights: the recipe's, or one that falls with model size.

    1e-3 at a million parameters, 1e-4 at a hundred million, 3e-5 at a billion, never above 2e-3:
    large pretrained models are spoilt by the rates that small ones need.
    """
    if recipe.finetune.learning_rate is not None:
        return recipe.finetune.learning_rate
    return min(2e-3, 1e-3 * (1e6 / max(1, parameters)) ** 0.5)


def _autocast(device: torch.device) -> torch.autocast:
    """bf16 where the hardware has it; the master weights stay float32."""
    usable = device.type == "cuda" and torch.cuda.is_bf16_supported()
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=usable)


@torch.inference_mode()
def validation_loss(model: PreTrainedModel, rows: Sequence[Batch]) -> float:
    """Cross-entropy in nats per token over the given batches."""
    total, count = 0.0, 0
    for batch in rows:
        ids, labels = batch.input_ids.to(model.device), batch.labels.to(model.device)
        with _autocast(model.device):
            logits = model(input_ids=ids, use_cache=False).logits
        total += next_token_losses(logits, labels, None)[0].item()
        count += target_count(labels)
    return total / max(1, count)


def _groups(model: PreTrainedModel, recipe: Recipe, parameters: int) -> list[Group]:
    trainable = {n: p for n, p in model.named_parameters() if p.requires_grad}
    mixers = {n: p for n, p in trainable.items() if ".mixer." in n}
    rest = {n: p for n, p in trainable.items() if n not in mixers}
    return [
        Group(rest, learning_rate(recipe, parameters)),
        Group(mixers, recipe.finetune.mixer_learning_rate),
    ]


def finetune(
    model: PreTrainedModel,
    teacher: PreTrainedModel,
    dataset: Dataset,
    recipe: Recipe,
    *,
    track: Track,
    seed: int,
    listen: Listener,
    checkpoint: Path | None = None,
) -> FinetuningEnd | None:
    """Train the model in place and leave it with the weights of its best validation reading.

    Args:
        model: the converted model, or for the control a copy of the original; float32.
        teacher: the original, untouched.
        dataset: train and validation pieces; the held-out ones are not looked at.
        recipe: steps, rates, weights of the losses.
        track: which model this is, for the events.
        seed: seed of the data's order and of the adapters' first weights.
        listen: told each step's loss and each validation reading.
        checkpoint: file to save to and resume from.

    Returns:
        Which weights were kept; None where the recipe skips the stage.

    Raises:
        Cancelled: `listen` asked to stop; the state is in `checkpoint`.
        NonFiniteLoss: the loss is not a number any more.
        EngineError: the checkpoint cannot be written.
    """
    settings, stage = recipe.finetune, "fine-tuning"
    if not settings.steps:
        listen(Event("note", stage, values={"text": "Fine-tuning is skipped."}))
        return None
    size = sum(p.numel() for p in teacher.parameters())
    data = batches(
        dataset.train,
        tokens_per_step=recipe.tokens_per_step,
        accumulation=recipe.accumulation,
        seed=seed,
    )
    scored = batches(
        dataset.validation, tokens_per_step=recipe.tokens_per_step, accumulation=1, seed=0
    )
    validation = [batch for step in range(scored.steps_per_epoch) for batch in scored(step)]
    model.eval()
    teacher.eval()
    with adapters(model, settings.rank_for(size), seed):
        groups = _groups(model, recipe, size)
        buffers = {name: b for name, b in model.named_buffers() if ".mixer." in name}
        loop = Loop(groups, settings.steps, checkpoint, settings.patience, buffers)

        def backward(step: int) -> float:
            total = 0.0
            for batch in data(step):
                ids, labels = batch.input_ids.to(model.device), batch.labels.to(model.device)
                with torch.no_grad(), _autocast(model.device):
                    known = teacher(input_ids=ids, use_cache=False).logits
                with _autocast(model.device), knowing_padding(model, labels != IGNORED):
                    logits = model(input_ids=ids, use_cache=False).logits
                text, divergence = next_token_losses(logits, labels, known)
                loss = settings.text_weight * text + settings.teacher_weight * divergence
                loss = loss / batch.step_targets
                loss.backward()
                total += loss.item()
            return total

        def read(step: int) -> float:
            loss = validation_loss(model, validation)
            loop.best.consider(loss, step, loop.parameters)
            return loss

        def after(step: int, loss: float, share: float) -> None:
            values: dict[str, float | str] = {
                "track": track,
                "train_loss": loss,
                "learning_rate": share * learning_rate(recipe, size),
            }
            if step % settings.evaluate_every == 0 or step == settings.steps:
                values["validation_loss"] = read(step)
                values |= read_and_revive(
                    model,
                    seed=seed + step,
                    revive=step <= settings.steps // 2,
                    stage=stage,
                    listen=listen,
                )
            listen(Event("loss", stage, step, settings.steps, values))

        if loop.step == 0:
            values = {
                "track": track,
                "validation_loss": read(0),
                "teacher_loss": validation_loss(teacher, validation),
            }
            listen(Event("loss", stage, 0, settings.steps, values))
        loop.run(backward, after)
        loop.best.restore(loop.parameters)
        ended = f"stopped early at step {loop.step}" if loop.stopped_early else "done"
        text = (
            f"Fine-tuning of the {track} model {ended}; kept step {loop.best.step}, "
            f"validation loss {loop.best.loss:.4f} nats/token."
        )
        listen(Event("note", stage, loop.step, settings.steps, values={"text": text}))
    return FinetuningEnd(
        kept_step=loop.best.step, steps=loop.step, validation_loss=finite(loop.best.loss),
        backend=ran(model, "training") if hasattr(model, "conversion") else None,
    )  # fmt: skip
