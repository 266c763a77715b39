"""Populations of documents with a known truth, for `benchmarks.calibration`."""

from __future__ import annotations

import copy
import itertools
import math

import numpy as np
import torch
from transformers import PreTrainedModel

from engine import Hybrid, KeptLayers, convert, load
from engine.configs import AcceptanceGates
from engine.data.batches import Piece
from engine.data.documents import business_documents
from engine.evidence.judging import judge_quality as judge_quality_gate
from engine.evidence.judging import judge_recall as judge_recall_gate
from engine.evidence.judging import lost
from engine.evidence.parts import (
    DocumentReading,
    ModelQuality,
    Quality,
    QuestionOutcome,
    Recall,
)
from engine.evidence.quality import score
from engine.evidence.selection import judged_questions
from engine.evidence.verdict import GateVerdict
from engine.models.catalogue import DEFAULT_MODEL
from engine.models.load import Loaded

Population = tuple[np.ndarray, np.ndarray]
"""Of every document: additional nats of the converted model, and tokens."""

DISTANCES = 6

DAMAGE = (0.05, 0.15, 0.2, 0.3)
"""Standard deviation of the noise added to every weight matrix, as a share of its own."""


def made_up_populations(documents: int = 20_000, seed: int = 0) -> dict[str, Population]:
    """Documents of 64 to 2,000 tokens: loss per token even, skewed, or ruled by a few documents
    that are many times worse than the rest; and the same even one without any loss."""
    rng = np.random.default_rng(seed)
    tokens = np.clip(rng.lognormal(6.6, 0.6, documents), 64, 2000).round()
    shapes = {
        "made up, no loss": rng.normal(0.0, 0.02, documents),
        "made up, even": rng.normal(0.01, 0.02, documents),
        "made up, skewed": 0.01 * rng.gamma(0.7, 1 / 0.7, documents),
        "made up, heavy tail": 0.02 * np.exp(rng.normal(-0.72, 1.2, documents)),
    }
    populations = {}
    for name, per_token in shapes.items():
        # What happens to a token by chance averages out over a document.
        per_token = per_token + rng.normal(0, 0.05, documents) / np.sqrt(tokens)
        if name == "made up, no loss":
            per_token = per_token - (per_token * tokens).sum() / tokens.sum()
        populations[name] = (per_token * tokens, tokens)
    return populations


def damaged_populations(documents: int, seed: int = 0) -> dict[str, Population]:
    """The bundled model against copies of it with noise on their weights, and against the untrained
    swap, on generated records; and a null: two damaged copies, whose places are exchanged in one
    half of the population, so that neither is worse."""
    loaded = load(DEFAULT_MODEL)
    pieces = records(loaded, seed, documents, (800, 8000))
    reference = score(loaded.model, pieces)
    tokens = np.array([d.tokens for d in reference.by_document], float)
    swapped = copy.deepcopy(loaded.model)
    convert(swapped, Hybrid(), KeptLayers(every=4), seed=seed)
    models = {f"real, noise {share:.0%}": damaged(loaded.model, share, 1) for share in DAMAGE}
    models["real, swapped and untrained"] = swapped
    readings = {name: score(model, pieces) for name, model in models.items()}
    populations = {
        name: (_nats(quality) - _nats(reference), tokens) for name, quality in readings.items()
    }
    name = f"real, noise {DAMAGE[1]:.0%}"
    apart = _nats(score(damaged(loaded.model, DAMAGE[1], 2), pieces)) - _nats(readings[name])
    null = (np.concatenate([apart, -apart]), np.concatenate([tokens, tokens]))
    return {"real, no loss": null, **populations}


def records(
    loaded: Loaded, seed: int, documents: int, characters: tuple[int, int]
) -> list[Piece]:
    """Generated records of so many characters, one piece each, cut where the context ends."""
    drawn = itertools.islice(business_documents(seed, characters=characters), documents)
    pieces = []
    for number, record in enumerate(drawn):
        ids = torch.tensor(loaded.tokenizer(record.text)["input_ids"][: loaded.context_tokens])
        pieces.append(Piece(ids, number, 0, None))
    return pieces


def damaged(model: PreTrainedModel, share: float, seed: int) -> PreTrainedModel:
    """A copy with normal noise on every weight matrix."""
    generator = torch.Generator().manual_seed(seed)
    changed = copy.deepcopy(model)
    with torch.no_grad():
        for weight in changed.parameters():
            if weight.dim() > 1:
                noise = torch.randn(weight.shape, generator=generator)
                weight += share * weight.std() * noise
    return changed


def judge_quality(losses: np.ndarray, tokens: np.ndarray, gates: AcceptanceGates) -> GateVerdict:
    """The verdict on quality of a data set, as a run would get it."""
    control = model_quality(np.zeros_like(losses), tokens)
    found = judge_quality_gate(
        Quality(
            original=control, control=control, converted=model_quality(losses, tokens),
            swapped_untrained=control, kl=None, top1_agreement=None,
        ),
        gates,
    )  # fmt: skip
    assert found is not None  # the gate is set
    return found


def judge_recall(
    original: np.ndarray, converted: np.ndarray, gates: AcceptanceGates
) -> tuple[GateVerdict, list[int]]:
    """The verdict on recall of a data set, as a run would get it, and the distances called lost.

    Args:
        original, converted: whether each question is answered [questions]; they are dealt in turn
            to two languages and six distances.
    """
    questions = tuple(
        QuestionOutcome(
            number=i, language=("en", "ja")[i % 2], kind="planted",
            distance_tokens=64 << (i // 2 % DISTANCES), original=bool(a), converted=bool(b),
        )
        for i, (a, b) in enumerate(zip(original, converted))
    )  # fmt: skip
    recall = Recall(
        original=None, converted=None, languages=("en", "ja"), questions=questions, note=None
    )
    found = judge_recall_gate(recall, gates)
    assert found is not None  # the gate is set
    return found, lost(judged_questions(questions))


def model_quality(nats: np.ndarray, tokens: np.ndarray) -> ModelQuality:
    """A reading with these nats and tokens of each document."""
    return ModelQuality(
        perplexity=math.exp(min(nats.sum() / tokens.sum(), 700.0)), bits_per_byte=None,
        perplexity_by_position=(), tokens=int(tokens.sum()), documents=len(tokens),
        by_document=tuple(
            DocumentReading(document=i, tokens=int(t), nats=float(x))
            for i, (x, t) in enumerate(zip(nats, tokens))
        ),
    )  # fmt: skip


def _nats(quality: ModelQuality) -> np.ndarray:
    return np.array([d.nats for d in quality.by_document], float)
