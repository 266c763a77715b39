"""Settings that only say how the work is cut up must not change the loss curve."""

from __future__ import annotations

import pytest

from engine.configs import FinetuneSettings, KeptLayers, Recipe, TransferSettings
from engine.kernels.linear_attention import chunk
from engine.methods import T2R, Hybrid
from engine.services.convert import convert
from engine.services.finetune import finetune
from engine.services.transfer import transfer
from tests.support.datasets import tiny_dataset
from tests.support.models import tiny_model


def loss_curve(method, accumulation: int) -> list[float]:
    model, teacher, events = tiny_model("llama"), tiny_model("llama"), []
    convert(model, method, KeptLayers(), seed=0)
    recipe = Recipe(
        transfer=TransferSettings(steps=6),
        finetune=FinetuneSettings(steps=6, evaluate_every=3),
        tokens_per_step=256, max_tokens=48, accumulation=accumulation,
    )  # fmt: skip
    dataset = tiny_dataset()
    transfer(model, dataset, recipe, seed=0, listen=events.append)
    finetune(model, teacher, dataset, recipe, track="converted", seed=0, listen=events.append)
    names = ("transfer_loss", "train_loss", "validation_loss")
    return [e.values[name] for e in events for name in names if name in e.values]


@pytest.mark.parametrize("method", [T2R(feature_dim=8), Hybrid(window=4)], ids=lambda m: m.name)
@pytest.mark.parametrize("accumulation", [2, 4])
def test_accumulation(method, accumulation):
    assert loss_curve(method, accumulation) == pytest.approx(loss_curve(method, 1), rel=1e-3)


@pytest.mark.parametrize("size", [8, 32])
def test_chunk_size(monkeypatch, size):
    whole = loss_curve(T2R(feature_dim=8), 1)
    monkeypatch.setattr(chunk.chunked, "__defaults__", (None, size, None))
    assert loss_curve(T2R(feature_dim=8), 1) == pytest.approx(whole, rel=1e-3)
