"""Why a conversion loses: each head's attention map and output against the original's.

Both models read the same held-out text, each with its own weights and hidden states, so what
earlier layers got wrong counts too. The original's maps are softmax(q k^T) of its own queries and
keys, the converted ones the mixer's materialised weights; nothing in either model is changed.

Legend: B batch (1), H query heads, T tokens, V value dim.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.utils.hooks import RemovableHandle
from transformers import PreTrainedModel

from engine.core import swap
from engine.core.geometry import attention_layers
from engine.core.mixer import Mixer, SoftmaxMixer
from engine.data.dataset import Piece
from engine.evidence.attention_maps import Kept, attention_maps, passage_start
from engine.evidence.fidelity_parts import FEWEST_BEFORE, MOST_TOKENS, Fidelity, HeadFidelity
from engine.evidence.inner_state import Watched, quarters, state_norms
from engine.evidence.parts import finite

_DOCUMENTS = 4
_SINKS = 4
_FORMULA_TOLERANCE = 1e-2
_NOTE = (
    "Jensen-Shannon divergence of maps, tokens with at least {fewest} tokens before them, at most"
    " {most} tokens a document."
)
_READINGS = (
    "divergence", "entropy_original", "entropy_converted", "look_back_original",
    "look_back_converted", "sink_mass_original", "sink_mass_converted",
)  # fmt: skip


@dataclass
class _Seen:
    """What the original's layer did with one text: queries scaled, [B, H, T, D], and its output."""

    mixer: Mixer
    q: Tensor
    k: Tensor
    out: Tensor
    error: float
    """Of softmax(q k^T) v against `out`, relative: large where a family adds a window or a cap."""

    def weights(self) -> Tensor:
        """The original's maps [B, H, T, T]."""
        return self.mixer.weights(self.q.float(), self.k.float())


@dataclass
class _Sums:
    """Sums over tokens, per head [H]."""

    readings: dict[str, Tensor] = field(default_factory=dict)
    wrong: Tensor | float = 0.0
    whole: Tensor | float = 0.0
    state: Watched = field(default_factory=Watched)

    def add(self, name: str, values: Tensor) -> None:
        """Add values [H, T]."""
        self.readings[name] = self.readings.get(name, 0.0) + values.double().sum(-1)


@torch.inference_mode()
def fidelity(
    original: PreTrainedModel,
    converted: PreTrainedModel,
    pieces: Sequence[Piece],
    *,
    texts: Sequence[Sequence[str]] | None = None,
    tick: Callable[[], None] = lambda: None,
) -> Fidelity | None:
    """Compare every head of every converted layer; None where no layer has a mixer of its own, or
    every text is too short.

    Args:
        original, converted: of a run.
        pieces: held-out text; the longest beginnings of documents are read.
        texts: for each piece, what each token but its first adds (`target_texts`); None where the
            tokenizer does not tell.
        tick: called after each text; may raise to stop.
    """
    layers = swap.conversion_of(converted).layers
    mixers = {i: layer.module.mixer for i, layer in layers.items()}
    mixers = {i: mixer for i, mixer in mixers.items() if not mixer.keeps_kv_cache}
    known = texts or [None] * len(pieces)
    long = [(p, own) for p, own in zip(pieces, known, strict=True) if len(p.ids) > FEWEST_BEFORE]
    chosen = sorted(long, key=lambda pair: -len(pair[0].ids))[:_DOCUMENTS]
    if not mixers or not chosen:
        return None
    longest, words = chosen[0]
    read = min(len(longest.ids), MOST_TOKENS)
    kept = Kept(passage_start(read))
    sums = {index: _Sums() for index in mixers}
    foreign: set[int] = set()
    tokens = 0
    for number, (piece, _) in enumerate(chosen):
        ids = torch.as_tensor(piece.ids[:MOST_TOKENS], dtype=torch.long)[None]
        seen = _original_side(original, ids, set(mixers))
        foreign |= {index for index, s in seen.items() if s.error > _FORMULA_TOLERANCE}
        with _watching(mixers, seen, sums, None if number else kept):
            converted.base_model(input_ids=ids.to(converted.device), use_cache=False)
        tokens += ids.shape[1] - FEWEST_BEFORE
        tick()
    heads = [head for index in sums for head in _heads(index, sums[index], tokens, foreign)]
    note = _NOTE.format(fewest=FEWEST_BEFORE, most=MOST_TOKENS)
    if foreign:
        names = ", ".join(str(index) for index in sorted(foreign))
        note += f" Layers {names} add to plain softmax (a window, a cap): outputs only, no maps."
    total = dict.fromkeys(mixers, 0.0)
    for head in heads:
        total[head.layer] += math.inf if head.output_error is None else head.output_error
    return Fidelity(
        heads=tuple(heads),
        drifting_layers=tuple(sorted(total, key=total.__getitem__, reverse=True)),
        tokens=tokens,
        documents=len({piece.document for piece, _ in chosen}),
        note=note,
        state_at_tokens=quarters(read),
        states=tuple(of.state.measured(index) for index, of in sums.items()),
        maps=attention_maps(kept, heads, document=longest.document, texts=words),
    )


def _original_side(model: PreTrainedModel, ids: Tensor, wanted: set[int]) -> dict[int, _Seen]:
    """Queries, keys and outputs of the original's layers; the model is as before afterwards."""
    seen: dict[int, _Seen] = {}

    def note(
        layer: int, mixer: Mixer, q: Tensor, k: Tensor, v: Tensor, valid: Tensor | None, out: Tensor
    ) -> None:
        error = (mixer(q, k, v) - out).double().square().sum() / out.double().square().sum()
        seen[layer] = _Seen(mixer, q, k, out, float(error) ** 0.5)

    softmax = {x.index: SoftmaxMixer(x.head) for x in attention_layers(model) if x.index in wanted}
    swap.convert(model, softmax)
    try:
        with swap.observing(model, note):
            model.base_model(input_ids=ids.to(model.device), use_cache=False)
    finally:
        swap.revert(model)
    return seen


@contextmanager
def _watching(
    mixers: dict[int, Mixer], seen: dict[int, _Seen], sums: dict[int, _Sums], kept: Kept | None
) -> Iterator[None]:
    """Within: every call of a mixer is held against what the original's layer did; with `kept` for
    the longest text, whose maps are kept and whose state is followed."""

    def watch(index: int) -> RemovableHandle:
        def compare(mixer: Mixer, inputs: tuple[Tensor, ...], out: Tensor) -> None:
            q, k, v = inputs[:3]
            theirs, mine = seen[index].weights()[0], mixer.weights(q, k)[0].float()
            _compare(theirs, mine, seen[index].out, out, sums[index])
            sums[index].state.add_keys(mixer, k)
            if kept is not None:
                kept.add(index, theirs, mine)
                sums[index].state.norms = state_norms(mixer, q, k, v)

        return mixers[index].register_forward_hook(compare)

    handles = [watch(index) for index in mixers]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _compare(
    theirs: Tensor, mine: Tensor, out_theirs: Tensor, out_mine: Tensor, sums: _Sums
) -> None:
    """Add one text: maps [H, T, T] and outputs [1, H, T, V] of both models."""
    theirs, mine = theirs[:, FEWEST_BEFORE:], mine[:, FEWEST_BEFORE:]
    middle = _entropy((theirs + mine) / 2)
    back = torch.arange(mine.shape[-1], device=mine.device)
    distance = (back[FEWEST_BEFORE:, None] - back[None, :]).clamp_min(0).float()
    entropies = {}
    for name, weights in (("original", theirs), ("converted", mine)):
        entropies[name] = _entropy(weights)
        sums.add(f"entropy_{name}", entropies[name])
        sums.add(f"look_back_{name}", (weights * distance).sum(-1))
        sums.add(f"sink_mass_{name}", weights[..., :_SINKS].sum(-1))
    sums.add("divergence", middle - (entropies["original"] + entropies["converted"]) / 2)
    wrong = (out_mine - out_theirs)[0, :, FEWEST_BEFORE:].double().square().sum((-1, -2))
    whole = out_theirs[0, :, FEWEST_BEFORE:].double().square().sum((-1, -2))
    sums.wrong, sums.whole = sums.wrong + wrong, sums.whole + whole


def _entropy(weights: Tensor) -> Tensor:
    """-sum w log w of maps [..., T], in nats."""
    return -torch.xlogy(weights, weights).sum(-1)


def _heads(index: int, sums: _Sums, tokens: int, foreign: set[int]) -> list[HeadFidelity]:
    assert isinstance(sums.wrong, Tensor) and isinstance(sums.whole, Tensor)
    errors = (sums.wrong / sums.whole).tolist()
    means = {name: (sums.readings[name] / tokens).tolist() for name in _READINGS}
    return [
        HeadFidelity(
            layer=index,
            head=head,
            output_error=finite(error),
            **{
                name: None if index in foreign else finite(values[head])
                for name, values in means.items()
            },
        )
        for head, error in enumerate(errors)
    ]
