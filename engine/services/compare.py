"""Compare a run's models and write `comparison.json`.

Every model is measured on the same held-out text, questions, lengths and prompt. A model is loaded
when its turn comes and let go after it, so that three are in memory at most.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from engine.configs import ComparisonSettings, RunConfig
from engine.data.dataset import Dataset, Piece, build_dataset, target_bytes
from engine.data.ingest import Corpus, read_corpus
from engine.errors import BadDataset
from engine.events import Event, Listener
from engine.evidence.environment import environment
from engine.evidence.parts import ModelQuality, Quality
from engine.evidence.quality import agreement, score, select_pieces
from engine.evidence.recall import ask, gather, questions
from engine.evidence.results import Comparison, rounded
from engine.evidence.speed import measure
from engine.models.load import Loaded, load
from engine.services.answers import (
    Prompt,
    answers,
    conversion_facts,
    document_prompt,
    longest_prompt,
)
from engine.services.artifacts import load_converted
from engine.services.backends import backends
from engine.services.convert import convert
from engine.services.jsonfile import write_json

COMPARISON_FILE = "comparison.json"

_LISTEN_EVERY_S = 0.25  # the listener writes to a data base; micro-batches can take milliseconds


class _Progress:
    """Counts and times the parts, and lets the listener stop the work between micro-batches."""

    def __init__(self, listen: Listener) -> None:
        self.seconds: dict[str, float] = {}
        self.total = 11  # the usual number, until it is known
        self._listen = listen
        self._done = 0
        self._part = ""
        self._told = 0.0

    @contextmanager
    def part(self, kind: str, name: str) -> Iterator[None]:
        """One part; its time is added to what its kind took."""
        self._part = name
        self._tell()
        start = time.perf_counter()
        yield
        spent = time.perf_counter() - start
        self.seconds[kind] = self.seconds.get(kind, 0.0) + spent
        self._done += 1
        self._tell()

    def tick(self) -> None:
        """Called often from within a part."""
        if time.perf_counter() - self._told >= _LISTEN_EVERY_S:
            self._tell()

    def _tell(self) -> None:
        self._told = time.perf_counter()
        values = {"part": self._part}
        self._listen(Event("progress", "comparing", self._done, self.total, values))


def compare(
    folder: Path,
    config: RunConfig,
    settings: ComparisonSettings,
    listen: Listener,
    *,
    device: str = "cpu",
    timing: Mapping[str, float] | None = None,
) -> Comparison:
    """Measure the original, the control, the converted and the untrained model of a run.

    Args:
        folder: the run's folder, with `converted/`, `control/` if it was trained, and `data/`.
        config: the run's settings.
        settings: what to measure; the run's own, or others.
        listen: told after every part; may raise `Cancelled`, and nothing is written then.
        device: where the models run, as torch names it.
        timing: seconds that earlier stages of the run took, to be kept with the result.

    Raises:
        EngineError: a model or the data cannot be read.
        Cancelled: `listen` asked to stop.
    """
    progress = _Progress(listen)
    with progress.part("loading", "loading"):
        original = load(config.model, device=device)
        converted = load_converted(folder / "converted", device=device)
        corpus, dataset = run_data(folder, config, original)
    pieces = select_pieces(dataset.heldout, settings.heldout_tokens)
    with progress.part("recall", "recall questions"):
        probes, note = questions(
            original.tokenizer,
            context_tokens=original.context_tokens,
            per_distance=settings.probes_per_distance,
            seed=config.seed,
        )
    has_control = (folder / "control").is_dir()
    progress.total = 8 + has_control + (2 + has_control) * bool(probes)
    passed: dict[str, list[bool]] = {}

    def asked(name: str, model: Loaded) -> None:
        if probes:
            with progress.part("recall", f"recall, {name}"):
                passed[name] = ask(model.model, probes, tick=progress.tick)

    quality = _quality(config, folder, original, converted, pieces, asked, device, progress)
    room = longest_prompt(original.context_tokens, settings.answer_tokens)
    recall, known = gather(probes, passed, note, longest_prompt=room)
    with progress.part("speed and memory", "speed and memory"):
        speed, memory = measure(
            original.model,
            converted.model,
            context_tokens=settings.context_tokens,
            decode_tokens=settings.decode_tokens,
            repeats=settings.repeats,
            trained_context=original.context_tokens,
            learned_positions=original.learned_positions,
            tick=progress.tick,
        )
    if settings.prompt is not None:
        prompt = Prompt(settings.prompt)
    elif known is not None:
        prompt = Prompt(known.input_ids, expected=known.answer)
    else:
        longest = max(dataset.heldout, key=lambda piece: len(piece.ids))
        prompt = document_prompt(
            longest.ids.tolist(), original.context_tokens, settings.answer_tokens
        )
    method = config.method.name
    with progress.part("answers", "answers"):
        written = answers(original, converted, prompt, tokens=settings.answer_tokens, method=method)
    seconds = {f"comparing: {name}": spent for name, spent in progress.seconds.items()}
    seconds["comparing"] = sum(seconds.values())
    result = Comparison(
        quality=quality,
        recall=recall,
        speed=speed,
        memory=memory,
        answers=written,
        dataset=_counts(corpus, dataset, pieces),
        timing=rounded({**(timing or {}), **seconds}),
        environment=environment(original.model, backend=backends(original.model, converted.model)),
        conversion=conversion_facts(converted.model, method),
    )
    write_json(folder / COMPARISON_FILE, result.model_dump(mode="json"))
    return result


def run_data(folder: Path, config: RunConfig, original: Loaded) -> tuple[Corpus, Dataset]:
    """The run's own copy of the data, split exactly as it was for training."""
    files = [path for path in sorted((folder / "data").glob("*")) if path.is_file()]
    if len(files) != 1:
        raise BadDataset(
            f"The run's data folder holds {len(files)} files instead of one.",
            "Start the run again: its copy of the data was changed.",
        )
    corpus = read_corpus(files[0], text_column=config.text_column)
    most = min(config.recipe.max_tokens, original.context_tokens)
    dataset = build_dataset(corpus, original.tokenizer, max_tokens=most, seed=config.seed)
    return corpus, dataset


def _quality(
    config: RunConfig,
    folder: Path,
    original: Loaded,
    converted: Loaded,
    pieces: Sequence[Piece],
    also: Callable[[str, Loaded], None],
    device: str,
    progress: _Progress,
) -> Quality:
    """Held-out quality of all four models; `also` gets each but the untrained one while it is in
    memory."""
    text_bytes = target_bytes(pieces)

    def scored(name: str, model: Loaded) -> ModelQuality:
        with progress.part("quality", f"held-out text, {name}"):
            return score(model.model, pieces, text_bytes=text_bytes, tick=progress.tick)

    of_original, of_converted = scored("original", original), scored("converted", converted)
    with progress.part("quality", "agreement"):
        kl, top1 = agreement(original.model, converted.model, pieces, tick=progress.tick)
    also("original", original)
    also("converted", converted)
    of_control = None
    if (folder / "control").is_dir():
        control = load(str(folder / "control"), device=device)
        of_control = scored("control", control)
        also("control", control)
        del control  # free it before the next one is loaded
    untrained = load(config.model, device=device)
    convert(untrained.model, config.method, config.kept, seed=config.seed)
    return Quality(
        original=of_original,
        control=of_control,
        converted=of_converted,
        swapped_untrained=scored("untrained", untrained),
        kl=kl,
        top1_agreement=top1,
    )


def _counts(corpus: Corpus, dataset: Dataset, pieces: Sequence[Piece]) -> dict[str, Any]:
    """What the data was: its file, its splits, what was removed, and how much was scored."""
    return {
        "name": corpus.name,
        "sha256": corpus.sha256,
        "format": corpus.format,
        "encoding": corpus.encoding,
        "documents": len(corpus.documents),
        "duplicates": corpus.duplicates,
        "duplicates_across_split": dataset.duplicates_across_split,
        "splits": {name: asdict(counts) for name, counts in dataset.counts.items()},
        "scored_tokens": sum(len(piece.ids) - 1 for piece in pieces),
    }
