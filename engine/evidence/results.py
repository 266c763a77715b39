"""The content of `comparison.json` (documented in docs/comparison-schema.md).

Later versions add fields and never change or drop one; `schema_version` counts the additions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.evidence.batch_parts import BatchTiming
from engine.evidence.behaviour_parts import (
    Continuations,
    Forgetting,
    LikenessReport,
    NeedleGrid,
)
from engine.evidence.crossover import Crossover
from engine.evidence.data_parts import DataChecks
from engine.evidence.fidelity_parts import Fidelity
from engine.evidence.inner_parts import Ablation
from engine.evidence.memory_parts import Memory
from engine.evidence.mqar_parts import Mqar
from engine.evidence.parts import Quality, Recall, Result, Speed
from engine.evidence.task_parts import TaskScore
from engine.evidence.verdict import Verdict

SCHEMA_VERSION = 6


class Answer(Result):
    """One model's greedy continuation of the prompt."""

    text: str
    """What it wrote."""
    tokens: int
    """Tokens it wrote."""
    first_token_ms: float
    """Time from prompt to first token in ms (one reading, not a median)."""
    tokens_per_s: float | None
    """Decode speed after the first token (one reading); null for a single token."""
    cache_bytes: int
    """Exact bytes of the cache after the last token."""
    weights_sha256: str
    """SHA-256 of the weights that wrote it."""
    attention: str
    """The attention that wrote it, e.g. "hybrid in 3 layers, softmax in 1"."""
    pieces: tuple[str, ...] = ()
    """What each token adds to the text, "" where a character is not complete yet; empty in files
    from before it was kept."""


class Answers(Result):
    """Both models on the same prompt."""

    prompt_tail: str
    """The end of the prompt, as far as a page shows it."""
    prompt_tokens: int
    """Tokens of the prompt that both models read."""
    prompt_tokens_dropped: int
    """Tokens cut off the prompt's beginning because they did not fit the context."""
    expected: str | None
    """The true answer, where the prompt asks for a known fact."""
    original: Answer
    """The original's answer."""
    converted: Answer
    """The converted model's answer."""
    same_prefix_tokens: int
    """Tokens from the start in which both answers are identical."""
    own_prompt: bool = False
    """The prompt was given by the user: measuring again keeps it and its answers."""


class ConversionFacts(Result):
    """What was swapped."""

    method: str
    """Name of the method."""
    layers_converted: tuple[int, ...]
    """Layers (from 0) whose attention was replaced."""
    layers_kept: tuple[int, ...]
    """Layers that keep softmax attention."""
    parameters_added: int
    """Weights the mixers brought along."""


class FinetuningEnd(Result):
    """How the fine-tuning of one model ended."""

    kept_step: int
    """The optimiser step whose weights were kept, that of the lowest validation reading; 0 where no
    reading was lower than the one before the first step, so that fine-tuning changed nothing."""
    steps: int
    """Optimiser steps done; fewer than the recipe's where it stopped early."""
    validation_loss: float | None
    """Validation loss of the kept weights in nats per token; null where it is not finite."""
    backend: str | None = None
    """Which code computed the converted layers' attention in training; null for a model without
    any, and where it was not recorded."""


class FinetuningFacts(Result):
    """How fine-tuning ended, by model."""

    converted: FinetuningEnd | None
    """The converted model's; null when it was not fine-tuned."""
    control: FinetuningEnd | None
    """The control's; null when there is none. With `kept_step` 0 the control is the original."""


class Environment(Result):
    """Where and with what the numbers were measured; no host and no user name."""

    machine: str
    """Operating system and processor architecture."""
    cpu: str
    """Processor model."""
    cores: int
    """Processor cores this process may use."""
    threads: int
    """Threads PyTorch uses unless a speed point says otherwise."""
    memory_bytes: int | None
    """The machine's memory; null where the system does not tell."""
    device: str
    """Device of the models: "cpu" or the GPU's name."""
    torch: str
    """PyTorch version."""
    transformers: str
    """transformers version."""
    python: str
    """Python version."""
    engine: str
    """Version of this software."""
    dtype: str
    """Precision of the weights."""
    backend: str
    """Which code ran, stage by stage, e.g. "original: sdpa; converted: training PyTorch, chunked
    prefill PyTorch, recurrent decode PyTorch; decode steps: one by one (no NVIDIA GPU)"."""
    date: str
    """UTC time at which the comparison ended, ISO 8601."""
    device_memory_bytes: int | None = None
    """Memory of the GPU that the models ran on; null on a processor, which has `memory_bytes`, and
    in files from before it was written."""


class Comparison(Result):
    """Everything `compare` measured: the content of comparison.json."""

    schema_version: int = SCHEMA_VERSION
    """Version of this schema."""
    quality: Quality
    """Prediction of held-out text."""
    recall: Recall
    """Recall of facts by distance."""
    speed: Speed
    """Speed by context length."""
    memory: Memory
    """Memory by context length."""
    batches: tuple[BatchTiming, ...] = ()
    """Speed and memory with several inputs at once; empty unless asked for, and in files before
    schema version 3. `speed`, `memory` and the gates are of batch size 1."""
    answers: Answers
    """One prompt, two answers."""
    dataset: dict[str, Any]
    """Counts of the data set: documents, tokens and bytes per split, duplicates removed. In it,
    `duplicates` are exact copies, and `duplicates_across_split`, whatever its name says, documents
    that differ from another in case, spaces or width only, dropped before the split."""
    timing: dict[str, float]
    """Seconds spent, by stage of the run and part of the comparison."""
    environment: Environment
    """Where it was measured."""
    conversion: ConversionFacts
    """What was swapped."""
    finetuning: FinetuningFacts | None = None
    """Which step of fine-tuning was kept; null where there was none, and in older files."""
    ablation: Ablation | None = None
    """What each part of a hybrid's attention contributes; null for other methods and in files of
    schema version 1."""
    data_checks: DataChecks | None = None
    """Copies, leaks and lost order of the data; null in files of schema version 1."""
    likeness: LikenessReport | None = None
    """How close the next-token distributions are; null in files of schema version 1."""
    continuations: Continuations | None = None
    """How close whole continuations are; null where every held-out document is too short, and in
    files of schema version 1."""
    crossovers: tuple[Crossover, ...] = ()
    """From which length on the converted model is faster or smaller; empty in files of schema
    version 1."""
    needles: NeedleGrid | None = None
    """Needle tasks by length and depth; null unless asked for, and in files of schema version 1."""
    forgetting: Forgetting | None = None
    """Text that is not the user's; null in files of schema version 1."""
    task: TaskScore | None = None
    """The user's own task; null where the data has no prompts and references, or none were asked,
    and in files before schema version 3."""
    mqar: Mqar | None = None
    """Multi-query associative recall; null unless asked for, and in files before version 3."""
    fidelity: Fidelity | None = None
    """Attention of the converted layers against the original's; null for a null conversion, and in
    files of schema version 1."""
    verdict: Verdict | None = None
    """The verdict of the acceptance gates; null in files of schema version 1."""


def rounded(seconds: Mapping[str, float]) -> dict[str, float]:
    """Seconds to the millisecond: more digits would claim more than a clock can."""
    return {name: round(value, 3) for name, value in seconds.items()}
