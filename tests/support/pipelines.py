"""A whole run on a tiny model: its settings, its folder, its weights."""

from __future__ import annotations

import random
from pathlib import Path

import torch
from safetensors.torch import load_file

from engine.configs import (
    ComparisonSettings,
    FinetuneSettings,
    KeptLayers,
    Recipe,
    RunConfig,
    TransferSettings,
)  # fmt: skip
from engine.methods import T2R
from tests.support.models import tiny_model_folder

WORDS = "pump valve site reading seven order night engine warm oil filter belt".split()


def run_folder(place: Path) -> Path:
    """A run's folder with nothing but its data."""
    draw = random.Random(0)
    notes = [" ".join(draw.choices(WORDS, k=60)) + f" {i}." for i in range(90)]
    (place / "data").mkdir(parents=True)
    (place / "data" / "notes.txt").write_text("\n\n".join(notes))
    return place


def weights(folder: Path, track: str) -> dict[str, torch.Tensor]:
    """The saved weights of "converted" or "control" by name."""
    return load_file(folder / track / "model.safetensors")


def tiny_run(place: Path) -> RunConfig:
    """Settings of a run of a few steps, its model in `place`."""
    return RunConfig(
        model=str(tiny_model_folder(place, "llama")),
        data="notes.txt",
        method=T2R(feature_dim=8),
        kept=KeptLayers(every=4),
        recipe=Recipe(
            transfer=TransferSettings(steps=4),
            finetune=FinetuneSettings(steps=4, evaluate_every=2),
            tokens_per_step=256,
            max_tokens=64,
        ),
        comparison=ComparisonSettings(
            context_tokens=(32, 64), decode_tokens=4, repeats=3, heldout_tokens=256,
            fresh_processes=False, probes_per_distance=1, answer_tokens=4,
        ),
    )  # fmt: skip
