"""The frozen settings of a run: what the app and the CLI write, and the worker obeys.

Every field's docstring is its help text, its row in the docs and the label's tooltip in the app.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from engine.goal import Goal
from engine.kept import KeptLayers
from engine.kept import default_kept as default_kept
from engine.methods import METHODS, AnyMethod, Hybrid
from engine.settings import Settings
from engine.sizes import LARGEST_FULL


class TransferSettings(Settings):
    """Stage 1, attention transfer: only the mixers learn, from the original's attention outputs."""

    steps: Annotated[int, Field(ge=0)] = 100
    """Optimiser steps. 0 skips the stage."""
    learning_rate: Annotated[float, Field(gt=0)] = 3e-2
    """Peak rate of AdamW for the mixers' own weights."""


class FinetuneSettings(Settings):
    """Stage 2, fine-tuning: the whole converted model learns from data and original."""

    steps: Annotated[int, Field(ge=0)] = 100
    """Optimiser steps at most; fewer when the validation loss stops falling. 0 skips the stage."""
    learning_rate: Annotated[float, Field(gt=0)] | None = None
    """Peak rate of AdamW for the pretrained weights; empty chooses one by model size."""
    mixer_learning_rate: Annotated[float, Field(gt=0)] = 5e-3
    """Peak rate of AdamW for the mixers' own weights."""
    teacher_weight: Annotated[float, Field(ge=0)] = 1.0
    """Weight of the divergence KL(original || converted) per token in the loss."""
    text_weight: Annotated[float, Field(ge=0)] = 0.5
    """Weight of the cross-entropy with the text itself in the loss."""
    lora_rank: Annotated[int, Field(ge=0, le=256)] | None = None
    """Rank of low-rank adapters; 0 trains every weight; empty decides by model size."""
    evaluate_every: Annotated[int, Field(ge=1)] = 25
    """Steps between readings of the validation loss."""
    patience: Annotated[int, Field(ge=1)] = 4
    """Readings without improvement after which fine-tuning stops early."""

    def rank_for(self, parameters: int) -> int:
        """Rank of the adapters in a model of this size; 0 trains every weight."""
        if self.lora_rank is not None:
            return self.lora_rank
        return 0 if parameters <= LARGEST_FULL else 8


class Recipe(Settings):
    """How long and how hard to train."""

    transfer: TransferSettings = TransferSettings()
    """Stage 1."""
    finetune: FinetuneSettings = FinetuneSettings()
    """Stage 2; the control gets exactly the same."""
    tokens_per_step: Annotated[int, Field(ge=32)] = 4096
    """Tokens the optimiser sees in one step (a micro-batch times the accumulation)."""
    accumulation: Annotated[int, Field(ge=1, le=64)] = 1
    """Micro-batches one step is cut into, to fit a small memory; the loss stays the same."""
    max_tokens: Annotated[int, Field(ge=16)] = 2048
    """Longest training sequence in tokens; never more than the model's own context."""
    train_control: bool = True
    """Fine-tune a copy of the original too, as the fair comparison."""


RECIPES: dict[str, Recipe] = {
    "quick": Recipe(
        transfer=TransferSettings(steps=100),
        finetune=FinetuneSettings(steps=60, evaluate_every=20),
    ),
    "balanced": Recipe(
        transfer=TransferSettings(steps=200),
        finetune=FinetuneSettings(steps=400, evaluate_every=50),
    ),
    "thorough": Recipe(
        transfer=TransferSettings(steps=600),
        finetune=FinetuneSettings(steps=2000, evaluate_every=100, patience=6),
    ),
}
"""The named recipes, shortest first."""


def recipe_for(name: str, method: str) -> Recipe:
    """A named recipe for a method.

    With no exact softmax beside them, feature maps gain less from imitating attention than from
    fine-tuning: such methods spend a quarter of the same steps on transfer (docs/log.md).
    """
    recipe = RECIPES[name]
    if METHODS[method].wants_softmax_layers:
        return recipe
    transfer = (recipe.transfer.steps + recipe.finetune.steps) // 4
    first = recipe.transfer.model_copy(update={"steps": transfer})
    second = recipe.finetune.model_copy(update={"steps": 3 * transfer})
    return recipe.model_copy(update={"transfer": first, "finetune": second})


class ComparisonSettings(Settings):
    """What the comparison measures, and how long it may take."""

    context_tokens: tuple[Annotated[int, Field(ge=16)], ...] = (128, 512, 1024, 2048, 4096, 8192)
    """Context lengths for speed and memory, in tokens."""
    decode_tokens: Annotated[int, Field(ge=4)] = 16
    """Tokens generated in one timing repeat."""
    repeats: Annotated[int, Field(ge=3)] = 10
    """Timing repeats per model and length, interleaved between the models."""
    batch_sizes: tuple[Annotated[int, Field(ge=1, le=1024)], ...] = (1,)
    """Inputs at once to time speed and memory with. 1, by which the gates are judged, is timed in
    any case; each other size takes about as long again."""
    fresh_processes: bool = True
    """Time each model in a fresh process of its own; off times both in one process."""
    heldout_tokens: Annotated[int, Field(ge=256)] = 40_000
    """At most this many held-out tokens are scored."""
    probes_per_distance: Annotated[int, Field(ge=1)] = 20
    """Recall questions per distance."""
    needles_per_cell: Annotated[int, Field(ge=0, le=100)] = 0
    """Questions of each needle task, language, length and depth; 0 asks none. One is about 240
    questions a model, minutes on a CPU."""
    mqar_per_size: Annotated[int, Field(ge=0, le=200)] = 0
    """Sequences per size of multi-query associative recall, the capacity probe; 0 asks none."""
    task_documents: Annotated[int, Field(ge=0, le=2000)] = 40
    """Held-out prompts that each model answers at most, where the data has prompts and references;
    0 answers none."""
    answer_tokens: Annotated[int, Field(ge=1)] = 80
    """Length of the two side-by-side answers, in tokens."""
    vote_pairs: Annotated[int, Field(ge=0, le=200)] = 8
    """Pairs of answers written for the blind vote, one per held-out document; 0 writes none."""
    prompt: str | None = None
    """The text both models continue; empty takes a long held-out document."""


class AcceptanceGates(Settings):
    """Thresholds that the converted model must meet, fixed before the run; an empty one is none."""

    quality_loss_percent: Annotated[float, Field(ge=0)] | None = 3.0
    """Held-out perplexity may rise by this much at most, in %."""
    quality_against: Literal["control", "original"] = "control"
    """Whose perplexity it is compared with: the control had the same fine-tuning, so that only the
    price of the conversion counts."""
    recall_loss_points: Annotated[float, Field(ge=0, le=100)] | None = 5.0
    """Fewer facts recalled than the original, in percentage points at most."""
    decode_speedup: Annotated[float, Field(gt=0)] | None = 1.0
    """Decode speed, converted / original, at least."""
    cache_ratio: Annotated[float, Field(gt=0)] | None = 0.5
    """Bytes kept while generating, converted / original, at most."""
    cost_ratio: Annotated[float, Field(gt=0)] | None = None
    """Computing time for one document, converted / original, at most: `context_tokens` read and
    `output_tokens` written."""
    context_tokens: Annotated[int, Field(ge=16)] | None = None
    """Your context length in tokens, at which speed, memory and cost are judged and measured. Where
    it is empty, creating the run fills in the longest of `comparison.context_tokens` within the
    trained context."""
    output_tokens: Annotated[int, Field(ge=1)] = 200
    """Tokens written per document, for the cost."""


class RunConfig(Settings):
    """Everything that decides a run's result. Frozen when the run is created."""

    model: str
    """A bundled name, a local folder, or a Hub id."""
    data: str
    """A bundled name, or a file's path (.txt .md .jsonl .csv .tsv .xlsx .docx .pdf)."""
    text_column: str | None = None
    """Column or key with the text, for .csv, .tsv, .xlsx and .jsonl, with dots where it is nested;
    empty finds it."""
    prompt_column: str | None = None
    """Column or key with what the model is asked, where the rows are tasks; empty looks for the
    usual names (docs/evidence.md), and creating the run fills in what was found ("" for none)."""
    reference_column: str | None = None
    """Column or key with the right answer to it."""
    encoding: Literal["utf-8", "cp932", "euc-jp", "iso-2022-jp", "utf-16"] | None = None
    """Encoding of a .txt, .md, .csv, .tsv or .jsonl file; empty ("detect") finds it."""
    mask_personal_data: bool = False
    """Replace e-mail addresses, telephone, card and My Numbers by words such as [E-MAIL] when the
    data is read; the run's copy of the file stays as it is."""
    method: AnyMethod = Field(default_factory=Hybrid, discriminator="name")
    """The attention that replaces softmax."""
    kept: KeptLayers = KeptLayers(every=4)
    """Layers that keep softmax attention."""
    recipe_name: Literal["quick", "balanced", "thorough", "custom"] = "quick"
    """Which named recipe the settings came from."""
    recipe: Recipe = RECIPES["quick"]
    """How long and how hard to train."""
    comparison: ComparisonSettings = ComparisonSettings()
    """What the comparison measures."""
    goal: Goal = Goal()
    """What the conversion is wanted for: use, load and prices."""
    gates: AcceptanceGates = AcceptanceGates()
    """What the converted model must meet."""
    gates_sha256: str | None = None
    """Seal of the gates, set when the run is created; null in runs from before there were gates."""
    weights_sha256: str | None = None
    """SHA-256 of the original's weights, set when the run is created (for a Hub model in one file,
    as the Hub tells it); null where it is not known, and in earlier runs."""
    revision: str | None = None
    """Commit of the Hub repository, set when the run is created; null for other models."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Seed of the training: the mixers' first weights, the order of the training text, and the
    sides of the blind vote."""
    data_seed: Annotated[int, Field(ge=0)] = 0
    """Seed of what the run is judged by: which documents are held out and which questions are
    asked. Runs that differ in `seed` alone show the spread of the training."""

    @classmethod
    def stored(cls, values: Mapping[str, Any]) -> RunConfig:
        """The settings of a run as they were stored. Before there was a `data_seed`, `seed` did its
        work, and must do so for those runs: another split would hold out what they trained on. For
        the same reason rows are not read as tasks where they were not before."""
        earlier = {"prompt_column": "", "reference_column": ""}
        return cls.model_validate({"data_seed": values.get("seed", 0), **earlier, **values})
