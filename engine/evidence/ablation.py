"""Which part of a hybrid's attention does the work: leave parts out and measure again.

In published hybrids the window often does everything and the linear part nothing (the mean of six
tasks was 71.1 with both and 71.5 without the linear part: arXiv:2510.05901), which neither
perplexity nor a short task shows. So every hybrid is measured without its parts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from transformers import PreTrainedModel

from engine.core.hybrid_mixer import HybridMixer
from engine.core.swap import conversion_of
from engine.data.probes import RecallProbe
from engine.evidence.inner_parts import Ablation, LinearBranch, linear_branch
from engine.evidence.parts import ModelQuality
from engine.evidence.quality import score
from engine.evidence.recall import ask
from engine.evidence.stats import Interval, paired_ratio, wilson

if TYPE_CHECKING:
    from engine.data.dataset import Piece


def hybrid_mixers(model: PreTrainedModel) -> list[HybridMixer]:
    """The converted layers' mixers that have parts to leave out."""
    mixers = conversion_of(model).mixers().values()
    return [mixer for mixer in mixers if isinstance(mixer, HybridMixer)]


@contextmanager
def without(
    model: PreTrainedModel, *, window: bool = False, linear: bool = False
) -> Iterator[None]:
    """Within: every hybrid layer lacks its window and sinks, its linear far field, or both."""
    with ExitStack() as stack:
        for mixer in hybrid_mixers(model):
            stack.enter_context(mixer.without(near=window, far=linear))
        yield


@contextmanager
def shuffled_features(model: PreTrainedModel, seed: int) -> Iterator[bool]:
    """Within: the numbers of every learned tensor of the feature maps are in random order, so that
    sizes stay and what was learned goes. Yields whether there was anything to shuffle."""
    generator = torch.Generator().manual_seed(seed)
    weights = [p for mixer in hybrid_mixers(model) for p in mixer.feature_map.parameters()]
    kept = [p.detach().clone() for p in weights]
    with torch.no_grad():
        for p in weights:
            order = torch.randperm(p.numel(), generator=generator).to(p.device)
            p.copy_(p.flatten()[order].view_as(p))
    try:
        yield bool(weights)
    finally:
        with torch.no_grad():
            for p, values in zip(weights, kept, strict=True):
                p.copy_(values)


def some_questions(probes: Sequence[RecallProbe], languages: Sequence[str]) -> list[int]:
    """Numbers of half of the questions (rounded up) of every distance and each given language."""
    groups: dict[tuple[int, str], list[int]] = {}
    for number, probe in enumerate(probes):
        if probe.language in languages:
            groups.setdefault((probe.distance_tokens, probe.language), []).append(number)
    return sorted(n for group in groups.values() for n in group[: -(-len(group) // 2)])


@dataclass(frozen=True)
class Measuring:
    """What an ablation is measured on.

    Attributes:
        pieces: held-out text; text_bytes: the UTF-8 bytes of its scored tokens' text.
        probes: recall questions that the original masters.
        tick: called often; may raise to stop.
    """

    pieces: Sequence[Piece]
    text_bytes: int | None
    probes: Sequence[RecallProbe]
    tick: Callable[[], None] = lambda: None

    def quality(self, model: PreTrainedModel) -> ModelQuality:
        """Score the held-out text."""
        return score(model, self.pieces, text_bytes=self.text_bytes, tick=self.tick)

    def recalled(self, model: PreTrainedModel) -> int:
        """Questions answered."""
        return sum(ask(model, self.probes, tick=self.tick)) if self.probes else 0


def ablate(
    converted: PreTrainedModel,
    untrained: PreTrainedModel,
    on: Measuring,
    *,
    full: ModelQuality,
    recalled: int,
    seed: int,
) -> Ablation:
    """Measure a hybrid without its parts, and the untrained window + sinks.

    Args:
        converted: a converted model with hybrid layers.
        untrained: the same swap with no training.
        on: what to measure on.
        full: what the whole converted model got on `on.pieces`.
        recalled: how many of `on.probes` the whole converted model answered.
        seed: of the shuffled feature maps.
    """
    with without(converted, linear=True):
        window_alone, recalled_alone = on.quality(converted), on.recalled(converted)
    with without(converted, window=True):
        linear_alone = on.quality(converted)
    with without(converted, window=True, linear=True):
        neither = on.quality(converted)
    with shuffled_features(converted, seed) as any_learned:
        shuffled = on.quality(converted) if any_learned else None
    with without(untrained, linear=True):
        baseline, recalled_by_baseline = on.quality(untrained), on.recalled(untrained)
    worth = linear_worth(full, window_alone, neither)
    facts_lost = wilson(max(0, recalled - recalled_alone), recalled) if recalled else None
    return Ablation(
        without_linear=window_alone,
        without_window=linear_alone,
        without_both=neither,
        shuffled_features=shuffled,
        window_and_sinks=baseline,
        linear_nats=worth.nats,
        linear_interval=worth.interval,
        attention_nats=worth.attention_nats,
        linear_share=worth.share,
        questions=len(on.probes),
        recalled=recalled,
        recalled_without_linear=recalled_alone,
        recalled_by_window_and_sinks=recalled_by_baseline,
        linear_branch=worth.label(facts_lost),
    )


@dataclass(frozen=True)
class LinearWorth:
    """What a linear part is worth in quality; the fields of `Ablation` tell what each number is."""

    nats: float | None
    interval: Interval | None
    attention_nats: float | None

    @property
    def share(self) -> float | None:
        """`Ablation.linear_share`."""
        if self.nats is None or self.attention_nats is None or self.attention_nats <= 0:
            return None
        return self.nats / self.attention_nats

    def label(self, facts_lost: Interval | None) -> LinearBranch | None:
        """`Ablation.linear_branch`; `facts_lost` is a share (0-1) of the recalled facts."""
        return linear_branch(self.nats, self.interval, self.attention_nats, facts_lost)


def linear_worth(
    full: ModelQuality, without_linear: ModelQuality, without_both: ModelQuality
) -> LinearWorth:
    """From readings of one text by the whole model and by it without its parts."""
    return LinearWorth(
        nats=_lost(without_linear, full),
        interval=_interval(without_linear, full),
        attention_nats=_lost(without_both, full),
    )


def _lost(ablated: ModelQuality, full: ModelQuality) -> float | None:
    """Nats per token that the ablated model is worse by; None where either is not finite."""
    if ablated.perplexity is None or full.perplexity is None:
        return None
    return math.log(ablated.perplexity) - math.log(full.perplexity)


def _interval(ablated: ModelQuality, full: ModelQuality) -> Interval | None:
    """The same with its interval, paired by document; None for fewer than two documents."""
    pairs = [
        (theirs.nats - ours.nats, ours.tokens)
        for theirs, ours in zip(ablated.by_document, full.by_document, strict=True)
        if theirs.nats is not None and ours.nats is not None and ours.tokens
    ]
    if len(pairs) < max(2, len(full.by_document)):
        return None
    differences, tokens = zip(*pairs)
    return paired_ratio(differences, tokens)
