"""Load a checked model: safetensors only, no remote code."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.utils import logging

from engine.configs import FinetuneSettings
from engine.errors import UnsafeModel, UnsupportedArchitecture
from engine.models.check import check_model
from engine.models.files import weights_sha256

_CLEAN_COPY = "Get a clean copy of the model."


@dataclass
class Loaded:
    """A model ready to run, in eval mode.

    Attributes:
        ref: what the user wrote.
        context_tokens: longest input the model was made for.
        learned_positions: whether that is a hard limit (see `ModelReport`).
        weights_sha256: over the safetensors files in the order of their names, lower-case hex.
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    ref: str
    context_tokens: int
    learned_positions: bool
    weights_sha256: str


def load(
    ref: str,
    *,
    dtype: torch.dtype = torch.float32,
    device: str = "cpu",
    converted: bool = False,
    finetune: FinetuneSettings | None = None,
    revision: str | None = None,
) -> Loaded:
    """Check and load a bundled model, a local folder or a Hub repository.

    A converted model's folder is refused unless `converted`, which gives the family's own model
    without its mixers: `engine.load` opens both kinds whole. With `finetune`, memory for a run that
    trains the model so must be free, else for loading it. `revision` is the commit of a Hub
    repository; None takes its newest.

    Raises:
        ModelNotFound, UnsafeModel, UnsupportedArchitecture, OutOfMemory: see `check_model`.
    """
    report = check_model(
        ref, converted=converted, finetune=finetune, device=device, revision=revision
    )
    folder = report.source.fetch(list(report.weight_files))
    model = _load_model(ref, folder, dtype, device)
    return Loaded(
        model=model,
        tokenizer=_load_tokenizer(ref, folder, model.config.get_text_config().vocab_size),
        ref=ref,
        context_tokens=report.context_tokens,
        learned_positions=report.learned_positions,
        weights_sha256=weights_sha256([folder / name for name in report.weight_files]),
    )


def _load_model(ref: str, folder: Path, dtype: torch.dtype, device: str) -> PreTrainedModel:
    # Its own report would warn of a converted model's mixers; what matters is checked below.
    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=dtype,
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            output_loading_info=True,
        )
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        raise UnsafeModel(f"The weights of {ref} cannot be read: {reason}", _CLEAN_COPY) from error
    finally:
        logging.set_verbosity(verbosity)
    model, report = loaded
    # transformers fills absent weights with random numbers and only warns.
    if missing := sorted(report["missing_keys"]):
        raise UnsupportedArchitecture(
            f"The weight files of {ref} lack {len(missing)} of the model's weights, "
            f"such as {missing[0]}.",
            _CLEAN_COPY,
        )
    return model.to(device).eval()


def _load_tokenizer(ref: str, folder: Path, vocabulary: int) -> PreTrainedTokenizerBase:
    """The tokenizer, none of whose ids may lie beyond the model's `vocabulary`."""
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            folder, trust_remote_code=False, local_files_only=True
        )
    # The Rust tokenizer reports a damaged file as a bare Exception, so nothing narrower will do.
    except Exception as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        raise UnsafeModel(
            f"The tokenizer of {ref} cannot be read: {reason}", _CLEAN_COPY
        ) from error
    if not tokenizer.is_fast:
        raise UnsupportedArchitecture(
            f"The tokenizer of {ref} exists only in Python, without a fast form.",
            "Choose a model with a tokenizer.json.",
        )
    largest = max(tokenizer.get_vocab().values(), default=-1)
    if largest >= vocabulary:
        raise UnsupportedArchitecture(
            f"The tokenizer of {ref} knows ids up to {largest}, its model has only {vocabulary}.",
            "The tokenizer belongs to another model: put the right one into the folder.",
        )
    return tokenizer
