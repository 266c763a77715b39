"""Hybrids whose linear part is idle, or works by a known amount: are they called so?"""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedModel

from benchmarks.drawn import Tally
from benchmarks.planted import model_quality, records
from engine import Hybrid, KeptLayers, convert, load
from engine.configs import FinetuneSettings, Recipe, TransferSettings
from engine.data.batches import Piece
from engine.data.dataset import Dataset
from engine.data.documents import HELD_OUT_SEEDS
from engine.evidence.ablation import Measuring, ablate, hybrid_mixers, linear_worth, without
from engine.evidence.inner_parts import LinearBranch
from engine.evidence.quality import score
from engine.methods import T2R
from engine.models.catalogue import DEFAULT_MODEL
from engine.models.load import Loaded
from engine.services.finetune import finetune
from engine.services.transfer import transfer

_HEAVY = 20.0
"""Logarithm of a weight of the window beside which the linear part is nothing in float32."""

DIALS = (0.0, 7.0, 8.0, 9.0, 9.25, 9.5, 10.0, 12.0, _HEAVY)
"""Added to the logarithm of the window's weight: from a linear part as it was trained to none. The
truths lie closest together where the label changes."""

_METHOD, _KEPT = Hybrid(window=16, far=T2R()), KeptLayers(every=4)
_LABELS: tuple[LinearBranch, ...] = ("idle", "undecided", "partly", "carries")


def idle_branch(seeds: int, *, loaded: Loaded | None = None, documents: int = 4) -> dict[str, Any]:
    """Convert with many seeds, make the linear part idle in one of two ways, and label it.

    Args:
        seeds: for each way; the seed draws the mixers' weights and the documents.
        loaded: the original; None is the bundled model.
        documents: generated records that are scored.
    """
    loaded = loaded or load(DEFAULT_MODEL)
    rows = []
    for how in ("weights zeroed", "window outweighs it"):
        labels = [_label(loaded, how, seed, documents) for seed in range(seeds)]
        rows.append({"how": how, "seeds": seeds, "labelled_idle": labels.count("idle") / seeds})
    return {"rows": rows}


def working_branch(
    *, documents: int, data_sets: int, sizes: tuple[int, ...], loaded: Loaded | None = None,
    steps: int = 20, dials: tuple[float, ...] = DIALS,
) -> list[dict[str, Any]]:  # fmt: skip
    """Train one hybrid for so many steps of each stage, weaken its linear part step by step, and
    label data sets drawn from what each reads as a run does. The truth is that of the whole
    population; no recall is asked, so the label goes by the text alone.

    Args:
        documents: generated records in the population.
        data_sets: drawn for each dial and size.
        sizes: documents in a data set.
        loaded: the original; None is the bundled model.
    """
    loaded = loaded or load(DEFAULT_MODEL)
    model = _trained(loaded, steps)
    pieces = records(loaded, HELD_OUT_SEEDS.start, documents, (400, 3200))
    tokens = np.array([len(piece.ids) - 1 for piece in pieces], float)
    with without(model, linear=True):
        no_linear = _nats(model, pieces)
    with without(model, linear=True, window=True):
        neither = _nats(model, pieces)
    trained = [mixer.log_gamma.detach().clone() for mixer in hybrid_mixers(model)]
    rows = []
    for number, dial in enumerate(dials):
        with torch.no_grad():
            for mixer, before in zip(hybrid_mixers(model), trained):
                mixer.log_gamma.copy_(before + dial)
        readings = (_nats(model, pieces), no_linear, neither)
        truth = float((no_linear - readings[0]).sum() / tokens.sum())
        for n in sizes:
            rng, tally = np.random.default_rng(number), Tally(truth)
            found = dict.fromkeys(_LABELS, 0)
            for _ in range(data_sets):
                drawn = rng.integers(0, documents, n)
                worth = linear_worth(
                    *(model_quality(nats[drawn], tokens[drawn]) for nats in readings)
                )
                label = worth.label(facts_lost=None)
                assert worth.interval is not None and label is not None  # all readings are finite
                tally.add(worth.interval)
                found[label] += 1
            shares = {label: round(count / data_sets, 4) for label, count in found.items()}
            rows.append({"dial": dial, "documents": n, **tally.row(digits=6), **shares})
    return rows


def _trained(loaded: Loaded, steps: int) -> PreTrainedModel:
    """A hybrid after so many steps of each stage."""
    model = copy.deepcopy(loaded.model)
    convert(model, _METHOD, _KEPT, seed=0)
    recipe = Recipe(
        transfer=TransferSettings(steps=steps),
        finetune=FinetuneSettings(steps=steps, evaluate_every=steps), tokens_per_step=2048,
    )  # fmt: skip
    train, validation = (
        tuple(records(loaded, seed, count, (800, 4000)))
        for seed, count in ((5000, 8 * steps), (7000, 4))
    )
    dataset = Dataset(
        train=train, validation=validation, heldout=(), counts={}, near_duplicates=0,
        max_tokens=loaded.context_tokens,
    )  # fmt: skip
    transfer(model, dataset, recipe, seed=0, listen=_ignore)
    finetune(model, loaded.model, dataset, recipe, track="converted", seed=0, listen=_ignore)
    return model.eval()


def _ignore(event: object) -> None:
    """Nobody watches this training."""


def _nats(model: PreTrainedModel, pieces: list[Piece]) -> np.ndarray:
    by_document = score(model, pieces).by_document
    return np.array([math.nan if d.nats is None else d.nats for d in by_document])


def _label(loaded: Loaded, how: str, seed: int, documents: int) -> str | None:
    pieces = records(loaded, 1000 * seed, documents, (600, 1500))
    models: list[PreTrainedModel] = []
    for _ in range(2):
        model = copy.deepcopy(loaded.model)
        convert(model, _METHOD, _KEPT, seed=seed)
        models.append(model)
    converted, untrained = models
    with torch.no_grad():
        for mixer in hybrid_mixers(converted):
            if how == "weights zeroed":
                for weight in mixer.feature_map.parameters():
                    weight.zero_()
            else:
                mixer.log_gamma.fill_(_HEAVY)
    on = Measuring(pieces, None, [])
    full = score(converted, pieces)
    return ablate(converted, untrained, on, full=full, recalled=0, seed=seed).linear_branch
