"""What the two stages promise of their result: the best reading is kept, the control is treated
alike, and the transfer loss is relative to what it imitates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from engine.configs import FinetuneSettings, KeptLayers, Recipe, TransferSettings
from engine.core.swap import observing
from engine.data.batches import Batch, batches
from engine.events import Event, ignore
from engine.methods import T2R, Hybrid
from engine.services.artifacts import (
    ConversionRecord,
    finetuning_end,
    load_converted,
    save_model,
)
from engine.services.convert import convert
from engine.services.finetune import finetune, validation_loss
from engine.services.transfer import transfer
from tests.support.datasets import tiny_dataset
from tests.support.models import tiny_model, tiny_tokenizer

METHOD, KEPT = T2R(feature_dim=8), KeptLayers()
RECIPE = Recipe(
    transfer=TransferSettings(steps=6),
    finetune=FinetuneSettings(steps=6, evaluate_every=3),
    tokens_per_step=256,
    max_tokens=48,
)


def converted_model(method: Any = METHOD) -> Any:
    model = tiny_model("llama")
    convert(model, method, KEPT, seed=0)
    return model


def validation_batches() -> list[Batch]:
    pieces = tiny_dataset().validation
    steps = batches(pieces, tokens_per_step=256, accumulation=1, seed=0)
    return [batch for step in range(steps.steps_per_epoch) for batch in steps(step)]


@pytest.mark.parametrize(("rank", "rate"), [(0, 0.05), (2, 0.5)])
def test_the_lowest_reading_is_what_is_kept_and_saved(
    rank: int, rate: float, tmp_path: Path
) -> None:
    # So high a rate that the model is soon worse than it was.
    spoiling = FinetuneSettings(
        steps=30, evaluate_every=1, patience=2, lora_rank=rank, learning_rate=rate
    )
    model, events = converted_model(), []
    recipe = RECIPE.model_copy(update={"finetune": spoiling})
    end = finetune(
        model, tiny_model("llama"), tiny_dataset(), recipe, track="converted", seed=0,
        listen=events.append,
    )  # fmt: skip
    readings = [e.values["validation_loss"] for e in events if "validation_loss" in e.values]
    assert min(readings[1:]) < readings[0] and readings[-1] > 1.0005 * min(readings)
    assert end and end.validation_loss == min(readings) == readings[end.kept_step]
    assert end.steps == len(readings) - 1 < 30  # it stopped early
    near = 0.0 if rank == 0 else 1e-5  # adapters are added to the weights, which rounds
    assert validation_loss(model, validation_batches()) == pytest.approx(min(readings), rel=near)
    record = ConversionRecord(method=METHOD, kept=KEPT)
    save_model(tmp_path / "converted", model, tiny_tokenizer(), record, end)
    assert finetuning_end(tmp_path / "converted") == end
    saved = load_converted(tmp_path / "converted").model
    assert validation_loss(saved, validation_batches()) == pytest.approx(min(readings), rel=near)


def test_a_training_that_helps_nothing_keeps_step_0_and_says_so() -> None:
    model, before = tiny_model("llama"), tiny_model("llama").state_dict()
    spoiling = FinetuneSettings(steps=8, evaluate_every=1, patience=2, learning_rate=5.0)
    end = finetune(
        model, tiny_model("llama"), tiny_dataset(),
        RECIPE.model_copy(update={"finetune": spoiling}), track="control", seed=0, listen=ignore,
    )  # fmt: skip
    assert end and (end.kept_step, end.steps) == (0, 2)
    assert end.validation_loss == validation_loss(tiny_model("llama"), validation_batches())
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())


def test_the_transfer_loss_is_the_error_over_the_originals_variance() -> None:
    model, events = converted_model(), []
    (batch,) = batches(tiny_dataset().train, tokens_per_step=256, accumulation=1, seed=0)(0)
    real = batch.labels != -100
    shares = []

    def compare(layer, mixer, q, k, v, valid, target):
        with torch.no_grad():
            out = mixer(q, k, v, real).transpose(1, 2)[real].double()  # [tokens, H, V]
        wanted = target.transpose(1, 2)[real].double()
        shares.append((out - wanted).square().mean() / (wanted - wanted.mean(0)).square().mean())

    with observing(model, compare):
        model(input_ids=batch.input_ids, use_cache=False)
    transfer(model, tiny_dataset(), RECIPE, seed=0, listen=events.append)
    first = next(e.values["transfer_loss"] for e in events if e.kind == "loss")
    assert len(shares) == 4
    assert first == pytest.approx(sum(shares).item() / 4, rel=1e-5)


def transferred(scale: float, seed: int = 0) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The readings and mixers after transfer, where every value is `scale` times as long, and the
    output projections undo it: all layers' inputs stay the same."""
    model, events = converted_model(), []
    for layer in model.model.layers:
        layer.self_attn.v_proj.weight.data.mul_(scale)
        layer.self_attn.o_proj.weight.data.div_(scale)
    transfer(model, tiny_dataset(), RECIPE, seed=seed, listen=events.append)
    mixers = {n: p.detach() for n, p in model.named_parameters() if ".mixer." in n}
    return [e.values for e in events if e.kind == "loss"], mixers


def test_the_transfer_loss_does_not_know_the_size_of_the_values() -> None:
    plain, mixers = transferred(1.0)
    assert len(plain) == 6 and plain[0]["transfer_loss"] > 0.1
    for scale in (0.25, 16.0):
        scaled, others = transferred(scale)
        for mine, theirs in zip(scaled, plain, strict=True):
            assert mine["transfer_loss"] == pytest.approx(theirs["transfer_loss"], rel=1e-4)
        for name, weight in mixers.items():
            torch.testing.assert_close(others[name], weight, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("stage", ["transferring", "fine-tuning"])
@pytest.mark.parametrize("method", [METHOD, Hybrid(window=4, sinks=1)], ids=["t2r", "hybrid"])
def test_the_seed_decides_everything(method: Any, stage: str) -> None:
    def trained(seed: int, drawn_before: int) -> tuple[list[Event], dict[str, torch.Tensor]]:
        torch.manual_seed(drawn_before)
        model, events, data = converted_model(method), [], tiny_dataset()
        if stage == "transferring":
            transfer(model, data, RECIPE, seed=seed, listen=events.append)
        else:
            finetune(
                model, tiny_model("llama"), data, RECIPE, track="converted", seed=seed,
                listen=events.append,
            )  # fmt: skip
        return events, {n: p.detach() for n, p in model.named_parameters()}

    (events, weights), (same, again), (other, _) = trained(0, 1), trained(0, 2), trained(1, 1)
    assert events == same and events != other
    assert all(torch.equal(again[name], weight) for name, weight in weights.items())


def test_control_and_converted_differ_in_nothing_but_the_model() -> None:
    """Both get the same rows in the same order at the same rates, and the same loss."""
    told: dict[str, list[dict[str, Any]]] = {}
    rows: dict[str, list[torch.Tensor]] = {}
    for track in ("converted", "control"):
        model: Any = converted_model() if track == "converted" else tiny_model("llama")
        events, seen = told.setdefault(track, []), rows.setdefault(track, [])

        def note(_: nn.Module, given: Any, seen: list[torch.Tensor] = seen) -> None:
            if torch.is_grad_enabled():  # a reading has none
                seen.append(given[0].clone())

        model.model.embed_tokens.register_forward_pre_hook(note)
        finetune(
            model, tiny_model("llama"), tiny_dataset(), RECIPE, track=track, seed=5,
            listen=lambda e, events=events: events.append(e.values),
        )  # fmt: skip
    assert len(rows["converted"]) == len(rows["control"]) == 6
    assert all(map(torch.equal, rows["converted"], rows["control"]))
    rates = {
        track: [values["learning_rate"] for values in told[track] if "train_loss" in values]
        for track in told
    }
    assert len(rates["control"]) == 6 and rates["control"] == rates["converted"]
    # The control begins as the original, from which nothing diverges: the text alone is left.
    (first,) = batches(tiny_dataset().train, tokens_per_step=256, accumulation=1, seed=5)(0)
    text = RECIPE.finetune.text_weight * validation_loss(tiny_model("llama"), [first])
    losses = [e["train_loss"] for e in told["control"] if "train_loss" in e]
    assert losses[0] == pytest.approx(text, rel=1e-5)
