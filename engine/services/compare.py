"""Compare a run's models and write `comparison.json`.

Every model is measured on the same held-out text, questions, lengths and prompt.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from engine.configs import ComparisonSettings, RunConfig
from engine.core.geometry import attention_layers
from engine.data.dataset import Dataset, Piece, build_dataset
from engine.data.ingest import Corpus, read_for
from engine.errors import BadDataset
from engine.events import Listener
from engine.evidence.crossover import crossovers
from engine.evidence.environment import environment
from engine.evidence.gates import judged_length, lengths_to_measure
from engine.evidence.judging import judge
from engine.evidence.memory import weights_bytes
from engine.evidence.needle_grid import needle_grid
from engine.evidence.quality import select_pieces
from engine.evidence.recall import gather, questions
from engine.evidence.results import Answers, Comparison, FinetuningFacts, rounded
from engine.models.lengths import require_lengths
from engine.models.load import Loaded
from engine.services.answers import (
    Prompt,
    answers,
    conversion_facts,
    document_prompt,
    longest_prompt,
)
from engine.services.artifacts import finetuning_end, load_converted
from engine.services.asked import Asked, needles_for
from engine.services.backends import backends
from engine.services.data_checks import check_data
from engine.services.generic_text import generic_text
from engine.services.held_out import measure_held_out
from engine.services.jsonfile import write_json
from engine.services.original import load_original
from engine.services.progress import Progress
from engine.services.timing import time_models
from engine.services.vote_pairs import write_pairs

COMPARISON_FILE = "comparison.json"


def compare(
    folder: Path,
    config: RunConfig,
    settings: ComparisonSettings,
    listen: Listener,
    *,
    device: str = "cpu",
    timing: Mapping[str, float] | None = None,
    recorded_sha256: str | None = None,
    written: Answers | None = None,
) -> Comparison:
    """Measure the original, the control, the converted and the untrained model of a run.

    Args:
        folder: the run's folder, with `converted/`, `control/` if it was trained, and `data/`.
        config: the run's settings.
        settings: what to measure; the run's own, or others. The run's own context lengths are
            measured besides others.
        listen: told after every part; may raise `Cancelled`, and nothing is written then.
        device: where the models run, as torch names it.
        timing: seconds that earlier stages of the run took, to be kept with the result.
        recorded_sha256: the seal of the gates in the run's first event, where there is one.
        written: answers of the same models to keep; None lets them answer.

    Raises:
        BadRunConfig: a context length is out of reach.
        OriginalChanged: the original is not the one that the run was created with.
        EngineError: a model or the data cannot be read.
        Cancelled: `listen` asked to stop.
    """
    progress = Progress(listen)
    with progress.part("loading", "loading"):
        original = load_original(config, device=device)
        converted = load_converted(folder / "converted", device=device)
        corpus, dataset = run_data(folder, config, original)
    length = judged_length(config, original.context_tokens)
    lengths = lengths_to_measure(settings.context_tokens, config, length)
    require_lengths(
        config, lengths, heads=[layer.head for layer in attention_layers(original.model)],
        context_tokens=original.context_tokens, learned_positions=original.learned_positions,
        device=device,
    )  # fmt: skip
    pieces = select_pieces(dataset.heldout, settings.heldout_tokens)
    with progress.part("recall", "recall questions"):
        probes, note = questions(
            original.tokenizer,
            context_tokens=original.context_tokens,
            per_distance=settings.probes_per_distance,
            seed=config.data_seed,
        )
    with progress.part("needles", "needles"):
        needles = needles_for(original, settings.needles_per_cell, config.data_seed)
    with progress.part("data", "the data"):
        checks = check_data(corpus, dataset, original, seed=config.data_seed, tick=progress.tick)
    asked = Asked(config, settings, corpus, dataset, original)
    readings = measure_held_out(
        config, folder, original, converted, pieces, corpus.documents, probes,
        generic_text(corpus, original, max_tokens=dataset.max_tokens), needles, asked, device,
        progress,
    )  # fmt: skip
    scored = len({piece.document for piece in pieces})
    unscored = len({piece.document for piece in dataset.heldout}) - scored
    quality = readings.quality.model_copy(update={"unscored_documents": unscored})
    room = longest_prompt(original.context_tokens, settings.answer_tokens)
    recall, known = gather(probes, readings.passed, note, longest_prompt=room)
    if settings.prompt is not None:
        prompt = Prompt(settings.prompt, own=True)
    elif known is not None:
        prompt = Prompt(known.input_ids, expected=known.answer)
    else:
        longest = max(dataset.heldout, key=lambda piece: len(piece.ids))
        prompt = document_prompt(
            longest.ids.tolist(), original.context_tokens, settings.answer_tokens
        )
    method = config.method.name
    with progress.part("answers", "answers"):
        written = written or answers(
            original, converted, prompt, tokens=settings.answer_tokens, method=method
        )
        write_pairs(folder, config, original, converted, dataset.heldout, progress.tick)
    context = original.context_tokens
    trained = finetuning_end(folder / "converted")
    where = environment(original.model, backend=backends(
        original.model, converted.model, training=trained and trained.backend
    ))  # fmt: skip
    conversion = conversion_facts(converted.model, method)
    weights = {"original_weights_bytes": weights_bytes(original.model),
               "converted_weights_bytes": weights_bytes(converted.model)}  # fmt: skip
    models = [original, converted]
    del original, converted  # fresh processes load them again
    with progress.part("speed and memory", "speed and memory"):
        speed, memory, batches = time_models(
            models, config, settings, converted=folder / "converted", lengths=lengths,
            device=device, tick=progress.tick,
        )  # fmt: skip
    seconds = {f"comparing: {name}": spent for name, spent in progress.seconds.items()}
    seconds["comparing"] = sum(seconds.values())
    result = Comparison(
        quality=quality,
        recall=recall,
        speed=speed,
        memory=memory.model_copy(update=weights),
        batches=batches,
        answers=written,
        dataset=_counts(corpus, dataset, pieces),
        timing=rounded({**(timing or {}), **seconds}),
        environment=where,
        conversion=conversion,
        finetuning=_finetuning(folder),
        verdict=judge(
            quality, recall, speed, memory, gates=config.gates,
            sha256=config.gates_sha256, recorded_sha256=recorded_sha256, length=length,
        ),
        ablation=readings.ablation,
        data_checks=checks,
        likeness=readings.likeness,
        continuations=readings.continuations,
        forgetting=readings.forgetting,
        task=asked.task(),
        mqar=asked.mqar(),
        fidelity=readings.fidelity,
        crossovers=crossovers(speed, memory),
        needles=needle_grid(
            needles, readings.found, context_tokens=context,
            per_cell=settings.needles_per_cell,
        ) if settings.needles_per_cell else None,
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
    corpus = read_for(config, files[0])
    most = min(config.recipe.max_tokens, original.context_tokens)
    dataset = build_dataset(corpus, original.tokenizer, max_tokens=most, seed=config.data_seed)
    return corpus, dataset


def _finetuning(folder: Path) -> FinetuningFacts | None:
    converted, control = (finetuning_end(folder / track) for track in ("converted", "control"))
    if converted is None and control is None:
        return None
    return FinetuningFacts(converted=converted, control=control)


def _counts(corpus: Corpus, dataset: Dataset, pieces: Sequence[Piece]) -> dict[str, Any]:
    """What the data was: its file, its splits, what was removed, and how much was scored."""
    return {
        "name": corpus.name,
        "sha256": corpus.sha256,
        "format": corpus.format,
        "encoding": corpus.encoding,
        "documents": len(corpus.documents),
        "duplicates": corpus.duplicates,
        # The field's name is older than the knowledge that it counts them in whichever split.
        "duplicates_across_split": dataset.near_duplicates,
        "splits": {name: asdict(counts) for name, counts in dataset.counts.items()},
        "scored_tokens": sum(len(piece.ids) - 1 for piece in pieces),
    }
