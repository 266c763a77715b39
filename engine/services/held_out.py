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
from engine.data.needles import NeedleProbe
from engine.data.probes import RecallProbe
from engine.data.token_text import target_texts, token_classes
from engine.evidence import continuation
from engine.evidence.ablation import Measuring, ablate, hybrid_mixers, some_questions
from engine.evidence.behaviour_parts import Continuations, Forgetting, LikenessReport
from engine.evidence.fidelity import fidelity
from engine.evidence.fidelity_parts import Fidelity
from engine.evidence.inner_parts import Ablation
from engine.evidence.likeness import likeness
from engine.evidence.parts import ModelQuality, Quality
from engine.evidence.quality import score
from engine.evidence.recall import ask, languages_known, summary
from engine.models.load import Loaded, load
from engine.services.asked import Asked
from engine.services.convert import convert
from engine.services.generic_text import GenericText
from engine.services.original import load_original
from engine.services.progress import Progress


@dataclass(frozen=True)
class HeldOut:
    """What was read off all models.

    Attributes:
        quality: of the held-out text.
        passed: which questions "original", "converted" and perhaps "control" answered.
        found: which needles the same models found.
        likeness: of the next-token distributions.
        continuations: of held-out text; None where it is too short.
        forgetting: of text that is not the user's.
        fidelity: of the converted layers' attention; None for a null conversion.
        ablation: of a hybrid's parts; None for other methods.
    """

    quality: Quality
    passed: dict[str, list[bool]]
    found: dict[str, list[bool]]
    likeness: LikenessReport
    continuations: Continuations | None
    forgetting: Forgetting
    fidelity: Fidelity | None
    ablation: Ablation | None


@dataclass
class _Bench:
    """Puts one model after the other through the same readings."""

    original: Loaded
    pieces: Sequence[Piece]
    texts: list[list[str]] | None
    probes: Sequence[RecallProbe]
    generic: GenericText
    needles: Sequence[NeedleProbe]
    asked: Asked
    progress: Progress
    scores: dict[str, ModelQuality] = field(default_factory=dict)
    generic_scores: dict[str, ModelQuality] = field(default_factory=dict)
    passed: dict[str, list[bool]] = field(default_factory=dict)
    found: dict[str, list[bool]] = field(default_factory=dict)
    written: dict[str, list[list[int]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.text_bytes = target_bytes(self.pieces)
        self.sizes = self.classes = None
        if self.texts is not None:
            self.sizes = [[len(t.encode("utf-8", "surrogatepass")) for t in x] for x in self.texts]
            self.classes = [token_classes(x) for x in self.texts]
        self.prompts = continuation.choose_prompts(self.pieces, self.original.context_tokens)

    def score(self, name: str, model: Loaded) -> ModelQuality:
        """Held-out text."""
        with self.progress.part("quality", f"held-out text, {name}"):
            self.scores[name] = score(
                model.model, self.pieces, text_bytes=self.text_bytes, sizes=self.sizes,
                tick=self.progress.tick,
            )  # fmt: skip
        return self.scores[name]

    def read(self, name: str, model: Loaded) -> None:
        """Held-out text, text that is not the user's, questions, continuations and tasks."""
        self.score(name, model)
        tick = self.progress.tick
        if self.generic.pieces:
            with self.progress.part("quality", f"other text, {name}"):
                self.generic_scores[name] = score(
                    model.model, self.generic.pieces, text_bytes=target_bytes(self.generic.pieces),
                    tick=tick,
                )  # fmt: skip
        if self.probes:
            with self.progress.part("recall", f"recall, {name}"):
                self.passed[name] = ask(model.model, self.probes, tick=tick)
        if self.needles:
            with self.progress.part("needles", f"needles, {name}"):
                self.found[name] = ask(model.model, self.needles, tick=tick)
        if self.prompts:
            end = self.original.tokenizer.eos_token_id
            ends = frozenset([end]) if isinstance(end, int) else frozenset[int]()
            with self.progress.part("continuations", f"continuations, {name}"):
                self.written[name] = continuation.continue_greedily(
                    model.model, self.prompts, ends, tick=tick
                )
        self.asked.ask(name, model, self.progress)

    def forgetting(self) -> Forgetting:
        """What was read off the text that is not the user's."""
        parties = {name: self.generic_scores.get(name) for name in ("original", "control")}
        return Forgetting(
            name=self.generic.name, note=self.generic.note, **parties,
            converted=self.generic_scores.get("converted"),
        )  # fmt: skip

    def continuations(self) -> Continuations | None:
        """Every model's continuations against the original's."""
        if self.prompts is None:
            return None
        against = {
            name: continuation.agreement(self.written["original"], rows)
            for name, rows in self.written.items()
        }
        return Continuations(
            documents=self.prompts.documents,
            prompt_tokens=self.prompts.ids.shape[1],
            new_tokens=self.prompts.new_tokens,
            converted=against["converted"],
            control=against.get("control"),
        )

    def take_apart(self, converted: Loaded, untrained: Loaded, seed: int) -> Ablation:
        """The ablation, with the questions that the original masters."""
        numbers: list[int] = []
        if self.probes:
            known = languages_known(summary(self.probes, self.passed["original"]))
            numbers = some_questions(self.probes, known)
        on = Measuring(
            self.pieces, self.text_bytes, [self.probes[n] for n in numbers], self.progress.tick
        )
        recalled = sum(self.passed["converted"][n] for n in numbers)
        full = self.scores["converted"]
        return ablate(converted.model, untrained.model, on, full=full, recalled=recalled, seed=seed)


def measure_held_out(
    config: RunConfig,
    folder: Path,
    original: Loaded,
    converted: Loaded,
    pieces: Sequence[Piece],
    documents: Sequence[str],
    probes: Sequence[RecallProbe],
    generic: GenericText,
    needles: Sequence[NeedleProbe],
    asked: Asked,
    device: str,
    progress: Progress,
) -> HeldOut:
    """Put the original, the converted model and the control (where one was trained) through all
    readings, score the untrained swap, and take a hybrid apart.

    Args:
        config: the run's settings; folder: where the run lies; device: where models run.
        original, converted: the two that stay loaded.
        pieces: the held-out text; documents: the whole corpus they come from.
        probes: recall questions, or none.
        generic: text that is not the user's.
        needles: needle tasks, or none.
        asked: the user's own task and MQAR, where there are any; takes the answers.
        progress: counts the parts.
    """
    texts = target_texts(pieces, documents, original.tokenizer)
    bench = _Bench(original, pieces, texts, probes, generic, needles, asked, progress)
    has_control = (folder / "control").is_dir()
    a_model = 1 + bool(generic.pieces) + bool(probes) + bool(needles) + (bench.prompts is not None)
    a_model += asked.parts
    # Beside them: loading, questions, needles, data, agreement, attention, the untrained swap,
    # speed, answers.
    hybrid = bool(hybrid_mixers(converted.model))
    progress.total = (2 + has_control) * a_model + 9 + hybrid
    bench.read("original", original)
    bench.read("converted", converted)
    with progress.part("quality", "agreement"):
        alike = likeness(
            original.model, converted.model, pieces, classes=bench.classes, tick=progress.tick
        )
    with progress.part("fidelity", "attention"):
        inner = fidelity(original.model, converted.model, pieces, texts=texts, tick=progress.tick)
    if has_control:
        control = load(str(folder / "control"), device=device)
        bench.read("control", control)
        del control  # free it before the next one is loaded
    untrained = load_original(config, device=device)
    convert(untrained.model, config.method, config.kept, seed=config.seed)
    quality = Quality(
        original=bench.scores["original"],
        control=bench.scores.get("control"),
        converted=bench.scores["converted"],
        swapped_untrained=bench.score("untrained", untrained),
        kl=alike.overall.kl,
        top1_agreement=alike.overall.top1,
        vocabulary=original.model.config.get_text_config().vocab_size,
    )
    ablation = None
    if hybrid:
        with progress.part("ablation", "parts of the attention"):
            ablation = bench.take_apart(converted, untrained, config.seed)
    return HeldOut(
        quality, bench.passed, bench.found, alike,
        bench.continuations(), bench.forgetting(), inner, ablation,
    )  # fmt: skip
