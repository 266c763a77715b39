"""Whether a model can be loaded and converted, from its config.json and list of files alone.

Everything that can be refused is refused here: before weights are downloaded, read or changed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from huggingface_hub.errors import StrictDataclassError

from engine.configs import FinetuneSettings
from engine.errors import ModelNotFound, UnsafeModel, UnsupportedArchitecture
from engine.models.files import require_tokenizer, weight_files
from engine.models.memory import require_memory, run_device
from engine.models.source import Source, find

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel

    from engine.core.geometry import HeadGeometry

CONVERSION_FILE = "conversion.json"
"""Marks the folder of a converted model."""

_USUAL = FinetuneSettings()
_MOST_LAYERS = 512
_LEARNED_POSITIONS = re.compile(r"(^|\.)(wpe|embed_positions|position_embeddings?)$")
# What transformers' configs and model classes raise on settings that make no sense.
_BAD_CONFIG = (
    ArithmeticError, AssertionError, AttributeError, ImportError, LookupError, RuntimeError,
    StrictDataclassError, TypeError, ValueError,
)  # fmt: skip
_CHOOSE_OTHER = "Choose a decoder-only text model, such as a Llama, Qwen, Mistral, Gemma or GPT-2."


@dataclass(frozen=True)
class ModelReport:
    """What is known of a model before it is loaded.

    Attributes:
        ref: what the user wrote.
        source: where it lies, and its files.
        architecture: its class in transformers, e.g. "LlamaForCausalLM".
        parameters: number of weights, tied ones counted once.
        layers: attention layers.
        heads: the heads' geometry, layer by layer.
        context_tokens: longest input it was made for.
        learned_positions: whether that is a hard limit (a table of positions, as in GPT-2).
        weight_files: the safetensors files, sorted by name.
        weight_bytes: their size, which is also the size of a download.
        needed_bytes, available_bytes: memory of the device for what was asked, a whole run unless
            said otherwise (see `run_bytes`), and memory free on it.
        is_local: whether nothing needs to be downloaded.
    """

    ref: str
    source: Source
    architecture: str
    parameters: int
    layers: int
    heads: tuple[HeadGeometry, ...]
    context_tokens: int
    learned_positions: bool
    weight_files: tuple[str, ...]
    weight_bytes: int
    needed_bytes: int
    available_bytes: int
    is_local: bool


def check_model(
    ref: str,
    *,
    converted: bool = False,
    finetune: FinetuneSettings | None = _USUAL,
    device: str | None = None,
    revision: str | None = None,
) -> ModelReport:
    """Look at a bundled model, a folder or a Hub repository; touch no weights.

    Args:
        ref: what the user wrote.
        converted: whether a converted model's folder is welcome (its family's model is described).
        finetune: how a run would train it, which decides the memory; None is for loading alone.
        device: where it is to run, as torch names it; None is where a run would.
        revision: commit of a Hub repository; None takes its newest.

    Raises:
        ModelNotFound: nothing answers to `ref`, or the folder lacks config.json or a tokenizer.
        UnsafeModel: no safetensors weights, remote code needed, or files outside the folder.
        UnsupportedArchitecture: not a decoder-only text model behind transformers' attention seam.
        OutOfMemory: it does not fit into the free memory.
    """
    source = find(ref, revision)
    if CONVERSION_FILE in source.files and not converted:
        raise UnsupportedArchitecture(
            f"{source.ref} is a model this program has already converted.",
            "Open it with engine.load(folder); to convert again, start from the original.",
        )
    config = _read_config(source)
    _refuse_remote_code(source, config)
    parsed = _parse_decoder_config(ref, config)
    weights = weight_files(source)
    require_tokenizer(source)
    model = _build_without_weights(ref, parsed)
    from engine.core.geometry import attention_layers

    layers = attention_layers(model)
    parameters = sum(weight.numel() for weight in model.parameters())
    needed, available = require_memory(ref, parameters, device or run_device(), finetune)
    return ModelReport(
        ref=ref,
        source=source,
        architecture=type(model).__name__,
        parameters=parameters,
        layers=len(layers),
        heads=tuple(layer.head for layer in layers),
        context_tokens=_context_tokens(ref, parsed),
        learned_positions=any(_LEARNED_POSITIONS.search(n) for n, _ in model.named_modules()),
        weight_files=tuple(weights),
        weight_bytes=sum(source.files[name] for name in weights),
        needed_bytes=needed,
        available_bytes=available,
        is_local=source.folder is not None,
    )


def _read_config(source: Source) -> dict[str, Any]:
    if "adapter_config.json" in source.files:
        raise UnsupportedArchitecture(
            f"{source.ref} is an adapter (LoRA) for another model.",
            "Merge it into its base model (peft: merge_and_unload) and give the merged folder.",
        )
    if "config.json" not in source.files:
        raise ModelNotFound(
            f"{source.ref} holds no config.json, so it is not a transformers model.",
            "Give the folder that save_pretrained wrote.",
        )
    return source.read_json("config.json")


def _refuse_remote_code(source: Source, config: dict[str, Any]) -> None:
    """Refuse what could only be loaded with code from the model's own folder.

    Some repositories of known models (Phi-3) still carry the code that transformers has since
    taken over, under the same class names; there transformers' own class is used and the code
    is neither downloaded nor run.
    """
    from transformers import CONFIG_MAPPING
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    kind = str(config.get("model_type"))
    own = {MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.get(kind)}
    if kind in CONFIG_MAPPING:
        own.add(CONFIG_MAPPING[kind].__name__)
    auto_map = config.get("auto_map") or {}
    named = auto_map.values() if isinstance(auto_map, dict) else [auto_map]
    if not all(isinstance(name, str) and name.rpartition(".")[2] in own for name in named):
        raise UnsafeModel(
            f"{source.ref} needs code from its own repository (auto_map in config.json).",
            "Such code is never run. " + _CHOOSE_OTHER,
        )
    for key in ("attn_implementation", "_attn_implementation", "_attn_implementation_internal"):
        if "/" in str(config.get(key)):
            raise UnsafeModel(
                f"{source.ref} asks for an attention kernel from the Hub ({key} in config.json).",
                "Remove that entry from config.json; transformers' own attention is used.",
            )


def _parse_decoder_config(ref: str, config: dict[str, Any]) -> PreTrainedConfig:
    from transformers import CONFIG_MAPPING, __version__
    from transformers.models.auto.modeling_auto import (
        MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
        MODEL_FOR_MASKED_LM_MAPPING_NAMES,
    )

    from engine.core.geometry import CHOOSE_SUPPORTED, SUPPORTED

    kind = config.get("model_type")
    if not isinstance(kind, str) or kind not in CONFIG_MAPPING:
        raise UnsupportedArchitecture(
            f"{ref} is of the type {kind!r}, which transformers {__version__} does not know.",
            _CHOOSE_OTHER,
        )
    if config.get("quantization_config"):
        raise UnsupportedArchitecture(
            f"The weights of {ref} are quantised.", "Choose the version in float32 or bfloat16."
        )
    if config.get("is_encoder_decoder"):
        raise UnsupportedArchitecture(f"{ref} ({kind}) is an encoder-decoder.", _CHOOSE_OTHER)
    own_class = MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.get(kind)
    if own_class is None or (
        kind in MODEL_FOR_MASKED_LM_MAPPING_NAMES and not config.get("is_decoder")
    ):
        raise UnsupportedArchitecture(
            f"{ref} ({kind}) is an encoder or no text decoder: it does not continue text.",
            _CHOOSE_OTHER,
        )
    if kind not in SUPPORTED:
        raise UnsupportedArchitecture(
            f"{ref} is of the family {kind}, which is not among the tested ones.", CHOOSE_SUPPORTED
        )
    classes = config.get("architectures") or [own_class]
    if own_class not in classes:
        raise UnsupportedArchitecture(
            f"{ref} holds a {', '.join(map(str, classes))}, not a {own_class}.",
            "Choose the language model itself, with its output head. " + _CHOOSE_OTHER,
        )
    # Before parsing: some configs make a list with an entry per layer.
    for key in ("num_hidden_layers", "n_layer", "n_layers", "num_layers"):
        layers = config.get(key, 1)
        if not isinstance(layers, int) or not 1 <= layers <= _MOST_LAYERS:
            raise _unusable(ref, ValueError(f"{key} is {layers!r}"))
    try:
        parsed = CONFIG_MAPPING[kind].from_dict(config)
    except _BAD_CONFIG as error:
        raise _unusable(ref, error) from error
    return parsed


def _build_without_weights(ref: str, config: PreTrainedConfig) -> PreTrainedModel:
    """The model on torch's meta device: modules and shapes, no memory."""
    import torch
    from transformers import AutoModelForCausalLM

    try:
        with torch.device("meta"):
            return AutoModelForCausalLM.from_config(config, trust_remote_code=False)
    except _BAD_CONFIG as error:
        raise _unusable(ref, error) from error


def _context_tokens(ref: str, config: PreTrainedConfig) -> int:
    text = config.get_text_config(decoder=True)
    for key in ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length"):
        if isinstance(tokens := getattr(text, key, None), int):
            return tokens
    raise _unusable(ref, ValueError("no context length is stated"))


def _unusable(ref: str, error: Exception) -> UnsupportedArchitecture:
    reason = (str(error).strip() or type(error).__name__).splitlines()[-1][:200]
    return UnsupportedArchitecture(
        f"config.json of {ref} does not describe a usable model: {reason}",
        "Get a clean copy of the model.",
    )
