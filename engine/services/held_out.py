"""All models of a run on the same held-out text and the same recall questions.

A model is loaded when its turn comes, measured on everything and let go, so that three are in
memory at most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from engine.configs import RunConfig
from engine.data.dataset import Piece, target_bytes
from engine.data.probes import RecallProbe
from engine.evidence.ablation import Measuring, ablate, hybrid_mixers, some_questions
from engine.evidence.inner_parts import Ablation
from engine.evidence.parts import ModelQuality, Quality
from engine.evidence.quality import agreement, score
from engine.evidence.recall import ask, languages_known, summary
from engine.models.load import Loaded, load
from engine.services.convert import convert
from engine.services.progress import Progress


@dataclass(frozen=True)
class HeldOut:
    """What was read off all models.

    Attributes:
        quality: of the held-out text.
        passed: which questions "original", "converted" and perhaps "control" answered.
        ablation: of a hybrid's parts; None for other methods.
    """

    quality: Quality
    passed: dict[str, list[bool]]
    ablation: Ablation | None


@dataclass
class _Bench:
    """Scores one model after the other."""

    pieces: Sequence[Piece]
    probes: Sequence[RecallProbe]
    progress: Progress
    text_bytes: int | None
    passed: dict[str, list[bool]] = field(default_factory=dict)

    def score(self, name: str, model: Loaded) -> ModelQuality:
        with self.progress.part("quality", f"held-out text, {name}"):
            return score(
                model.model, self.pieces, text_bytes=self.text_bytes, tick=self.progress.tick
            )

    def ask(self, name: str, model: Loaded) -> None:
        if self.probes:
            with self.progress.part("recall", f"recall, {name}"):
                self.passed[name] = ask(model.model, self.probes, tick=self.progress.tick)


def measure_held_out(
    config: RunConfig,
    folder: Path,
    original: Loaded,
    converted: Loaded,
    pieces: Sequence[Piece],
    probes: Sequence[RecallProbe],
    device: str,
    progress: Progress,
) -> HeldOut:
    """Score the original, the converted, the control (where one was trained) and the untrained
    model, ask the first three the questions, and take a hybrid apart."""
    bench = _Bench(pieces, probes, progress, target_bytes(pieces))
    of_original, of_converted = (
        bench.score("original", original),
        bench.score("converted", converted),
    )
    with progress.part("quality", "agreement"):
        kl, top1 = agreement(original.model, converted.model, pieces, tick=progress.tick)
    bench.ask("original", original)
    bench.ask("converted", converted)
    of_control = None
    if (folder / "control").is_dir():
        control = load(str(folder / "control"), device=device)
        of_control = bench.score("control", control)
        bench.ask("control", control)
        del control  # free it before the next one is loaded
    untrained = load(config.model, device=device)
    convert(untrained.model, config.method, config.kept, seed=config.seed)
    quality = Quality(
        original=of_original,
        control=of_control,
        converted=of_converted,
        swapped_untrained=bench.score("untrained", untrained),
        kl=kl,
        top1_agreement=top1,
    )
    ablation = None
    if hybrid_mixers(converted.model):
        with progress.part("ablation", "parts of the attention"):
            ablation = _take_apart(bench, converted, untrained, of_converted, config.seed)
    return HeldOut(quality, bench.passed, ablation)


def _take_apart(
    bench: _Bench, converted: Loaded, untrained: Loaded, full: ModelQuality, seed: int
) -> Ablation:
    """The ablation, with the questions that the original masters."""
    numbers: list[int] = []
    if bench.probes:
        known = languages_known(summary(bench.probes, bench.passed["original"]))
        numbers = some_questions(bench.probes, known)
    on = Measuring(
        bench.pieces, bench.text_bytes, [bench.probes[n] for n in numbers], bench.progress.tick
    )
    recalled = sum(bench.passed["converted"][n] for n in numbers)
    return ablate(converted.model, untrained.model, on, full=full, recalled=recalled, seed=seed)
