"""Stage 1, attention transfer: each mixer learns the attention output it replaces.

The model runs with its original softmax everywhere, so that every layer sees the original's own
inputs (teacher forcing); beside each softmax the mixer computes its output from the same q, k, v.
Only mixers learn, and layers are independent, so no gradient crosses the model.

Loss per layer (Zhang et al. 2024, arXiv:2410.10254, eq. 7, here relative to the variance of the
original's output, since layers differ in it up to 200 times): 0 is perfect, 1 is no better than a
constant output.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor
from transformers import PreTrainedModel

from engine.configs import Recipe
from engine.core.loop import Group, Loop
from engine.core.losses import IGNORED, Variance, squared_error
from engine.core.mixer import Mixer
from engine.core.swap import conversion_of, knowing_padding, observing
from engine.data.batches import Batch, batches
from engine.data.dataset import Dataset
from engine.events import Event, Listener
from engine.services.dead_features import read_and_revive

READ_EVERY = 20
"""Steps between counts of dead features."""


def _run_original(model: PreTrainedModel, batch: Batch) -> None:
    """One pass through the layers; the language-model head is not needed."""
    with torch.no_grad():
        cast(Any, model.base_model)(input_ids=batch.input_ids.to(model.device), use_cache=False)


def _variances(model: PreTrainedModel, first_step: list[Batch]) -> dict[int, float]:
    """Variance of each converted layer's original attention output, over the first step's data."""
    variances = {layer: Variance() for layer in conversion_of(model).layers}
    for batch in first_step:
        real = (batch.labels != IGNORED).to(model.device)

        def note(
            layer: int,
            mixer: Mixer,
            q: Tensor,
            k: Tensor,
            v: Tensor,
            valid: Tensor | None,
            target: Tensor,
            real: Tensor = real,
        ) -> None:
            variances[layer].add(target, real)

        with observing(model, note):
            _run_original(model, batch)
    return {layer: variance.value() for layer, variance in variances.items()}


def transfer(
    model: PreTrainedModel,
    dataset: Dataset,
    recipe: Recipe,
    *,
    seed: int,
    listen: Listener,
    checkpoint: Path | None = None,
) -> None:
    """Train the mixers of a converted model, in place. Resumes from `checkpoint` if it exists.

    Raises:
        Cancelled: `listen` asked to stop; the state is in `checkpoint`.
        NonFiniteLoss: the loss is not a number any more.
    """
    steps, stage = recipe.transfer.steps, "transferring"
    mixers = conversion_of(model).mixers()
    parameters = {
        f"{layer}.{name}": p for layer, m in mixers.items() for name, p in m.named_parameters()
    }
    if not parameters or not steps:
        reason = "is skipped" if parameters else "has nothing to learn with this method"
        listen(Event("note", stage, values={"text": f"Attention transfer {reason}."}))
        return
    data = batches(
        dataset.train,
        tokens_per_step=recipe.tokens_per_step,
        accumulation=recipe.accumulation,
        seed=seed,
    )
    variance = _variances(model, data(0))
    buffers = {f"{layer}.{name}": b for layer, m in mixers.items() for name, b in m.named_buffers()}
    group = Group(parameters, recipe.transfer.learning_rate)
    loop = Loop([group], steps, checkpoint, buffers=buffers)

    def backward(step: int) -> float:
        micro_batches = data(step)
        tokens = sum(int((batch.labels != IGNORED).sum()) for batch in micro_batches)
        total = 0.0
        for batch in micro_batches:
            real = (batch.labels != IGNORED).to(model.device)

            def learn(
                layer: int,
                mixer: Mixer,
                q: Tensor,
                k: Tensor,
                v: Tensor,
                valid: Tensor | None,
                target: Tensor,
                real: Tensor = real,
            ) -> None:
                nonlocal total
                with torch.enable_grad():
                    error = squared_error(mixer(q, k, v, valid), target, real)
                    width = target.shape[1] * target.shape[3]
                    loss = error / (variance[layer] * width * tokens * len(mixers))
                    loss.backward()
                total += loss.item()

            with observing(model, learn), knowing_padding(model, real):
                _run_original(model, batch)
        return total

    def after(step: int, loss: float, share: float) -> None:
        values: dict[str, float | str] = {
            "track": "converted",
            "transfer_loss": loss,
            "learning_rate": share * recipe.transfer.learning_rate,
        }
        if step % READ_EVERY == 0 or step == steps:
            values |= read_and_revive(
                model, seed=seed + step, revive=step <= steps // 2, stage=stage, listen=listen
            )
        listen(Event("loss", stage, step, steps, values))

    model.eval()
    for p in model.parameters():
        p.requires_grad_(False)
    for p in parameters.values():
        p.requires_grad_(True)
    try:
        loop.run(backward, after)
    finally:
        for p in model.parameters():
            p.requires_grad_(True)
