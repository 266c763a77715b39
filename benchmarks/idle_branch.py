"""Hybrids whose linear part was made idle on purpose: are they called so?"""

from __future__ import annotations

import copy
import itertools
from typing import Any

import torch
from transformers import PreTrainedModel

from engine import Hybrid, KeptLayers, convert, load
from engine.data.batches import Piece
from engine.data.documents import business_documents
from engine.evidence.ablation import Measuring, ablate, hybrid_mixers
from engine.evidence.quality import score
from engine.methods import T2R
from engine.models.catalogue import DEFAULT_MODEL
from engine.models.load import Loaded

_HEAVY = 20.0
"""Logarithm of a weight of the window beside which the linear part is nothing in float32."""


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


def _label(loaded: Loaded, how: str, seed: int, documents: int) -> str | None:
    drawn = itertools.islice(business_documents(1000 * seed, characters=(600, 1500)), documents)
    pieces = []
    for number, record in enumerate(drawn):
        ids = torch.tensor(loaded.tokenizer(record.text)["input_ids"][: loaded.context_tokens])
        pieces.append(Piece(ids, number, 0, None))
    models: list[PreTrainedModel] = []
    for _ in range(2):
        model = copy.deepcopy(loaded.model)
        convert(model, Hybrid(window=16, far=T2R()), KeptLayers(every=4), seed=seed)
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
